"""The time of day for what expires: a step of the system's clock moves it only when the step has lasted.

A clock set forward by mistake would expire everything at once, and setting it back would bring nothing again. So time
goes on at the pace of a clock that nobody sets; only what has lasted ``CONFIRM_SECONDS`` is taken for the truth.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from threading import Lock
from typing import Final

CONFIRM_SECONDS: Final = 24 * 3600.0
TOLERANCE_SECONDS: Final = 60.0
"""A difference that is followed at once: an adjustment, not a step."""
_LOG = logging.getLogger("stack.app")


def _wall() -> float:
    return time.time()


def _progress() -> float:
    """Seconds that nobody sets; unlike time.monotonic it goes on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class SteadyClock:
    """Unix seconds. Thread safe."""

    def __init__(self, wall: Callable[[], float] = _wall, progress: Callable[[], float] = _progress) -> None:
        self._wall = wall
        self._progress = progress
        self._lock = Lock()
        self._behind = self._wall() - progress()
        self._ahead, self._since = self._behind, progress()

    def __call__(self) -> float:
        """The time now."""
        with self._lock:
            passed = self._progress()
            offset = self._wall() - passed
            if abs(offset - self._behind) <= TOLERANCE_SECONDS:
                self._behind = self._ahead = offset
            elif abs(offset - self._ahead) > TOLERANCE_SECONDS:
                self._ahead, self._since = offset, passed
                _LOG.warning(
                    "the system's clock was set by %+.0f s: packets expire by it after %.0f h",
                    offset - self._behind,
                    CONFIRM_SECONDS / 3600,
                )
            elif passed - self._since >= CONFIRM_SECONDS:
                self._behind = offset
            return passed + self._behind


CLOCK: Final = SteadyClock()
"""What packets are dated by and expire by: with two clocks, one step would expire at once what is written after it."""
