"""receiver list: who hears of which alerts, whether they were tested, and what became of their notifications."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec import Struct, to_builtins

from stack.checks.receiver_remarks import asked, below, heard_by
from stack.checks.routing import read
from stack.checks.words import some_names
from stack.cli.printer import Printer
from stack.cli.session import Session
from stack.clients.http import HttpFailure
from stack.clients.notifications import Tallies, tallies
from stack.common.printable import printable
from stack.common.yaml_text import load_yaml
from stack.deploy.asking import context_of
from stack.deploy.receivers import identity_of, receivers_in
from stack.model.spec import TEST_RECEIVER

if TYPE_CHECKING:
    from stack.checks.context import CheckContext
    from stack.deploy.describe import Description

HEADER = ("RECEIVER", "TYPE", "HEARS OF", "TESTED", "SENT", "FAILED")
APPLICATION = "application"


class Row(Struct, frozen=True):
    """One receiver. ``tested`` is when, "no", "changed since", or "-" for one that tells the application alone.

    ``sent`` and ``failed`` count notifications since Alertmanager has read its file; None where it does not answer.
    """

    receiver: str
    type: str
    matchers: tuple[str, ...]
    alerts: int
    tested: str
    sent: int | None = None
    failed: int | None = None

    def cells(self) -> tuple[str, ...]:
        """For the table."""
        counts = ("-" if count is None else str(count) for count in (self.sent, self.failed))
        return (
            self.receiver,
            self.type,
            f"{' or '.join(self.matchers)} ({self.alerts})",
            self.tested,
            *counts,
        )


def list_(options: argparse.Namespace, printer: Printer) -> int:
    """All receivers of the rendered file."""
    session = Session.open(options, printer)
    description = session.as_it_runs(session.engine.observe(session.name))
    context = context_of(session.engine, description)
    rows = list(_rows(session, description, context))
    printer.table(HEADER, [tuple(printable(cell) for cell in row.cells()) for row in rows])
    printer.document({"receivers": [to_builtins(row) for row in rows]})
    return 0


def _rows(session: Session, description: Description, context: CheckContext) -> Iterator[Row]:
    text = context.expected.alertmanager_config
    if not text:
        return
    routing, counted = read(load_yaml(text)), _counts(context)
    real = receivers_in(description.spec)
    for name, kinds in routing.receivers.items():
        if name == TEST_RECEIVER:
            continue
        routes = [route for route in below(routing.root) if route.receiver == name]
        matchers = tuple(asked(route) for route in routes)
        mine = [tally for (receiver, _), tally in (counted or {}).items() if receiver == name]
        yield Row(
            name,
            some_names(kinds) or "nobody" if name in real or not kinds else APPLICATION,
            matchers or ("no route",),
            len(heard_by(context.expected, name)),
            _tested(session, description, name) if name in real else "-",
            None if counted is None else sum(tally.begun for tally in mine),
            None if counted is None else sum(tally.given_up for tally in mine),
        )


def _tested(session: Session, description: Description, name: str) -> str:
    known = session.state.now.tested.get(name)
    if known is None:
        return "no"
    return known.when if known.identity == identity_of(description.spec, name) else "changed since"


def _counts(context: CheckContext) -> Tallies | None:
    try:
        return tallies(context.alertmanager.http.get("/metrics").text)
    except (HttpFailure, KeyError):
        return None
