"""TOML files of the user's own: one thing each, such as a server that is watched, or why it cannot be used. Pure."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from msgspec import Struct


class Fault(Struct, frozen=True):
    """Why a file cannot be used, and the remedy."""

    path: str
    why: str
    hint: str


class Wrong(Exception):
    """What is wrong with a value, and the remedy."""

    def __init__(self, why: str, hint: str) -> None:
        super().__init__(why)
        self.hint = hint


@lru_cache(maxsize=64)
def parsed(content: bytes) -> dict[str, Any]:
    """The document; ``Wrong`` where it is none."""
    import tomllib

    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise Wrong(f"it is no UTF-8 text: {error}", "save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise Wrong(f"it is no TOML: {error}", "correct the TOML") from error
