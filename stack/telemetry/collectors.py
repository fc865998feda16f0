"""Turns the gate meters and the failure count into metric families at the moment of a scrape.

What a scrape needs (cumulative buckets, pass rate, latest latency) is worked out here, once per scrape, and
not once per decision. This module imports prometheus_client, so only import it lazily. It must never change
a meter's counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from time import perf_counter, time

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.samples import Exemplar

from stack.telemetry.catalogue import BY_NAME
from stack.telemetry.failures import FailureLog
from stack.telemetry.meter import BOUNDS_MS, GateMeter, MeterSnapshot, Record
from stack.telemetry.request import EXEMPLAR_LABEL

_BOUND_NAMES = (*(str(float(bound)) for bound in BOUNDS_MS), "+Inf")


class GateCollector:
    """Yields the five gate families from the meters."""

    def __init__(self, meters: Mapping[str, GateMeter]) -> None:
        self._meters = meters

    def collect(self) -> Iterator[Metric]:
        """All gates at one moment each; counters only ever grow."""
        snapshots = [meter.snapshot() for meter in self._meters.values()]
        yield _invocations(snapshots)
        yield _execution(snapshots)
        yield _gauge("gate_current_latency_ms", {s.gate: s.latest_ms for s in snapshots})
        yield _errors(snapshots)
        yield _gauge("gate_pass_rate_percent", {s.gate: s.pass_rate_percent for s in snapshots})


class FailureCollector:
    """Yields the number of measurements that could not be recorded."""

    def __init__(self, failures: FailureLog) -> None:
        self._failures = failures

    def collect(self) -> Iterator[Metric]:
        """One family with one sample."""
        family = _counter("telemetry_record_failures_total")
        family.add_metric([], self._failures.total)
        yield family


def _counter(name: str) -> CounterMetricFamily:
    metric = BY_NAME[name]
    return CounterMetricFamily(metric.name, metric.help, labels=metric.labels)


def _gauge(name: str, value_by_gate: Mapping[str, float]) -> Metric:
    metric = BY_NAME[name]
    family = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
    for gate, value in value_by_gate.items():
        family.add_metric([gate], value)
    return family


def _invocations(snapshots: Iterable[MeterSnapshot]) -> Metric:
    family = _counter("gate_invocations_total")
    for snapshot in snapshots:
        family.add_metric([snapshot.gate, "ok"], snapshot.accepted)
        family.add_metric([snapshot.gate, "reject"], snapshot.rejected)
    return family


def _errors(snapshots: Iterable[MeterSnapshot]) -> Metric:
    family = _counter("gate_errors_total")
    for snapshot in snapshots:
        for code, value in snapshot.errors.items():
            exemplar = _exemplar(snapshot.error_exemplars.get(code), value=1.0)
            family.add_metric([snapshot.gate, code], value, exemplar=exemplar)
    return family


def _execution(snapshots: Iterable[MeterSnapshot]) -> Metric:
    metric = BY_NAME["gate_execution_ms"]
    family = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
    for snapshot in snapshots:
        family.add_metric([snapshot.gate], _buckets(snapshot), snapshot.sum_ms)
    return family


def _buckets(snapshot: MeterSnapshot) -> list[tuple[str, float, Exemplar]]:
    cumulative = accumulate(snapshot.buckets)
    rows = []
    for index, (name, count) in enumerate(zip(_BOUND_NAMES, cumulative, strict=True)):
        record = snapshot.bucket_exemplars.get(index)
        rows.append((name, float(count), _exemplar(record, record[0] * 1000 if record else 0.0)))
    # The family takes "no exemplar" as None at run time, though its type has no word for that.
    return rows  # type: ignore[return-value]


def _exemplar(record: Record | None, value: float) -> Exemplar | None:
    if record is None:
        return None
    # Records carry the steady clock; an exemplar wants the wall clock, in seconds.
    seen = time() - (perf_counter() - record[1])
    return Exemplar({EXEMPLAR_LABEL: record[3]}, value, round(seen, 3))
