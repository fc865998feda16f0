"""Measurements that could not be recorded: each is counted, and each kind is logged once.

A failure to measure must not disturb what is measured, and must not vanish either. Nothing here may raise
or block for longer than a log call.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Lock

_LOG = logging.getLogger("stack.telemetry")


class FailureLog:
    """Counts failures and remembers which kinds were logged."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._logged: set[str] = set()
        self._count: Callable[[float], None] | None = None
        self.total = 0

    def count_with(self, count: Callable[[float], None]) -> None:
        """Has ``count`` told of each failure from now on, and at once of those so far."""
        with self._lock:
            self._count = count
            count(self.total)

    def note(self, kind: str, detail: object) -> None:
        """Counts one failure. ``kind`` is a fixed phrase of ours; ``detail`` may come from a caller."""
        with self._lock:
            self.total += 1
            if self._count is not None:
                self._count(1)
            if kind in self._logged:
                return
            self._logged.add(kind)
        _LOG.warning(
            "telemetry: %s (%.200r); counted in telemetry_record_failures_total, logged once", kind, detail
        )


FAILURES = FailureLog()
