"""What one gate did: decisions, durations and the pass rate, kept without prometheus_client.

Recording is one append to a list, which is atomic; whoever finds the list long or old enough, or reads a snapshot,
settles it. So a decision costs a fraction of a microsecond, waits for nobody, and none is lost under threads. Counts
live in this process only. It must never block or fail the code that it measures.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, deque
from dataclasses import dataclass
from itertools import chain
from threading import Lock
from time import perf_counter
from typing import TypeVar

from stack.telemetry.catalogue import BY_NAME, ERROR_CODES, GATES

T = TypeVar("T")

BOUNDS_MS = BY_NAME["gate_execution_ms"].buckets
WINDOW_DECISIONS = 1000
WINDOW_SECONDS = 300.0
# Age in seconds at which the next caller settles the queue: under full load some 0.2 ms of work, for one caller in
# many hundreds. What is settled together counts as of one moment, so this is the resolution of WINDOW_SECONDS.
SETTLE_AFTER = 0.01
# An error code that is none: the call ended without a decision, so only its duration counts.
UNDECIDED = ""

# Stands for no time at all where a sign is needed.
INSTANT = 1e-9
_BOUNDS_SECONDS = tuple(bound / 1000 for bound in BOUNDS_MS)


# A call of which more is known than its duration: seconds, end on the perf_counter clock, error code (None: accepted),
# request id (empty: none). A plain tuple: a named one costs more than all the rest.
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
    """Counts the decisions of one gate; any number of threads may record, settle and read.

    A caller in a hurry may do the work of ``record`` itself: while the clock is before ``due``, append the seconds of
    an accepted call to ``pending``; for a rejection, its code to ``refusals`` first. Error codes are the gate's own
    (``error_codes``), None or UNDECIDED.
    """

    def __init__(self, gate: str) -> None:
        self.gate = gate
        self.error_codes = frozenset(ERROR_CODES[gate])
        # The decisions in their order: seconds, negative for a rejection. What else is known of rejections, and of
        # calls within a request, is beside it: a tuple for each call would cost more than all the rest.
        self.pending: list[float] = []
        self.due = 0.0
        self.refusals: list[str] = []
        self._traced: list[Record] = []
        self._undecided: list[float] = []
        self._settling = Lock()
        self._window = _Window()
        self._accepted = 0
        self._errors = dict.fromkeys(ERROR_CODES[gate], 0)
        self._buckets = [0] * (len(BOUNDS_MS) + 1)
        self._seconds = 0.0
        self._latest_seconds = 0.0
        self._bucket_exemplars: dict[int, Record] = {}
        self._error_exemplars: dict[str, Record] = {}

    def record(
        self, started: float, ended: float, error_code: str | None = None, request_id: str = ""
    ) -> None:
        """One finished call, in perf_counter seconds."""
        if ended >= self.due:
            self.settle(ended)
        seconds = ended - started
        if error_code:
            # The code first, so that a settled rejection always finds one.
            self.refusals.append(error_code)
            self.pending.append(-(seconds or INSTANT))
        elif error_code is None:
            self.pending.append(seconds)
        else:
            self._undecided.append(seconds)
        if request_id:
            self._traced.append((seconds, ended, error_code, request_id))

    def settle(self, now: float) -> None:
        """Works the queue off, unless another thread is doing so."""
        if self._settling.acquire(blocking=False):
            try:
                self._settle(now)
            finally:
                self._settling.release()

    def snapshot(self, now: float | None = None) -> MeterSnapshot:
        """All that was recorded before this call. ``now``: perf_counter seconds, by default the present."""
        moment = perf_counter() if now is None else now
        with self._settling:
            self._settle(moment)
            return MeterSnapshot(
                gate=self.gate,
                accepted=self._accepted,
                errors=dict(self._errors),
                buckets=tuple(self._buckets),
                sum_ms=self._seconds * 1000,
                latest_ms=self._latest_seconds * 1000,
                pass_rate_percent=self._window.pass_rate(moment),
                bucket_exemplars=dict(self._bucket_exemplars),
                error_exemplars=dict(self._error_exemplars),
            )

    def _settle(self, now: float) -> None:
        since, self.due = self.due - SETTLE_AFTER, now + SETTLE_AFTER
        if decisions := _taken(self.pending):
            self._count(decisions)
            self._window.add(since, decisions)
        if self._undecided:
            self._latest_seconds = self._undecided[-1]
            self._count_durations(sorted(_taken(self._undecided)))
        for record in _taken(self._traced):
            self._bucket_exemplars[bisect_left(_BOUNDS_SECONDS, record[0])] = record
            if record[2]:
                self._error_exemplars[record[2]] = record

    def _count(self, decisions: list[float]) -> None:
        self._latest_seconds = abs(decisions[-1])
        ordered = sorted(decisions)
        refused = bisect_left(ordered, 0.0)
        self._accepted += len(decisions) - refused
        self._count_durations(ordered[refused:])
        if refused:
            self._count_durations([-seconds for seconds in reversed(ordered[:refused])])
            for error_code, times in Counter(_taken(self.refusals, refused)).items():
                self._errors[error_code] += times

    def _count_durations(self, ordered: list[float]) -> None:
        self._seconds += sum(ordered)
        below = 0
        for index, bound in enumerate(_BOUNDS_SECONDS):
            # One cut per bound costs half of a search per duration.
            up_to_bound = bisect_right(ordered, bound)
            self._buckets[index] += up_to_bound - below
            below = up_to_bound
        self._buckets[-1] += len(ordered) - below


class _Window:
    """The latest decisions, in the batches in which they were settled, each with the time of its first."""

    def __init__(self) -> None:
        self._batches: deque[tuple[float, list[float]]] = deque()
        self._held = 0

    def add(self, since: float, decisions: list[float]) -> None:
        self._batches.append((since, decisions))
        self._held += len(decisions)
        while self._held - len(self._batches[0][1]) >= WINDOW_DECISIONS:
            self._held -= len(self._batches.popleft()[1])

    def pass_rate(self, now: float) -> float:
        """Percent of the latest decisions, at most WINDOW_DECISIONS and WINDOW_SECONDS old; 100 without any."""
        young = [decisions for since, decisions in self._batches if since >= now - WINDOW_SECONDS]
        latest = list(chain.from_iterable(young))[-WINDOW_DECISIONS:]
        return 100.0 * sum(seconds >= 0 for seconds in latest) / len(latest) if latest else 100.0


def _taken(queue: list[T], most: int | None = None) -> list[T]:
    """What a queue holds, taken out in one piece; others go on appending, and what came after the copy stays."""
    batch = queue[:most]
    del queue[: len(batch)]
    return batch


METERS: dict[str, GateMeter] = {gate: GateMeter(gate) for gate in GATES}
