"""What one gate did: decisions, durations and the pass rate, kept without prometheus_client.

Recording appends one tuple to a queue (an atomic operation) and returns; whoever finds the queue long enough, or reads
a snapshot, settles it. So a decision costs a fraction of a microsecond, waits for nobody, and none is lost under
threads. Counts live in this process only. It must never block or fail the code that it measures.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from threading import Lock
from time import perf_counter
from typing import NamedTuple

from stack.telemetry.catalogue import BY_NAME, ERROR_CODES, GATES
from stack.telemetry.failures import note_failure
from stack.telemetry.request import REQUEST_ID

BOUNDS_MS = BY_NAME["gate_execution_ms"].buckets
WINDOW_DECISIONS = 1000
WINDOW_SECONDS = 300.0
# An error code that is none: the call ended without a decision, so only its duration counts.
UNDECIDED = ""
_SETTLE_AT = 256


class Record(NamedTuple):
    """One finished call: its end on the perf_counter clock, and the request it belonged to, if any."""

    ended: float
    duration_ms: float
    error_code: str | None
    request_id: str


@dataclass(frozen=True, slots=True)
class MeterSnapshot:
    """A gate's counts at one moment. ``buckets`` are not cumulative; the last one is the overflow."""

    gate: str
    accepted: int
    errors: dict[str, int]
    buckets: tuple[int, ...]
    sum_ms: float
    latest_ms: float
    pass_rate_percent: float
    bucket_exemplars: dict[int, Record]
    error_exemplars: dict[str, Record]

    @property
    def rejected(self) -> int:
        """Rejections, whatever their code."""
        return sum(self.errors.values())


class GateMeter:
    """Counts the decisions of one gate; any number of threads may record and read."""

    __slots__ = ("_accepted", "_buckets", "_errors", "_exemplars", "_latest", "_lock", "_pending", "_sum",
                 "_windowed", "error_codes", "gate")  # fmt: skip

    def __init__(self, gate: str) -> None:
        self.gate = gate
        self.error_codes = frozenset(ERROR_CODES[gate])
        self._lock = Lock()
        self._pending: deque[Record | tuple[float, float, str | None, str]] = deque()
        self._windowed: deque[Record] = deque(maxlen=WINDOW_DECISIONS)
        self._accepted = 0
        self._errors = dict.fromkeys(ERROR_CODES[gate], 0)
        self._buckets = [0] * (len(BOUNDS_MS) + 1)
        self._sum = 0.0
        self._latest = 0.0
        self._exemplars: dict[int | str, Record] = {}
