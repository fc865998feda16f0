"""How the checks put several findings into a line."""

from __future__ import annotations

from collections.abc import Iterable

SHOWN = 3
LONGEST = 160
BEFORE = 40


def some(texts: Iterable[str], between: str = "; ", shown: int = SHOWN) -> str:
    """The first few, and how many more there are."""
    listed = list(texts)
    more = f" and {len(listed) - shown} more" if len(listed) > shown else ""
    return between.join(listed[:shown]) + more


def some_names(names: Iterable[str]) -> str:
    """The first few of some names, each once, and how many more there are."""
    return some(dict.fromkeys(names), ", ")


def apart(first: str, second: str) -> tuple[str, str]:
    """Two texts, long ones cut to where they begin to differ."""
    shorter = min(len(first), len(second))
    same = next((n for n in range(shorter) if first[n] != second[n]), shorter)
    start = max(0, same - BEFORE)
    return _cut(first, start), _cut(second, start)


def _cut(text: str, start: int) -> str:
    if len(text) <= LONGEST:
        return text
    end = "..." if len(text) > start + LONGEST else ""
    return f"{'...' if start else ''}{text[start : start + LONGEST]}{end}"
