"""The check of an exporter's servers: each answers it, which the exporter's own target does not tell."""

from __future__ import annotations

from stack.checks.check import Check
from stack.checks.context import CheckContext
from stack.checks.model import Pending
from stack.checks.words import some
from stack.common.wait import NotYet


def answered(job: str, title: str, metric: str) -> Check:
    """A check that ``metric`` is 1 for every target of the job."""

    def run(context: CheckContext) -> str:
        wanted = sum(len(one.addresses) for one in context.expected.jobs if one.component == job)
        samples = context.prometheus.query(f'{metric}{{job="{job}"}}')
        found = {dict(sample.labels).get("instance", ""): sample.value for sample in samples}
        if silent := sorted(name for name, value in found.items() if value != 1):
            raise NotYet(
                some(f"{title} {name} does not answer {job} ({metric} = 0)" for name in silent),
                f"monitoring-stack logs {job}-{silent[0]} shows why",
            )
        if len(found) < max(wanted, 1):
            raise Pending(f"{metric} is there for {len(found)} of {wanted} servers")
        return f"{title} answers its exporter: {', '.join(sorted(found))}"

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
