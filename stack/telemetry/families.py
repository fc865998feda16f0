"""The catalogue's families as prometheus_client metrics, with a child for every label combination that can
occur.

Built once for a registry, so that no query is empty before the first event. The gates' own families are not
here: ``collectors`` reads them from the meters. This module imports prometheus_client, so only import it
lazily.
"""

from __future__ import annotations

from itertools import product
from typing import Generic, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

from stack.telemetry.catalogue import BY_NAME, Metric

M = TypeVar("M", bound=MetricWrapperBase)


class Bound(Generic[M]):
    """One family and its children by label values. A missing child is a KeyError, never a new series."""

    def __init__(self, family: M, metric: Metric) -> None:
        self._family = family
        self._children: dict[tuple[str, ...], M] = {}
        if not metric.labels:
            self._children[()] = family
        elif all(label in metric.values for label in metric.labels):
            for values in product(*(metric.values[label] for label in metric.labels)):
                self.add(*values)

    def add(self, *values: str) -> None:
        """Makes the series for these label values; the caller sees to it that they are bounded."""
        self._children[values] = self._family.labels(*values)

    def __contains__(self, values: tuple[str, ...]) -> bool:
        return values in self._children

    def __getitem__(self, values: tuple[str, ...]) -> M:
        return self._children[values]


def counter(name: str, registry: CollectorRegistry) -> Bound[Counter]:
    """The counter of that name in the catalogue, bound."""
    metric = BY_NAME[name]
    return Bound(Counter(metric.name, metric.help, metric.labels, registry=registry), metric)


def gauge(name: str, registry: CollectorRegistry) -> Bound[Gauge]:
    """The gauge of that name in the catalogue, bound."""
    metric = BY_NAME[name]
    return Bound(Gauge(metric.name, metric.help, metric.labels, registry=registry), metric)


def histogram(name: str, registry: CollectorRegistry) -> Bound[Histogram]:
    """The histogram of that name in the catalogue, with its buckets, bound."""
    metric = BY_NAME[name]
    family = Histogram(metric.name, metric.help, metric.labels, registry=registry, buckets=metric.buckets)
    return Bound(family, metric)
