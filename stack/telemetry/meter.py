"""What one gate did: decisions, durations and the pass rate, kept without prometheus_client.

Recording is one append to a queue, which is atomic; whoever finds the queue long enough, or reads a snapshot,
settles it. So a decision costs a fraction of a microsecond, waits for nobody, and none is lost under threads.
Counts live in this process only. It must never block or fail the code that it measures.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from dataclasses import dataclass
from threading import Lock
from time import perf_counter

from stack.telemetry.catalogue import BY_NAME, ERROR_CODES, GATES

BOUNDS_MS = BY_NAME["gate_execution_ms"].buckets
WINDOW_DECISIONS = 1000
WINDOW_SECONDS = 300.0
# Queued calls at which the next caller settles them: some 40 us of work, for one caller in that many.
SETTLE_AT = 256
# An error code that is none: the call ended without a decision, so only its duration counts.
UNDECIDED = ""

# One finished call: its start and end on the perf_counter clock, its error code (None: accepted) and its
# request id (empty: none). A plain tuple: a named one costs more than all the rest of the recording.
Record = tuple[float, float, str | None, str]


def duration_ms(record: Record) -> float:
    """How long the call took, in milliseconds."""
    return (record[1] - record[0]) * 1000


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
    """Counts the decisions of one gate; any number of threads may append to ``pending``, settle and read.

    Who appends a record calls ``settle`` when ``pending`` holds SETTLE_AT of them. Error codes in records are the
    gate's own (``error_codes``), None or UNDECIDED.
    """

    def __init__(self, gate: str) -> None:
        self.gate = gate
        self.error_codes = frozenset(ERROR_CODES[gate])
        self.pending: deque[Record] = deque()
        self._settling = Lock()
        self._window: deque[Record] = deque(maxlen=WINDOW_DECISIONS)
        self._accepted = 0
        self._errors = dict.fromkeys(ERROR_CODES[gate], 0)
        self._buckets = [0] * (len(BOUNDS_MS) + 1)
        self._sum_ms = 0.0
        self._latest_ms = 0.0
        self._bucket_exemplars: dict[int, Record] = {}
        self._error_exemplars: dict[str, Record] = {}

    def settle(self) -> None:
        """Works the queue off, unless another thread is doing so."""
        if self._settling.acquire(blocking=False):
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
        # Only as many as wait now: others go on appending, and a settling thread must come to an end.
        popleft = self.pending.popleft
        batch = [popleft() for _ in range(len(self.pending))]
        if not batch:
            return
        self._count_durations([(ended - started) * 1000 for started, ended, _, _ in batch])
        # Most records are accepted calls outside a request: only the others get a closer look.
        special = [record for record in batch if record[2] is not None or record[3]]
        refused = [error_code for _, _, error_code, _ in special if error_code is not None]
        self._accepted += len(batch) - len(refused)
        for error_code in filter(None, refused):
            self._errors[error_code] += 1
        self._window.extend([r for r in batch if r[2] != UNDECIDED] if UNDECIDED in refused else batch)
        self._keep_exemplars([record for record in special if record[3]])

    def _count_durations(self, durations: list[float]) -> None:
        self._latest_ms = durations[-1]
        self._sum_ms += sum(durations)
        # One sort and a cut per bound costs half of a search per duration.
        durations.sort()
        below = 0
        for index, bound in enumerate(BOUNDS_MS):
            up_to_bound = bisect_right(durations, bound)
            self._buckets[index] += up_to_bound - below
            below = up_to_bound
        self._buckets[-1] += len(durations) - below

    def _keep_exemplars(self, records: list[Record]) -> None:
        for record in records:
            self._bucket_exemplars[bisect_left(BOUNDS_MS, duration_ms(record))] = record
            if record[2]:
                self._error_exemplars[record[2]] = record

    def _pass_rate(self, now: float) -> float:
        window = self._window
        while window and window[0][1] < now - WINDOW_SECONDS:
            window.popleft()
        if not window:
            return 100.0
        return 100.0 * sum(record[2] is None for record in window) / len(window)


METERS: dict[str, GateMeter] = {gate: GateMeter(gate) for gate in GATES}
