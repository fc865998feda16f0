"""exporter list: each watched server, whether its exporter runs, and whether it answers."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from msgspec import Struct, to_builtins

from stack.cli.exporter_proof import answer, knocked, log_of, why
from stack.cli.printer import Printer
from stack.cli.session import Session
from stack.common.wait import NotYet
from stack.components.exporters.kind import Kind
from stack.components.exporters.kinds import KINDS
from stack.components.exporters.server import Server, faults, servers
from stack.deploy.describe import Description
from stack.model.observed import Observed

HEADER = ("KIND", "NAME", "ADDRESS", "ON", "STATE", "SAYS")


class Row(Struct, frozen=True):
    """One server. ``state``: up, down, unknown, stopped, or faulty for a file that cannot be used; ``says`` why.

    ``on``: the further host that runs its exporter; empty: the stack's own engine does.
    """

    kind: str
    name: str
    address: str
    state: str
    says: str = ""
    on: str = ""


def show(options: argparse.Namespace, printer: Printer) -> int:
    """All servers in one table."""
    session = Session.open(options, printer)
    observed = session.engine.observe(session.name)
    rows = list(_rows(session, session.described(provide=False), observed))
    if rows:
        printer.table(
            HEADER, [(r.kind, r.name, r.address or "-", r.on or "-", r.state, r.says) for r in rows]
        )
    else:
        printer.text("no server is watched: exporter add watches one")
    printer.document({"exporters": [to_builtins(row) for row in rows]})
    return 0


def _rows(session: Session, description: Description, observed: Observed) -> Iterator[Row]:
    for kind in KINDS:
        word, files = kind.form.word, kind.form.files(session.native.tree)
        for server in servers(description.build, kind.form):
            address = server.at if server.port else server.options.get("programs", "")
            yield Row(word, server.name, address, *_state(session, kind, server, observed), server.on)
        for fault in faults(description.build, kind.form):
            yield Row(word, files[fault.path], "", "faulty", f"{fault.path}: {fault.why}: {fault.hint}")


def _state(session: Session, kind: Kind, server: Server, observed: Observed) -> tuple[str, str]:
    """A word for its state, and why."""
    runs = observed.container("prometheus") if server.on else observed.container(kind.form.service(server))
    if runs is None or not runs.running:
        return "stopped", "monitoring-stack start runs its exporter"
    try:
        found = answer(session, kind, server.name)
    except NotYet as error:
        return "unknown", str(error)
    if found.good:
        return "up", ""
    if found.exporter == 0:
        shows = "host list" if server.on else f"logs {kind.form.service(server)}"
        return "down", f"its exporter does not answer: monitoring-stack {shows} shows why"
    if found.server is None:
        return "unknown", "it is not scraped yet"
    return "down", ": ".join(
        filter(
            None, why(server, (*log_of(session, kind, server), found.said, knocked(session, kind, server)))
        )
    )
