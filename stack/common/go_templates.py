"""Message templates of Alertmanager as far as their text tells: the names that they define and ask for. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

NAMED = re.compile(r"""\{\{-?\s*template\s+(?:"([^"]+)"|`([^`]+)`)""")
DEFINED = re.compile(r"""\{\{-?\s*(?:define|block)\s+(?:"([^"]+)"|`([^`]+)`)""")
BUILT_IN = re.compile(r"__.*|[a-z_0-9]+\.default\..*")
"""Names of Alertmanager's own templates (template/default.tmpl and email.tmpl of its source)."""


def named(text: str) -> list[str]:
    """The templates that a text asks for."""
    return [quoted or raw for quoted, raw in NAMED.findall(text)]


def defined(text: str) -> list[str]:
    """The templates that a text defines."""
    return [quoted or raw for quoted, raw in DEFINED.findall(text)]


def texts(value: Any) -> Iterator[str]:
    """All texts inside a value of YAML."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)
