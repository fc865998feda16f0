"""The check of an exporter's servers: each answers it, which the exporter's own target does not tell."""

from __future__ import annotations

from collections.abc import Mapping

from stack.checks.check import Check
from stack.checks.context import CheckContext
from stack.checks.model import Evidence, Pending
from stack.checks.words import some
from stack.common.wait import NotYet


def answered(job: str, title: str, metric: str) -> Check:
    """A check that ``metric`` is 1 for every target of the job; of one on a further host it is told where it is not."""

    def run(context: CheckContext) -> Evidence:
        wanted = sum(len(one.addresses) for one in context.expected.jobs if one.component == job)
        samples = [
            (dict(sample.labels), sample.value)
            for sample in context.prometheus.query(f'{metric}{{job="{job}"}}')
        ]
        here = {labels.get("instance", ""): value for labels, value in samples if "host" not in labels}
        there = {
            f"{labels.get('instance', '')} on {labels['host']}": value
            for labels, value in samples
            if "host" in labels
        }
        said = [f"{title} {name} does not answer {job} ({metric} = 0)" for name in _silent(here)]
        if said:
            raise NotYet(some(said), f"monitoring-stack logs {job}-{_silent(here)[0]} shows why")
        if len(here) < wanted:
            raise Pending(f"{metric} is there for {len(here)} of {wanted} servers")
        good = [*sorted(here), *sorted(there.keys() - set(_silent(there)))]
        remarks = (
            f"{title} {name} does not answer {job}: monitoring-stack exporter list" for name in _silent(there)
        )
        return Evidence(f"{title} answers its exporter: {', '.join(good) or 'none'}", tuple(remarks))

    return Check(
        f"{job}.servers",
        f"each {title} server answers its exporter",
        "prometheus",
        "proven",
        run,
        seconds=20,
        every=0.2,
        scraped=job,
        after=("prometheus.targets",),
        by_scrape="shipped",
    )


def _silent(found: Mapping[str, float]) -> list[str]:
    return sorted(name for name, value in found.items() if value != 1)
