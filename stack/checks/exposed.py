"""What a job exposes, asked of Prometheus: its metrics, with what their targets say of them, and which are quiet."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec.structs import replace

from stack.boards.families import Described, Family, count_of, counts_of, families_of
from stack.checks.promql import quoted
from stack.clients.prometheus import Prometheus

LATELY = 300.0
"""Seconds within which a series was seen, and something was observed."""
STEP = 5.0
"""Seconds between two looks: two scrapes of a target that is new lie no further apart."""
MOST_SERIES = 20_000
AT_ONCE = 100
NAME = "__name__"


def exposed(prometheus: Prometheus, job: str, now: float) -> tuple[Family, ...]:
    """The metrics of a job; none where no series has its name. ``HttpFailure`` where Prometheus does not answer."""
    selector = f"{{job={quoted(job)}}}"
    series = prometheus.series(selector, now - LATELY, MOST_SERIES)
    told = [Described(m.metric, m.kind, m.help, m.unit) for m in prometheus.metadata(job)]
    families = families_of(told, series)
    busy = _busy(prometheus, job, counts_of(families), now)
    observed = ("histogram", "native", "summary")
    return tuple(replace(one, quiet=one.kind in observed and count_of(one) not in busy) for one in families)


def _busy(prometheus: Prometheus, job: str, names: Sequence[str], now: float) -> set[str]:
    """Those of the series that have grown lately."""
    busy: set[str] = set()
    for first in range(0, len(names), AT_ONCE):
        some = "|".join(map(re.escape, names[first : first + AT_ONCE]))
        expr = f"sum by ({NAME}) ({{job={quoted(job)},{NAME}=~{quoted(some)}}})"
        for labels, values in prometheus.lines(expr, now - LATELY, now, STEP):
            if values and values[-1] > min(values):
                busy.add(dict(labels).get(NAME, ""))
    return busy
