"""Refuses YAML that is nested too deep: what composes it in C calls itself for each level, until the process ends."""

from __future__ import annotations

from typing import TypeVar

import yaml

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MOST = 500
"""Levels; no file of the products has twenty. Twenty thousand were composed without harm."""
HALF = MOST // 2
Text = TypeVar("Text", str, bytes)


def bounded(text: Text) -> Text:
    """The same text; ``yaml.MarkedYAMLError`` with the place where it is nested deeper than ``MOST`` levels.

    Looked at closely only where it has signs enough for that.
    """
    if _may_be_deep(text if isinstance(text, str) else text.replace(b"\0", b"").decode("latin-1")):
        _walk(text)
    return text


def _may_be_deep(text: str) -> bool:
    """In blocks, a level but a list below its key is a column further in than the one above it."""
    if text.count("[") + text.count("{") > MOST:
        return True
    long = (line for line in text.splitlines() if len(line) > MOST)
    return any(line.startswith(" " * HALF) or line.count("- ") + line.count("? ") > HALF for line in long)


def _walk(text: str | bytes) -> None:
    level = 0
    for event in yaml.parse(text, Loader=LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            level += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            level -= 1
        if level > MOST:
            raise yaml.MarkedYAMLError(problem="nested too deep", problem_mark=event.start_mark)
