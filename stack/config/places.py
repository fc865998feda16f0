"""Where a value stands in a TOML document, for messages: ``stack.toml:7``. Pure."""

from __future__ import annotations

import re

_HEADER = re.compile(r"\s*\[+\s*([^\[\]]+?)\s*\]+\s*(?:#.*)?")
_KEY = re.compile(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")


def toml_line(text: str, path: str) -> int | None:
    """The line of a TOML document on which the value at ``path`` is set, alone or within a table; None if unseen."""
    wanted, table = path.split("."), ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.fullmatch(line):
            table = header[1]
            found = _parts(table)
        elif key := _KEY.match(line):
            found = _parts(f"{table}.{key[1]}" if table else key[1])
        else:
            continue
        if found == wanted or (not header and found == wanted[: len(found)]):
            return number
    return None


def _parts(dotted: str) -> list[str]:
    return [part.strip().strip("\"'") for part in dotted.split(".")]
