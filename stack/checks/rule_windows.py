"""Windows of rates too short for the scrape interval: over fewer than two scrapes a rate has no value. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from stack.checks.model import Job, Rule
from stack.checks.promql import Selector, children, kind_of, nodes, selector_of
from stack.common.durations import duration

NEED_TWO = frozenset(
    {
        *("rate", "increase", "irate", "delta", "idelta", "deriv", "changes", "resets"),
        *("predict_linear", "double_exponential_smoothing", "holt_winters"),
    }
)
SEEN = 300.0
"""Seconds for which a sample is seen (Prometheus' query.lookback-delta)."""


class Window(Struct, frozen=True):
    """A range of a selector and the function that reads it; ``seconds`` is its length."""

    function: str
    selector: Selector
    seconds: float


class Intervals(Struct, frozen=True):
    """How often series come: by job, by rule, and ``known``: metric > its jobs, where Prometheus was asked."""

    jobs: Mapping[str, float] = field(default_factory=dict)
    recorded: Mapping[str, float] = field(default_factory=dict)
    known: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def of(self, selector: Selector) -> tuple[str, float] | None:
        """Of whom the series are, and the seconds between two samples; None where nothing is known.

        Without a job that is named or known it is the shortest of all: a window below two of these suits nobody.
        """
        if (turn := self.recorded.get(selector.metric)) is not None:
            return f"{selector.metric} is recorded", turn
        told = [m for m in selector.matchers if m.label == "job" and m.demands]
        found = self.known.get(selector.metric) or (self.jobs if told else ())
        chosen = {
            name: self.jobs[name]
            for name in found
            if name in self.jobs and all(m.accepts(name) for m in told)
        }
        if chosen:
            slowest = max(chosen, key=lambda name: chosen[name])
            return f"job {slowest} is scraped", chosen[slowest]
        if told or not self.jobs:
            return None
        return "no job is scraped more often than", min(self.jobs.values())


def intervals_of(
    jobs: Sequence[Job], rules: Sequence[Rule], known: Mapping[str, tuple[str, ...]] | None = None
) -> Intervals:
    """From the jobs and rules of the files."""
    recorded = {rule.name: rule.interval for rule in rules if rule.kind == "recording"}
    return Intervals({job.name: job.interval for job in jobs}, recorded, known or {})


def windows_of(tree: Any) -> Iterator[Window]:
    """All windows of an expression that need two samples."""
    for node in nodes(tree):
        if kind_of(node) == "Call" and node.func.name in NEED_TWO:
            for arg in children(node):
                if kind_of(arg) == "MatrixSelector":
                    length = arg.range.total_seconds()
                    yield Window(node.func.name, selector_of(arg.vector_selector), length)


def short_windows(tree: Any, intervals: Intervals) -> Iterator[str]:
    """Each window below two samples, with what it should be."""
    for window in dict.fromkeys(windows_of(tree)):
        told = intervals.of(window.selector)
        if told is None or window.seconds >= 2 * told[1]:
            continue
        who, interval = told
        name = window.selector.metric or str(window.selector)
        yield (
            f"{window.function}({name}[{duration(window.seconds)}]) needs two samples, and {who} "
            f"each {duration(interval)}: make it {duration(4 * interval)}, {duration(2 * interval)} at the least"
        )


def rare_jobs(jobs: Sequence[Job]) -> Iterator[str]:
    """Jobs whose samples are forgotten before the next ones come."""
    for job in jobs:
        if job.interval > SEEN:
            yield (
                f"{job.place}: scrape_interval of job {job.name} is {duration(job.interval)}, and a sample is seen for "
                f"{duration(SEEN)}: panels and alerts have gaps; at most {duration(SEEN / 2)} leaves none"
            )
