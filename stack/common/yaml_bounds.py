"""Refuses YAML that is small and yet too much: nested too deep, or with aliases of aliases of aliases.

What composes YAML in C calls itself for each level, until the process ends. Thirty lines that name the one above twice
are a document that nobody can walk through. Go's YAML refuses the latter, too.
"""

from __future__ import annotations

from typing import Any

import yaml

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MOST = 500
"""Levels; no file of the products has twenty. Twenty thousand were composed without harm."""
HALF = MOST // 2
MOST_VALUES = 1_000_000
"""Values of a document with aliases, each counted as often as it is named."""


def bounded(text: str | bytes) -> Any:
    """The same text; ``yaml.MarkedYAMLError`` with the place where it is too much, ``YAMLError`` where it is no YAML.

    Looked at closely only where it has signs enough for that.
    """
    shown = text if isinstance(text, str) else text.replace(b"\0", b"").decode("latin-1")
    if ("&" in shown and "*" in shown) or _may_be_deep(shown):
        _Walk().through(text)
    return text


def _may_be_deep(text: str) -> bool:
    """In blocks, a level but a list below its key is a column further in than the one above it."""
    if text.count("[") + text.count("{") > MOST:
        return True
    long = (line for line in text.splitlines() if len(line) > MOST)
    return any(line.startswith(" " * HALF) or line.count("- ") + line.count("? ") > HALF for line in long)


class _Walk:
    """Counts the values of the collections that are open, and keeps the counts of those that have names."""

    def __init__(self) -> None:
        self._open: list[tuple[str | None, int]] = []
        self._named: dict[str, int] = {}
        self._repeats = False

    def through(self, text: str | bytes) -> None:
        """All events of the parser, which does not call itself."""
        for event in yaml.parse(text, Loader=LOADER):
            if isinstance(event, yaml.CollectionStartEvent):
                self._open.append((event.anchor, 1))
            elif isinstance(event, yaml.CollectionEndEvent):
                self._count(*self._open.pop())
            elif isinstance(event, yaml.AliasEvent):
                self._repeats = True
                self._count(None, self._named.get(str(event.anchor), 1))
            elif isinstance(event, yaml.ScalarEvent):
                self._count(event.anchor, 1)
            if fault := self._fault():
                mark: Any = event.start_mark
                raise yaml.MarkedYAMLError(problem=fault, problem_mark=mark)

    def _count(self, anchor: str | None, values: int) -> None:
        if anchor is not None:
            self._named[anchor] = values
        if self._open:
            name, before = self._open[-1]
            self._open[-1] = name, before + values

    def _fault(self) -> str:
        if len(self._open) > MOST:
            return "nested too deep"
        too_many = self._repeats and self._open and self._open[-1][1] > MOST_VALUES
        return "document contains excessive aliasing" if too_many else ""
