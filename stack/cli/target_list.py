"""target list: each job with its targets as Prometheus shows them now, shipped and own; it changes nothing."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct, to_builtins

from stack.checks.stored import AFTER, MEND_TIMES, REJECTED, unstored
from stack.checks.target_faults import fault
from stack.cli.printer import Printer
from stack.cli.session import Session
from stack.clients.http import HttpFailure
from stack.clients.prometheus import Target
from stack.common.moments import moment, short, wall_clock
from stack.common.printable import printable
from stack.deploy.asking import context_of

if TYPE_CHECKING:
    from stack.checks.context import CheckContext
    from stack.checks.model import Job

HEADER = ("JOB", "ADDRESS", "HEALTH", "SAMPLES", "LAST SCRAPE", "FROM", "FAULT")
NEVER = "0001-"


class Seen(Struct, frozen=True):
    """What Prometheus tells: its targets, and by job and instance how many samples each scrape kept or did not store.

    ``answered``: whether it tells anything.
    """

    answered: bool = False
    targets: tuple[Target, ...] = ()
    samples: Mapping[tuple[str, str], int] = {}
    unstored: Mapping[tuple[str, str], int] = {}


class Row(Struct, frozen=True):
    """One target. ``health``: up, down, unknown (not scraped yet), none (nobody is found) or empty where nobody runs.

    ``place``: file and line of its job. ``fault``: why it is down, with the remedy. ``scraped``: seconds ago.
    """

    job: str
    address: str
    health: str
    own: bool
    place: str
    samples: int | None = None
    scraped: float | None = None
    fault: str = ""

    def cells(self) -> tuple[str, ...]:
        """For the table."""
        samples = "-" if self.samples is None else str(self.samples)
        scraped = "-" if self.scraped is None else f"{short(self.scraped)} ago"
        return (self.job, self.address or "-", self.health or "-", samples, scraped, self.place, self.fault)


def list_(options: argparse.Namespace, printer: Printer) -> int:
    """All jobs and their targets."""
    session = Session.open(options, printer)
    observed = session.engine.observe(session.name)
    description = session.as_it_runs(observed)
    context = context_of(session.engine, description)
    seen = _asked(context)
    rows = tuple(rows_of(context.expected.jobs, seen, wall_clock()))
    if not seen.answered:
        printer.warning("Prometheus does not answer: the jobs are those of the files")
    printer.table(HEADER, (tuple(printable(cell) for cell in row.cells()) for row in rows))
    printer.document({"running": seen.answered, "targets": [_document(row) for row in rows]})
    return 0


def rows_of(jobs: Iterable[Job], seen: Seen, now: float) -> Iterator[Row]:
    """The user's own first, then the shipped ones; a job without a target has one row that says so."""
    for job in sorted(jobs, key=lambda job: (not job.origin.startswith("own/"), job.name)):
        own, mine = job.origin.startswith("own/"), [t for t in seen.targets if t.job == job.name]
        for target in mine:
            scraped = (
                None if target.last_scrape.startswith(NEVER) else max(0.0, now - moment(target.last_scrape))
            )
            kept = seen.samples.get((target.job_label, target.instance))
            missing = seen.unstored.get((target.job_label, target.instance), 0)
            said = _said(job, target, kept, missing)
            stored = kept and kept - missing
            yield Row(job.name, _address(target), target.health, own, job.place, stored, scraped, said)
        if not mine:
            yield Row(job.name, ", ".join(job.addresses), "none" if seen.answered else "", own, job.place)


def _said(job: Job, target: Target, kept: int | None, missing: int) -> str:
    """What is wrong with it; empty where nothing is."""
    if target.health == "down":
        found = fault(job, target)
        return f"{found.cause}: {found.remedy}"
    if kept == 0 and target.health == "up":
        return f"its page has no samples, or metric_relabel_configs drop all: {job.place}"
    if kept and missing:
        part = (
            f"none of its {kept} samples is"
            if missing == kept
            else f"{missing} of its {kept} samples are not"
        )
        return f"{part} stored: {REJECTED}: {MEND_TIMES.format(at=job.place)}"
    return ""


def _address(target: Target) -> str:
    return dict(target.found).get("__address__", "") or target.instance


def _asked(context: CheckContext) -> Seen:
    if not context.expected.has("prometheus"):
        return Seen()
    try:
        targets = context.prometheus.targets()
        found = [(dict(s.labels), s.value) for s in context.prometheus.query(AFTER)]
        samples = {(ls.get("job", ""), ls.get("instance", "")): int(value) for ls, value in found}
        return Seen(True, targets, samples, unstored(context, samples))
    except HttpFailure:
        return Seen()


def _document(row: Row) -> dict[str, Any]:
    return dict(to_builtins(row))
