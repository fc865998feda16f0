"""Moments and spans as people and engines write them; all times are UTC."""

from __future__ import annotations

import time
from datetime import UTC, datetime

STAMP = "%Y-%m-%d %H:%M:%S UTC"
UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def wall_clock() -> float:
    """The Unix time, for what outlives the process."""
    return time.time()


def stamp(seconds: float) -> str:
    """A Unix time for people."""
    return datetime.fromtimestamp(seconds, UTC).strftime(STAMP)


def moment(text: str) -> float:
    """The Unix time, to the second, of a stamp or of an engine's ISO 8601 text; 0 where it is neither."""
    try:
        return datetime.fromisoformat(text[:19]).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return 0.0


def instant(text: str) -> float:
    """The Unix time of a moment as Go writes it; 0 for one that has not come yet. ``ValueError`` for what is none."""
    return max(0.0, datetime.fromisoformat(text).timestamp())


def short(seconds: float) -> str:
    """A span in its largest unit, such as ``3 min``."""
    unit, size = next(((u, s) for u, s in UNITS if seconds >= s), ("s", 1))
    return f"{seconds / size:.0f} {unit}"
