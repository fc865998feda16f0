"""What one gate did: decisions, durations and the pass rate.

Recording is one append to a list, which is atomic; whoever finds the list old enough, or scrapes, settles it: then
whole batches go into the gate's series. So a decision costs a fraction of a microsecond, waits for nobody, and none
is lost under threads. It must never block or fail the code that it measures. This module imports prometheus_client,
so only import it lazily.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from threading import Lock
from time import perf_counter, time
from typing import TypeVar

import prometheus_client
from prometheus_client import Gauge
from prometheus_client.samples import Exemplar

from stack.telemetry.catalogue import BY_NAME
from stack.telemetry.failures import FAILURES
from stack.telemetry.request import EXEMPLAR_LABEL, REQUEST_ID, exemplar

T = TypeVar("T")

BOUNDS_MS = BY_NAME["gate_execution_ms"].buckets
WINDOW_DECISIONS = 1000
WINDOW_SECONDS = 300.0
# Age in seconds at which the next caller settles the queue: under full load some 0.3 ms of work, for one caller in
# many thousands. What is settled together counts as of one moment, so this is the resolution of WINDOW_SECONDS.
SETTLE_AFTER = 0.05
# An error code that is none: the call ended without a decision, so only its duration counts.
UNDECIDED = ""

_BOUNDS_SECONDS = tuple(bound / 1000 for bound in BOUNDS_MS)


class Histogram(prometheus_client.Histogram):
    """A histogram that can be told of many observations at once, at a fraction of the cost of ``observe`` for each."""

    def add(self, counts: Iterable[int], total: float) -> None:
        """How many observations fell into each bucket, the last one being the overflow, and the sum of them all."""
        self._sum.inc(total)
        for bucket, count in zip(self._buckets, counts, strict=True):
            if count:
                bucket.inc(count)

    def mark(self, index: int, value: float, ended: float, request_id: str) -> None:
        """Ties a bucket to a request: ``value`` was observed at ``ended`` on the perf_counter clock."""
        # An exemplar wants the wall clock, in seconds.
        seen = round(time() - (perf_counter() - ended), 3)
        self._buckets[index].set_exemplar(Exemplar({EXEMPLAR_LABEL: request_id}, value, seen))


@dataclass(frozen=True, slots=True)
class GateSeries:
    """What a gate's decisions go into."""

    accepted: prometheus_client.Counter
    rejected: prometheus_client.Counter
    errors: Mapping[str, prometheus_client.Counter]
    milliseconds: Histogram
    latency: Gauge
    pass_rate: Gauge


class GateMeter:
    """Counts the decisions of one gate into its series; any number of threads may record and settle.

    ``accepted``, ``rejected``, ``latest_ms`` and ``pass_rate_percent`` are as of the last settlement, of this process.
    A caller in a hurry may do the work of ``record`` itself: while the clock is before ``due`` and outside of a
    request, append the seconds of an accepted call to ``pending``, or the code of a rejection to ``refusals`` and then
    its seconds, negative, to ``pending``. With ``at_once`` that never is: each decision is
    settled by itself, since other processes read it.
    """

    NO_TIME = -1e-9
    """Stands for a rejection that took no time at all: zero has no sign."""

    def __init__(self, gate: str, series: GateSeries, *, at_once: bool) -> None:
        self.gate = gate
        self.error_codes = frozenset(series.errors)
        self.accepted = self.rejected = 0
        self.latest_ms = 0.0
        self.pass_rate_percent = 100.0
        # The decisions in their order: seconds, negative for a rejection. What else is known of rejections, and of
        # calls within a request, is beside it: a tuple for each call would cost more than all the rest.
        self.pending: list[float] = []
        self.due = 0.0
        self.refusals: list[str] = []
        self._traced: list[tuple[float, float, str | None, str]] = []
        self._settling = Lock()
        self._window = _Window()
        self._series = series
        self._at_once = at_once

    def accept(self, started: float) -> None:
        """A call that began at ``started`` (perf_counter) and ends now without an exception. Never raises."""
        ended = perf_counter()
        self.record(ended - started, ended)

    def refuse(self, started: float, error: BaseException) -> None:
        """Likewise with one: a rejection if its ``error_code`` is one of the gate's own, else no decision."""
        ended, code = perf_counter(), UNDECIDED
        try:
            found = getattr(error, "error_code", None)
            if found in self.error_codes:
                code = found
            # Another gate, called by this one, may have refused: that decision is counted where it was taken.
            elif found is not None and getattr(error, "gate", self.gate) == self.gate:
                FAILURES.note("an error code that the gate does not have", f"{self.gate}: {found}")
        except Exception as failure:
            FAILURES.note("an exception could not be classified", failure)
        self.record(ended - started, ended, code)

    def record(self, seconds: float, ended: float, error_code: str | None = None) -> None:
        """One finished call, in perf_counter seconds; None: accepted. Never raises."""
        try:
            if not self._at_once and ended >= self.due and self._settling.acquire(blocking=False):
                try:
                    self._settle(ended)
                finally:
                    self._settling.release()
            self._queue(seconds, ended, error_code)
            if self._at_once:
                self.settle(ended)
        except Exception as failure:
            FAILURES.note("a gate decision could not be counted", failure)

    def settle(self, now: float | None = None) -> None:
        """Brings all that was recorded before this call into the series. ``now``: perf_counter seconds."""
        with self._settling:
            self._settle(perf_counter() if now is None else now)

    def _queue(self, seconds: float, ended: float, error_code: str | None) -> None:
        if error_code == UNDECIDED:
            self._series.milliseconds.observe(seconds * 1000, exemplar())
            return
        request_id = REQUEST_ID.get()
        if request_id:
            self._traced.append((seconds, ended, error_code, request_id))
        if error_code:
            # The code first, so that a settled rejection always finds one.
            self.refusals.append(error_code)
            seconds = -seconds or self.NO_TIME
        self.pending.append(seconds)

    def _settle(self, now: float) -> None:
        if self._at_once:
            since = now
        else:
            since, self.due = self.due - SETTLE_AFTER, now + SETTLE_AFTER
        if decisions := _taken(self.pending):
            # Nearly all are acceptances within the first bucket: only the rest is looked at one by one.
            first = _BOUNDS_SECONDS[0]
            others = sorted([seconds for seconds in decisions if seconds < 0.0 or seconds > first])
            rejected = bisect_left(others, 0.0)
            self._count(len(decisions) - rejected, rejected)
            seconds = sum(decisions) - 2 * sum(others[:rejected])
            self._observe(len(decisions), seconds, sorted(map(abs, others)))
            self._window.add(since, decisions, len(decisions) - rejected)
            self.latest_ms = abs(decisions[-1]) * 1000
            self._series.latency.set(self.latest_ms)
        self.pass_rate_percent = self._window.pass_rate(now)
        self._series.pass_rate.set(self.pass_rate_percent)
        for took, ended, _, request_id in _taken(self._traced):
            bucket = bisect_left(_BOUNDS_SECONDS, took)
            self._series.milliseconds.mark(bucket, took * 1000, ended, request_id)

    def _count(self, accepted: int, rejected: int) -> None:
        self.accepted += accepted
        self.rejected += rejected
        if accepted:
            self._series.accepted.inc(accepted)
        if rejected:
            self._series.rejected.inc(rejected)
            traced = {code: request_id for _, _, code, request_id in self._traced}
            for code, times in Counter(_taken(self.refusals, rejected)).items():
                labels = {EXEMPLAR_LABEL: traced[code]} if code in traced else None
                self._series.errors[code].inc(times, labels)

    def _observe(self, decisions: int, seconds: float, others: list[float]) -> None:
        """``seconds`` they took in all; ``others``: in order, the durations that the first bucket may not hold."""
        # One cut per bound costs half of a search per duration.
        cuts = [bisect_right(others, bound) for bound in _BOUNDS_SECONDS]
        first, *counts = (end - start for start, end in pairwise((0, *cuts, len(others))))
        self._series.milliseconds.add((decisions - len(others) + first, *counts), seconds * 1000)


@dataclass(slots=True)
class _Batch:
    """Decisions that were settled together, the time of the first, and how many of them are acceptances."""

    since: float
    decisions: list[float]
    passed: int


class _Window:
    """The latest decisions, in the batches in which they were settled."""

    def __init__(self) -> None:
        self._batches: deque[_Batch] = deque()
        self._held = self._passed = 0

    def add(self, since: float, decisions: list[float], passed: int) -> None:
        """Takes a batch over; the oldest decisions beyond WINDOW_DECISIONS go."""
        if len(decisions) > WINDOW_DECISIONS:
            # Nothing else stays: to count what stays of a large batch is cheaper than to count what goes.
            self._batches.clear()
            self._held = self._passed = 0
            decisions = decisions[-WINDOW_DECISIONS:]
            passed = sum(map((0.0).__le__, decisions))
        self._batches.append(_Batch(since, decisions, passed))
        self._held += len(decisions)
        self._passed += passed
        while self._held > WINDOW_DECISIONS:
            self._forget(self._held - WINDOW_DECISIONS)

    def pass_rate(self, now: float) -> float:
        """Percent of the latest decisions, at most WINDOW_DECISIONS and WINDOW_SECONDS old; 100 without any."""
        while self._batches and self._batches[0].since < now - WINDOW_SECONDS:
            self._forget(WINDOW_DECISIONS)
        return 100.0 * self._passed / self._held if self._held else 100.0

    def _forget(self, most: int) -> None:
        """The oldest batch, or as much of it as ``most``; only a part has to be counted."""
        batch = self._batches[0]
        if most >= len(batch.decisions):
            self._batches.popleft()
            gone, passed = len(batch.decisions), batch.passed
        else:
            gone, passed = most, sum(map((0.0).__le__, _taken(batch.decisions, most)))
            batch.passed -= passed
        self._held -= gone
        self._passed -= passed


def _taken(queue: list[T], most: int | None = None) -> list[T]:
    """What a queue holds, taken out in one piece; others go on appending, and what came after the copy stays."""
    batch = queue[:most]
    del queue[: len(batch)]
    return batch
