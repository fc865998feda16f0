"""What one gate did: decisions, durations and the pass rate, kept without prometheus_client.

Recording appends one tuple to a queue (an atomic operation) and returns; whoever finds the queue long
enough, or reads a snapshot, settles it. So a decision costs a fraction of a microsecond, waits for nobody,
and none is lost under threads. Counts live in this process only. It must never block or fail the code that
it measures.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from dataclasses import dataclass
from threading import Lock
from time import perf_counter

from stack.telemetry.catalogue import BY_NAME, ERROR_CODES, GATES
from stack.telemetry.request import REQUEST_ID

BOUNDS_MS = BY_NAME["gate_execution_ms"].buckets
WINDOW_DECISIONS = 1000
WINDOW_SECONDS = 300.0
# An error code that is none: the call ended without a decision, so only its duration counts.
UNDECIDED = ""
_SETTLE_AT = 256


# One finished call: its end on the perf_counter clock, its duration in milliseconds, its error code (None:
# accepted) and its request id (empty: none). A plain tuple: a named one costs more than all the rest here.
Record = tuple[float, float, str | None, str]


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

    def __init__(self, gate: str) -> None:
        self.gate = gate
        self.error_codes = frozenset(ERROR_CODES[gate])
        self._settling = Lock()
        self._pending: deque[Record] = deque()
        self._window: deque[Record] = deque(maxlen=WINDOW_DECISIONS)
        self._accepted = 0
        self._errors = dict.fromkeys(ERROR_CODES[gate], 0)
        self._buckets = [0] * (len(BOUNDS_MS) + 1)
        self._sum_ms = 0.0
        self._latest_ms = 0.0
        self._bucket_exemplars: dict[int, Record] = {}
        self._error_exemplars: dict[str, Record] = {}

    def record(self, ended: float, duration_ms: float, error_code: str | None) -> None:
        """Takes in one finished call; ``error_code``: None (accepted), one of its own, or UNDECIDED."""
        pending = self._pending
        pending.append((ended, duration_ms, error_code, REQUEST_ID.get()))
        if len(pending) >= _SETTLE_AT and self._settling.acquire(blocking=False):
            try:
                self._settle()
            finally:
                self._settling.release()

    def snapshot(self, now: float | None = None) -> MeterSnapshot:
        """All that was recorded before this call. ``now``: perf_counter seconds, by default the present."""
        with self._settling:
            self._settle()
            return MeterSnapshot(
                gate=self.gate,
                accepted=self._accepted,
                errors=dict(self._errors),
                buckets=tuple(self._buckets),
                sum_ms=self._sum_ms,
                latest_ms=self._latest_ms,
                pass_rate_percent=self._pass_rate(perf_counter() if now is None else now),
                bucket_exemplars=dict(self._bucket_exemplars),
                error_exemplars=dict(self._error_exemplars),
            )

    def _settle(self) -> None:
        batch = self._take_pending()
        if not batch:
            return
        buckets = self._buckets
        sum_ms = 0.0
        accepted = 0
        for record in batch:
            _, duration_ms, error_code, request_id = record
            bucket = bisect_left(BOUNDS_MS, duration_ms)
            buckets[bucket] += 1
            sum_ms += duration_ms
            if error_code is None:
                accepted += 1
            elif error_code:
                self._errors[error_code] += 1
            if request_id:
                self._keep_exemplar(bucket, record)
        self._accepted += accepted
        self._sum_ms += sum_ms
        self._latest_ms = batch[-1][1]
        self._window.extend(record for record in batch if record[2] != UNDECIDED)

    def _take_pending(self) -> list[Record]:
        # Only as many as wait now: others go on appending, and a settling thread must come to an end.
        popleft = self._pending.popleft
        return [popleft() for _ in range(len(self._pending))]

    def _keep_exemplar(self, bucket: int, record: Record) -> None:
        self._bucket_exemplars[bucket] = record
        if record[2]:
            self._error_exemplars[record[2]] = record

    def _pass_rate(self, now: float) -> float:
        window = self._window
        while window and window[0][0] < now - WINDOW_SECONDS:
            window.popleft()
        if not window:
            return 100.0
        return 100.0 * sum(record[2] is None for record in window) / len(window)


METERS: dict[str, GateMeter] = {gate: GateMeter(gate) for gate in GATES}
