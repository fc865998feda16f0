"""How many samples of a scrape Prometheus has stored, which it says of no target itself.

What it rejects is counted for all targets together, and what it has added only in the scrape that did so. A job that
gives its series other names (``honor_labels``, a relabelling) is not found by them either.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

from stack.checks.context import CheckContext
from stack.checks.model import Job
from stack.checks.promql import quoted
from stack.clients.prometheus import REJECTIONS, Target
from stack.common.durations import duration
from stack.common.moments import instant

BEFORE = 0.5
"""Seconds before a scrape from which its samples are looked for: they bear its time, more or less."""
AFTER = "scrape_samples_post_metric_relabeling"
SCRAPED = "scrape_samples_scraped"
ADDED = "scrape_series_added"
REPORTS = (
    "up",
    AFTER,
    SCRAPED,
    "scrape_duration_seconds",
    ADDED,
    "scrape_timeout_seconds",
    "scrape_sample_limit",
    "scrape_body_size_bytes",
    "ALERTS",
    "ALERTS_FOR_STATE",
)
"""What Prometheus itself says of each scrape and of alerts on it, beside the samples of the target."""
NOT_REPORTS = f'__name__!~"{"|".join(REPORTS)}"'
REJECTED = "they repeat a series with another value, or carry a time that is too far from now"
MEND_TIMES = (
    "{at}: honor_timestamps: false where the target writes times; a series must stand on its page once"
)


class Scrapes(Struct, frozen=True):
    """The targets of one job, and what to ask of Prometheus about their latest scrapes alone.

    A job of the same name that was removed just now has left series for minutes. ``chosen``: a matcher of the job.
    ``span``: back to before the first of these scrapes.
    """

    context: CheckContext
    job: Job
    chosen: str
    span: str

    @classmethod
    def of(cls, context: CheckContext, job: Job, targets: tuple[Target, ...]) -> Scrapes:
        """Those of these targets, which were all scraped."""
        labels = "|".join(re.escape(one) for one in sorted({t.job_label for t in targets}))
        scraped = min(instant(t.last_scrape) for t in targets)
        (now,) = context.prometheus.query("time()")
        return cls(context, job, f"job=~{quoted(labels)}", duration(now.value - scraped + BEFORE))

    def reported(self, metric: str) -> dict[str, int]:
        """What Prometheus reports of them, by instance."""
        return self._counts(f"last_over_time({metric}{{{self.chosen}}}[{self.span}])")

    def found(self) -> dict[str, int]:
        """Series by instance: those under the job's name, or those that were added."""
        named = self._counts(
            f"count by (instance) (last_over_time({{{self.chosen}, {NOT_REPORTS}}}[{self.span}]))"
        )
        added = self._counts(f"max by (instance) (max_over_time({ADDED}{{{self.chosen}}}[{self.span}]))")
        return {name: max(named.get(name, 0), added.get(name, 0)) for name in {*named, *added}}

    def _counts(self, expr: str) -> dict[str, int]:
        found = self.context.prometheus.query(expr)
        return {dict(sample.labels).get("instance", ""): int(sample.value) for sample in found}


def stored_of(scrapes: Scrapes, kept: Mapping[str, int]) -> dict[str, int]:
    """By instance, of the samples that a scrape has ``kept``, as many as are stored for certain.

    Those are the series that were found, or all but what was rejected, by
    whomever, since before the latest scrape.
    """
    found, job = scrapes.found(), scrapes.job
    if all(found.get(name, 0) >= count for name, count in kept.items()):
        return found
    rejected = rejected_since(scrapes.context, job.interval + job.timeout)
    return {name: max(found.get(name, 0), count - rejected) for name, count in kept.items()}


def unstored(context: CheckContext, kept: Mapping[tuple[str, str], int]) -> dict[tuple[str, str], int]:
    """Of the samples that each target's latest scrape has kept, by job and instance, how many are not stored.

    Only where Prometheus has rejected any of late, and only of jobs whose series bear the names of their targets.
    """
    jobs = context.expected.jobs
    if not rejected_since(context, max((job.interval + job.timeout for job in jobs), default=0.0)):
        return {}
    renamed = {job.name for job in jobs if job.renamed}
    found = context.prometheus.query(f'count by (job, instance) ({{job!="", {NOT_REPORTS}}})')
    stored = {(dict(one.labels)["job"], dict(one.labels).get("instance", "")): one.value for one in found}
    missing = {place: count - int(stored.get(place, 0)) for place, count in kept.items()}
    return {place: count for place, count in missing.items() if count > 0 and place[0] not in renamed}


def rejected_since(context: CheckContext, seconds: float) -> int:
    """How many samples at most, of any target, were rejected in so many seconds up to now."""
    total = context.prometheus.rejected()
    names = "|".join(job.name for job in context.expected.jobs if job.component == "prometheus")
    if not total or not names:
        return total
    counters = f"{{__name__=~{quoted('|'.join(REJECTIONS.values()))}, job=~{quoted(names)}}}"
    before = context.prometheus.query(f"sum({counters} offset {duration(seconds)})")
    return total - next((int(sample.value) for sample in before if sample.value <= total), 0)
