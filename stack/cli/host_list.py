"""host list: each further host, what its engine says, and whether Prometheus gets its samples."""

from __future__ import annotations

import argparse

from msgspec import Struct, to_builtins

from stack.cli.host_look import HostLook, look
from stack.cli.printer import Printer
from stack.cli.session import Session
from stack.clients.http import HttpFailure
from stack.components.hosts import faults, files
from stack.components.node_exporter import NODE_EXPORTER
from stack.deploy.describe import Description

HEADER = ("NAME", "ENGINE", "ADDRESS", "RUNS", "STATE", "SCRAPED", "SAYS")


class Row(Struct, frozen=True):
    """One exporter on a host. ``scraped``: up, down or unknown, as Prometheus has it; ``says``: why it is not well."""

    name: str
    engine: str
    address: str
    state: str
    scraped: str = "-"
    says: str = ""
    exporter: str = NODE_EXPORTER.name

    @property
    def cells(self) -> tuple[str, ...]:
        """Its line of the table."""
        return (self.name, self.engine, self.address, self.exporter, self.state, self.scraped, self.says)

    @property
    def well(self) -> bool:
        """Whether it runs and is scraped."""
        return self.state.startswith("running") and self.scraped in ("up", "-") and not self.says


def show(options: argparse.Namespace, printer: Printer) -> int:
    """All hosts in one table; 6 where one is not well."""
    session = Session.open(options, printer)
    observed = session.engine.observe(session.name)
    description = session.as_it_runs(observed)
    targets = _targets(session, description) if any(c.running for c in observed.containers) else {}
    rows = [_row(one, *targets.get(one.job, ("-", ""))) for one in look(session, description)]
    names = files(session.native.tree)
    for fault in faults(session.native.tree):
        rows.append(
            Row(names[fault.path], "-", "-", "faulty", "-", f"{fault.path}: {fault.why}: {fault.hint}")
        )
    if rows:
        printer.table(HEADER, [row.cells for row in rows])
    else:
        printer.text("no further host: host add watches one")
    printer.document({"hosts": [to_builtins(row) for row in rows]})
    return 0 if all(row.well for row in rows) else 6


def _row(one: HostLook, scraped: str, error: str) -> Row:
    says = one.says or error
    return Row(one.name, one.engine, one.address, one.state, scraped, says, one.service)


def _targets(session: Session, description: Description) -> dict[str, tuple[str, str]]:
    """Health and last error by job; none where Prometheus gives no answer."""
    from stack.checks.target_faults import fault
    from stack.deploy.asking import context_of

    context = context_of(session.engine, description)
    jobs = {job.name: job for job in context.expected.jobs}
    try:
        found = context.prometheus.targets()
    except HttpFailure:
        return {}
    return {
        t.job: (t.health, fault(jobs[t.job], t).cause if t.health == "down" else "")
        for t in found
        if t.job in jobs
    }
