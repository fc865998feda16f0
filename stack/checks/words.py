"""How the checks put several findings, and durations, into a line."""

from __future__ import annotations

from collections.abc import Iterable

SHOWN = 3
UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))


def some(texts: Iterable[str]) -> str:
    """The first few, and how many more there are."""
    listed = list(texts)
    more = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
    return "; ".join(listed[:SHOWN]) + more


def duration(seconds: float) -> str:
    """Seconds as Prometheus writes them, such as 1m30s."""
    left = round(seconds * 1000)
    parts = []
    for size, unit in UNITS:
        count, left = divmod(left, size * 1000)
        parts += [f"{count}{unit}"] if count else []
    parts += [f"{left}ms"] if left else []
    return "".join(parts) or "0s"
