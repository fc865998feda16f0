"""Identities of content and of values: equal ones have equal digests, in every process and on every machine."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from typing import Any

from msgspec.structs import asdict

WATCHED = "-"
"""Between the digest of what a process loads and that of what it watches by itself."""


@lru_cache(maxsize=512)
def content_digest(content: bytes) -> str:
    """SHA-256 of a file's content; kept, since every part of a command asks for the same few files again."""
    return hashlib.sha256(content).hexdigest()


def digest_of(value: Any) -> str:
    """Of a value made of structs and plain ones."""
    text = json.dumps(value, sort_keys=True, default=_plain, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def same_loaded(one: str, other: str) -> bool:
    """Whether two digests differ at most in what is watched."""
    return bool(one) and one.partition(WATCHED)[0] == other.partition(WATCHED)[0]


def _plain(value: Any) -> Any:
    return asdict(value)
