"""The catalogue as prometheus_client metrics in one registry, with a child for every label combination that can occur.

Built once for a registry, so that no query is empty before the first event. A value outside of what was added never
makes a series: it is a KeyError. This module imports prometheus_client, so only import it lazily.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator
from itertools import product
from threading import Lock
from typing import Any, cast

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.core import Metric as Family
from prometheus_client.metrics import MetricWrapperBase

import stack
from stack.telemetry.catalogue import ERROR_CODES, METRICS, OUTCOMES, TOOLS, UNKNOWN_TOOL, Metric
from stack.telemetry.failures import FAILURES, FailureLog
from stack.telemetry.meter import GateMeter, GateSeries, Histogram
from stack.telemetry.multiprocess import AllProcesses, folder_in_use


class _Registry(CollectorRegistry):
    """Settles what the gates have queued before a scrape, and leaves out creation times: they would double its size,
    and Prometheus does not need them.
    """

    def __init__(self, gates: dict[str, GateMeter]) -> None:
        super().__init__(auto_describe=True)
        self._gates = gates

    def collect(self) -> Iterator[Family]:
        """See ``CollectorRegistry``."""
        for meter in list(self._gates.values()):
            meter.settle()
        for family in super().collect():
            family.samples = [s for s in family.samples if s.name != f"{family.name}_created"]
            yield family


class Series:
    """All children, and the meters of the gates. ``registry`` is what a scrape reads: in the multi-process mode what
    every process has recorded, else what this one has.
    """

    def __init__(self, failures: FailureLog = FAILURES) -> None:
        folder = folder_in_use()
        self._multiprocess = folder is not None
        self.growing = Lock()
        self.gates: dict[str, GateMeter] = {}
        self.tools = {*TOOLS, UNKNOWN_TOOL}
        self.routes: set[str] = set()
        self._recorded = _Registry(self.gates)
        self._families = {metric.name: _family(metric, self._recorded) for metric in METRICS}
        self._children: dict[tuple[str, ...], MetricWrapperBase] = {}
        for metric in METRICS:
            # A gate's own are added with it.
            if "gate" not in metric.labels and all(label in metric.values for label in metric.labels):
                for values in product(*(metric.values[label] for label in metric.labels)):
                    self.add(metric.name, *values)
        for gate, codes in ERROR_CODES.items():
            self.meter(gate, codes)
        versions = stack.__version__, platform.python_version()
        self.add("app_build_info", *versions).set(1)
        failures.count_with(self.counter("telemetry_record_failures_total").inc)
        self.registry: CollectorRegistry = self._recorded
        if folder is not None:
            self.registry = CollectorRegistry()
            self.registry.register(AllProcesses(folder))
        for runtime in (ProcessCollector, PlatformCollector, GCCollector):
            runtime(registry=self.registry)

    def meter(self, gate: str, error_codes: Iterable[str] = ()) -> GateMeter:
        """The meter of a gate; with error codes it is made when there is none. Raises KeyError."""
        with self.growing:
            if error_codes and gate not in self.gates:
                accepted, rejected = (self.add("gate_invocations_total", gate, end) for end in OUTCOMES)
                found = GateSeries(
                    accepted=accepted,
                    rejected=rejected,
                    errors={code: self.add("gate_errors_total", gate, code) for code in error_codes},
                    milliseconds=self.add("gate_execution_ms", gate),
                    latency=self.add("gate_current_latency_ms", gate),
                    pass_rate=self.add("gate_pass_rate_percent", gate),
                )
                self.gates[gate] = GateMeter(gate, found, at_once=self._multiprocess)
            return self.gates[gate]

    def add(self, name: str, *values: str) -> Any:
        """Makes the series for these label values; the caller sees to it that they are bounded.

        Raises UnicodeEncodeError for text that no page can hold: nothing at all would be shown from then on.
        """
        "".join(values).encode()
        family = self._families[name]
        self._children[name, *values] = child = family.labels(*values) if values else family
        return child

    def has(self, name: str, *values: str) -> bool:
        """Whether there is such a series."""
        return (name, *values) in self._children

    def counter(self, name: str, *values: str) -> Counter:
        """The counter with these label values. Raises KeyError, as the others do."""
        return cast("Counter", self._children[name, *values])

    def gauge(self, name: str, *values: str) -> Gauge:
        """The gauge with these label values."""
        return cast("Gauge", self._children[name, *values])

    def histogram(self, name: str, *values: str) -> Histogram:
        """The histogram with these label values."""
        return cast("Histogram", self._children[name, *values])


def _family(metric: Metric, registry: CollectorRegistry) -> MetricWrapperBase:
    told = metric.name, metric.help, metric.labels
    if metric.kind == "counter":
        return Counter(*told, registry=registry)
    if metric.kind == "gauge":
        return Gauge(*told, registry=registry, multiprocess_mode="mostrecent")
    return Histogram(*told, registry=registry, buckets=metric.buckets)
