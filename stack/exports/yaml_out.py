"""Values as YAML that every reader takes alike, the same to the byte for the same values. Pure.

A text stands bare only where no YAML, old or new, could take it for anything else (``y`` is a truth value to Go's),
and with its lines below each other where it has several and they can be kept as they are. PyYAML's writer does neither,
and needs ten seconds for the dashboards of a large stack.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

BARE = re.compile(r"[A-Za-z/][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./-]+)*")
WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf", "infinity"})
UNKEPT = re.compile("[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
"""Characters that a reader of YAML refuses, drops or takes for a line break."""
STEP = "  "


def document(value: Mapping[str, Any]) -> str:
    """One document."""
    return "".join(f"{line}\n" for line in _mapping(value, ""))


def documents(values: Iterable[Mapping[str, Any]]) -> str:
    """Several, each behind a line of its own."""
    return "".join(f"---\n{document(value)}" for value in values)


def keeps(text: str) -> bool:
    """Whether the text comes through YAML as it is, with its lines below each other."""
    last = text.rpartition("\n")[2]
    return not UNKEPT.search(text) and (not last or bool(last.strip()))


def _mapping(value: Mapping[str, Any], indent: str) -> Iterator[str]:
    for key, one in value.items():
        yield from _entry(f"{indent}{_scalar(str(key))}:", one, indent)


def _sequence(value: Sequence[Any], indent: str) -> Iterator[str]:
    for one in value:
        if isinstance(one, Mapping) and one:
            first, *rest = _mapping(one, indent + STEP)
            yield f"{indent}- {first[len(indent) + len(STEP) :]}"
            yield from rest
        else:
            yield from _entry(f"{indent}-", one, indent)


def _entry(head: str, value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, Mapping) and value:
        yield head
        yield from _mapping(value, indent + STEP)
    elif isinstance(value, list | tuple) and value:
        yield head
        yield from _sequence(value, indent + STEP)
    elif isinstance(value, str) and "\n" in value.strip("\n") and keeps(value):
        yield _lines(head, value, indent + STEP)
    else:
        yield f"{head} {_scalar(value)}"


def _lines(head: str, text: str, indent: str) -> str:
    body = text.rstrip("\n")
    ends = len(text) - len(body)
    lines = (body + "\n" * max(ends - 1, 0)).split("\n")
    written = (f"{indent}{line}" if line else "" for line in lines)
    return "\n".join((f"{head} |{len(STEP)}{('-', '', '+')[min(ends, 2)]}", *written))


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        if BARE.fullmatch(value) and value.lower() not in WORDS:
            return value
        return UNKEPT.sub(lambda one: f"\\u{ord(one[0]):04x}", json.dumps(value, ensure_ascii=False))
    if value is None or isinstance(value, bool | int | float):
        return json.dumps(value)
    if not value and isinstance(value, Mapping | list | tuple):
        return "{}" if isinstance(value, Mapping) else "[]"
    raise TypeError(f"{type(value).__name__} has no form in YAML")
