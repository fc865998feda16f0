"""When alerts fired within a time, from the series ``ALERTS`` that Prometheus keeps of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from msgspec import Struct

from stack.clients.http import Http
from stack.clients.ranges import Line, over

FIRING = 'ALERTS{alertstate="firing"}'
POINTS = 5000
"""Moments that are looked at; an alert that fired for less than the distance of two is not seen."""
FINEST = 5.0
MOST = 500
"""Alerts that are told of, those that fired longest."""
SEVERITIES = ("critical", "warning", "info", "none", "")
OWN = ("__name__", "alertname", "alertstate", "severity")


class Fired(Struct, frozen=True):
    """One alert. ``spans``: (Unix time from, to) in order. ``firing``: it does at the end; ``earlier``: it did already
    at the beginning."""

    name: str
    severity: str
    labels: Mapping[str, str]
    spans: tuple[tuple[float, float], ...]
    firing: bool
    earlier: bool

    @property
    def seconds(self) -> float:
        """For how long in all."""
        return sum(end - start for start, end in self.spans)

    @property
    def rank(self) -> tuple[bool, int, float]:
        """What fires now comes first, then what is worse, then what lasted longer."""
        known = SEVERITIES.index(self.severity) if self.severity in SEVERITIES else len(SEVERITIES)
        return not self.firing, known, -self.seconds


class Past(Struct, frozen=True):
    """All alerts of a time; ``step``: the precision in seconds, ``left``: how many more there were."""

    alerts: tuple[Fired, ...]
    step: float
    left: int = 0


def fired(http: Http, start: float, end: float) -> Past:
    """The alerts that fired between two Unix times; ``HttpFailure`` where there is no usable answer."""
    step = max(FINEST, math.ceil((end - start) / POINTS))
    lines = over(http, FIRING, start, end, step)
    found = sorted((_alert(line, start, end, step) for line in lines), key=_rank)
    return Past(tuple(found[:MOST]), step, max(0, len(found) - MOST))


def _rank(one: Fired) -> tuple[bool, int, float]:
    return one.rank


def _alert(line: Line, start: float, end: float, step: float) -> Fired:
    labels = line.labels
    spans = list(_joined([when for when, _ in line.points], step))
    firing = spans[-1][1] > end - 1.5 * step
    if firing:
        spans[-1] = (spans[-1][0], end)
    earlier = spans[0][0] < start + step
    kept = {name: value for name, value in labels.items() if name not in OWN}
    return Fired(labels.get("alertname", ""), labels.get("severity", ""), kept, tuple(spans), firing, earlier)


def _joined(moments: list[float], step: float) -> Iterator[tuple[float, float]]:
    """Moments in a row as spans; one that was seen once lasted for about a step."""
    first = last = moments[0]
    for moment in moments[1:]:
        if moment - last > 1.5 * step:
            yield first, last + step
            first = moment
        last = moment
    yield first, last + step
