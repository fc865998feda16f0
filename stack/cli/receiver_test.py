"""receiver test: a marked alert through Alertmanager to one receiver alone, and what became of it."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from stack.checks.alertmanager_file import FILE
from stack.checks.model import Broken
from stack.checks.receiver_trial import Log, Outcome, Tried, document, receiver_of, trial
from stack.cli.printer import Printer
from stack.cli.running import running
from stack.cli.session import Session
from stack.clients.http import HttpFailure
from stack.common.errors import SmokeFailed
from stack.common.moments import stamp, wall_clock
from stack.deploy.asking import context_of
from stack.deploy.receivers import identity_of
from stack.model.spec import CONFIG_ROOT, CURRENT, container_name
from stack.model.state import TestedReceiver

if TYPE_CHECKING:
    from stack.checks.routing import Alert
    from stack.deploy.describe import Description


def test(options: argparse.Namespace, printer: Printer) -> int:
    """0 where the receiver has taken it; 6 with the answer and the remedy where it has not."""
    session = Session.open(options, printer)
    description, _ = running(session, "alertmanager")
    outcomes = tried(session, description, options.receiver, ends=options.resolve)
    tell(printer, options.receiver, outcomes)
    hears = tell_routes(session, description, options.receiver, runs=True)
    remember(session, description, options.receiver)
    told = {"ok": True, "receiver": options.receiver, "outcomes": [document(one) for one in outcomes]}
    printer.document({**told, **hears, "seconds": round(session.seconds, 3)})
    return 0


def tried(session: Session, description: Description, name: str, *, ends: bool) -> tuple[Outcome, ...]:
    """What became of the notifications; ``SmokeFailed`` where one was not taken."""
    from stack.checks.receiver_remarks import severity_for

    context = context_of(session.engine, description)
    try:
        receiver = receiver_of(context.expected.alertmanager_config, name)
        found = trial(
            context, receiver, log_of(session), severity=severity_for(context.expected, name), ends=ends
        )
    except Broken as error:
        raise SmokeFailed(str(error), hint=error.hint) from error
    except HttpFailure as error:
        raise SmokeFailed(f"Alertmanager does not answer: {error}", hint="monitoring-stack start") from error
    failed = [one for one in found if not one.delivered]
    if failed:
        fault = SmokeFailed("; ".join(_fault(receiver, one) for one in failed), hint=failed[0].remedy)
        fault.details = {"receiver": name, "outcomes": [document(one) for one in found]}
        raise fault
    return found


def _fault(receiver: Tried, one: Outcome) -> str:
    about = "the notification" if one.status == "firing" else "the notification of the end"
    how = f"answered {one.code} to {about}" if one.code else f"was not reached by {about}"
    return f"receiver {receiver.name} ({one.integration}) {how}: {one.answer}"


def tell(printer: Printer, name: str, outcomes: Iterable[Outcome]) -> None:
    """One line for each notification."""
    for one in outcomes:
        printer.line(
            "delivered",
            f"{name} has taken the {one.integration} notification, {one.status}, in {one.seconds:.2f} s",
        )


def tell_routes(session: Session, description: Description, name: str, *, runs: bool) -> dict[str, list[str]]:
    """The alerts of the rules that the receiver hears of by the file, and why it may be told of none: warnings.

    Where the stack ``runs``, Prometheus and amtool are asked too.
    """
    from stack.checks.receiver_remarks import about, heard_by, told_of_surely, unheard_of
    from stack.checks.words import some_names

    context = context_of(session.engine, description)
    names = sorted({one.name for one in heard_by(context.expected, name) if not one.constant})
    warnings = about(context.expected, name)
    if not names and not warnings:
        warnings.append(f"no alert of the rules gets to {name}")
    if runs:
        sure = told_of_surely(context.expected, name)
        warnings += _elsewhere(session, name, sure) if sure else ()
        with suppress(HttpFailure, KeyError):  # where Prometheus does not answer, the files alone tell
            nothing_has = unheard_of(context.expected, name, context.prometheus.label_names())
            warnings += nothing_has
            names = names if sure or not nothing_has else []
    for line in warnings:
        session.printer.warning(f"warning   {line}")
    if names:
        session.printer.line("hears of", f"{len(names)} alerts of the rules: {some_names(names)}")
    return {"hears_of": names, "warnings": warnings}


def _elsewhere(session: Session, name: str, alert: Alert) -> Iterator[str]:
    """A line where amtool, in the container that runs, sends the alert elsewhere."""
    labels = [f"{label}={value}" for label, value in alert.labels.known.items()]
    argv = ("amtool", "config", "routes", "test", f"--config.file={CONFIG_ROOT}/{CURRENT}/{FILE}", *labels)
    ran = session.engine.execute(container_name(session.name, "alertmanager"), argv)
    said = [line for line in ran.output.splitlines() if not line.startswith("Warning:")]
    led = [word for word in re.split(r"[,\s]+", " ".join(said)) if word]
    if ran.code == 0 and led and name not in led:
        yield f"amtool sends {alert.name} elsewhere: {' '.join(led)}"


def log_of(session: Session) -> Log:
    """The last lines of Alertmanager."""

    def read(lines: int) -> Iterator[str]:
        yield from session.engine.logs(container_name(session.name, "alertmanager"), lines)

    return read


def remember(session: Session, description: Description, name: str) -> None:
    """The stack knows from now on that the receiver, as it is, was tested."""
    when = stamp(wall_clock())
    with session.lock():
        session.state.refresh()
        found = identity_of(description.spec, name)
        session.state.change(tested={**session.state.now.tested, name: TestedReceiver(found, when)})
