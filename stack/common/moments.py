"""Moments and spans as people and engines write them; all times are UTC."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Final

APART = 1.0
"""Seconds between two clocks that nobody needs to know of."""
STAMP = "%Y-%m-%d %H:%M:%S UTC"
UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


_AHEAD: Final = [0.0]
"""Seconds, of the whole process: a command is about one stack."""


def wall_clock() -> float:
    """The Unix time by the clock of the stack's engine once that is known: products and data go by that one."""
    return time.time() + _AHEAD[-1]


def follow(ahead: float) -> None:
    """From now on ``wall_clock`` is a clock that is so many seconds ahead of this machine's."""
    _AHEAD[:] = [ahead]


def ahead_of(said: object, began: float, ended: float) -> float:
    """Seconds by which a clock is ahead that said this (ISO 8601) between two moments; 0 where it may be right."""
    try:
        told = instant(str(said))
    except ValueError:
        return 0.0
    ahead = told - (began + ended) / 2
    return ahead if told and abs(ahead) > (ended - began) / 2 + APART else 0.0


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
