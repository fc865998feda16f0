"""What recording one gate decision costs: ours against the naive way, in one run.

``python -m benchmarks.telemetry_recording [decisions]``. The naive way looks the child up and updates it at
each call: ``labels(...).inc()``, ``labels(...).observe()``, and ``labels(...).set()`` for latency and pass
rate. Ours includes all that it puts off: every settlement, and the scrape at the end. Rounds alternate and
the best of each side counts. Both sides must end with the same numbers, or there is no ratio.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable
from math import isclose, nan
from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from stack.telemetry.catalogue import BY_NAME, GATES
from stack.telemetry.failures import FailureLog
from stack.telemetry.meter import BOUNDS_MS, WINDOW_DECISIONS
from stack.telemetry.series import Series

ROUNDS = 7
GATE = "url_gate"
Record = Callable[[float, str | None], None]


class Naive:
    """What an application would write by hand with prometheus_client."""

    def __init__(self, with_gauges: bool) -> None:
        self.registry = CollectorRegistry()
        self.calls = Counter("gate_invocations", "-", ["gate", "outcome"], registry=self.registry)
        self.errors = Counter("gate_errors", "-", ["gate", "error_code"], registry=self.registry)
        self.ms = Histogram("gate_execution_ms", "-", ["gate"], buckets=BOUNDS_MS, registry=self.registry)
        self.latency = Gauge("gate_current_latency_ms", "-", ["gate"], registry=self.registry)
        self.rate = Gauge("gate_pass_rate_percent", "-", ["gate"], registry=self.registry)
        self.window: deque[bool] = deque(maxlen=WINDOW_DECISIONS)
        self.accepted = 0
        self.with_gauges = with_gauges

    def record(self, duration_ms: float, error_code: str | None) -> None:
        """One decision."""
        accepted = error_code is None
        self.calls.labels(GATE, "ok" if accepted else "reject").inc()
        self.ms.labels(GATE).observe(duration_ms)
        if error_code is not None:
            self.errors.labels(GATE, error_code).inc()
        if self.with_gauges:
            self._gauges(duration_ms, accepted)

    def _gauges(self, duration_ms: float, accepted: bool) -> None:
        if len(self.window) == WINDOW_DECISIONS:
            self.accepted -= self.window[0]
        self.window.append(accepted)
        self.accepted += accepted
        self.latency.labels(GATE).set(duration_ms)
        self.rate.labels(GATE).set(100.0 * self.accepted / len(self.window))


class Ours:
    """The meter behind the gate decorator, as the gate decorator feeds it."""

    def __init__(self) -> None:
        series = Series(FailureLog())
        self.meter = series.meter(GATE)
        self.registry = series.registry

    def record(self, duration_ms: float, error_code: str | None) -> None:
        """One decision."""
        now = perf_counter()
        self.meter.record(duration_ms / 1000, now, error_code)


def microseconds(record: Record, decisions: int, scrape: Callable[[], object]) -> float:
    """The cost of one decision, one in twenty of them a rejection, with a scrape at the end."""
    pairs = [(0.3, "E_SCHEME" if turn % 20 == 0 else None) for turn in range(decisions)]
    started = perf_counter()
    for duration_ms, error_code in pairs:
        record(duration_ms, error_code)
    scrape()
    return (perf_counter() - started) / decisions * 1e6


def figures(registry: CollectorRegistry) -> list[float]:
    """What a scrape shows of the gate."""
    gate = {"gate": GATE}
    found = [
        registry.get_sample_value("gate_invocations_total", gate | {"outcome": "ok"}),
        registry.get_sample_value("gate_invocations_total", gate | {"outcome": "reject"}),
        registry.get_sample_value("gate_errors_total", gate | {"error_code": "E_SCHEME"}),
        registry.get_sample_value("gate_execution_ms_bucket", gate | {"le": "0.5"}),
        registry.get_sample_value("gate_current_latency_ms", gate),
        registry.get_sample_value("gate_pass_rate_percent", gate),
    ]
    return [nan if value is None else value for value in found]


def main() -> int:
    """Prints the two costs and their ratio; 1 when the two sides disagree."""
    decisions = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    ours, naive, bare = Ours(), Naive(with_gauges=True), Naive(with_gauges=False)
    best = dict.fromkeys(("ours", "naive", "bare"), float("inf"))
    for _ in range(ROUNDS):
        for name, record, scrape in (
            ("ours", ours.record, ours.meter.settle),
            ("naive", naive.record, list),
            ("bare", bare.record, list),
        ):
            best[name] = min(best[name], microseconds(record, decisions, scrape))
    sides = figures(ours.registry), figures(naive.registry)
    # The latency of ours is a difference of two clock readings, so the last digits differ.
    if not all(isclose(one, other, rel_tol=1e-6) for one, other in zip(*sides, strict=True)):
        print(f"the sides disagree: {sides}")
        return 1
    print(
        f"{BY_NAME['gate_invocations_total'].name} and 4 more families, {len(GATES)} gates, {decisions} decisions"
    )
    print(f"recorded by ours                  {best['ours']:6.2f} us")
    print(
        f"naive: counter, histogram, gauges {best['naive']:6.2f} us   ratio {best['ours'] / best['naive']:.3f}"
    )
    print(
        f"naive: counter and histogram only {best['bare']:6.2f} us   ratio {best['ours'] / best['bare']:.3f}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
