"""start, stop, destroy, restart, plan, reload: from a description to a proven stack, and back."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace

from stack.cli.main import usage
from stack.cli.milestones import PROOF, Proving, plan_document
from stack.cli.printer import Printer
from stack.cli.session import Session
from stack.common.errors import Degraded
from stack.config.settings import PLACES
from stack.deploy.actions import Hands
from stack.deploy.converge import carry_out, decide
from stack.deploy.describe import Prepared
from stack.model.events import Event, StepDone
from stack.model.spec import StackSpec, destroyed, stopped
from stack.validation.files import check_syntax
from stack.validation.files import validate as validate_files

VALIDATED = "validated.json"
VERDICTS_KEPT = 64


def start(options: argparse.Namespace, printer: Printer) -> int:
    """Brings the stack up and proves it; with ``--dry-run`` prints the plan instead."""
    session = Session.open(options, printer)
    if options.dry_run:
        return _show_plan(session)
    with session.state.lock():
        return _start(session)


def plan(options: argparse.Namespace, printer: Printer) -> int:
    """Prints what start would do."""
    return _show_plan(Session.open(options, printer))


def stop(options: argparse.Namespace, printer: Printer) -> int:
    """All containers stop; everything is kept."""
    session = Session.open(options, printer)
    with session.state.lock():
        return _tear(session, stopped(session.settings.name), "stopped")


def destroy(options: argparse.Namespace, printer: Printer) -> int:
    """Everything of this stack is removed; data only when asked for and confirmed."""
    session = Session.open(options, printer)
    if options.volumes and not options.yes and not _confirmed(session):
        printer.line("destroy", "nothing was removed")
        return 0
    with session.state.lock():
        code = _tear(session, destroyed(session.settings.name, data=options.volumes), "removed")
        session.state.record(PLACES, None)
        return code


def restart(options: argparse.Namespace, printer: Printer) -> int:
    """Stops, then starts and proves anew."""
    session = Session.open(options, printer)
    if options.dry_run:
        raise usage("restart has no dry run; plan shows what start would do")
    with session.state.lock():
        _tear(session, stopped(session.settings.name), "stopped", document=False)
        return _start(session)


def reload(options: argparse.Namespace, printer: Printer) -> int:
    """Applies changed files to a stack that exists; containers are not recreated unless their definition changed."""
    session = Session.open(options, printer)
    with session.state.lock():
        observed = session.engine.observe(session.settings.name)
        if not observed.containers:
            raise usage("nothing to reload: this stack has no container; start it first")
        prepared = session.as_it_runs(observed)
        _bring_up(session, prepared)
        printer.document({"ok": True, "seconds": round(session.seconds, 3)})
        return 0


def _start(session: Session) -> int:
    info = session.engine.info()
    where = f"at {info.address}" if info.remote else "this machine"
    session.printer.line("engine", f"Docker {info.version}, {where}")
    prepared = session.prepared(provide=True)
    session.printer.line("images", session.pictures.summary)
    absent = dict(prepared.spec.absent)
    if "grafana" in absent and session.settings["grafana.mode"] == "required":
        raise Degraded(
            f"Grafana is required and cannot run: {absent['grafana']}", hint=session.pictures.way_out
        )
    session.state.record(PLACES, session.settings.places())
    proving = _bring_up(session, prepared)
    return proving.finish()


def _bring_up(session: Session, prepared: Prepared) -> Proving:
    """Validates, decides, applies, and waits until every component answers."""
    _validated(session, prepared)
    observed, plan = decide(prepared.spec, session.engine)
    proving = Proving(session, prepared, observed, plan)

    def emit(event: Event) -> None:
        session.printer.event(event)
        if isinstance(event, StepDone):
            proving.note(event)

    if plan:
        hands = Hands(session.engine, prepared.spec, proving.settle, proving.reload_api)
        session.state.record(PROOF, None)
        carry_out(observed, plan, hands, emit)
    proving.ready()
    return proving


def _validated(session: Session, prepared: Prepared) -> None:
    known = session.state.read(VALIDATED)
    before = known if isinstance(known, list) else []
    good = validate_files(prepared.spec, session.engine, set(before).__contains__, prepared.idle)
    if not set(good) <= set(before):
        session.state.record(VALIDATED, [*before, *(g for g in good if g not in before)][-VERDICTS_KEPT:])


def _show_plan(session: Session) -> int:
    prepared = session.prepared(provide=False)
    check_syntax(*((s.component, s.files) for s in prepared.spec.services), *prepared.idle)
    _, plan = decide(prepared.spec, session.engine)
    missing = session.pictures.missing
    for name in missing:
        session.printer.line("image", f"{name}: {session.pictures.found[name].why}")
    session.printer.text(plan.text() or "nothing to do")
    session.printer.document({**plan_document(plan), "missing_images": list(missing)})
    return 0


def _tear(session: Session, spec: StackSpec, word: str, *, document: bool = True) -> int:
    observed, plan = decide(spec, session.engine)
    hands = Hands(session.engine, replace(spec, services=()), lambda service: None, lambda service: None)
    carry_out(observed, plan, hands, session.printer.event)
    count = len({step.target for step in plan.steps})
    session.printer.line(word, f"{count} objects {word}" if count else "nothing to do")
    if document:
        session.printer.document({"ok": True, **plan_document(plan)})
    return 0


def _confirmed(session: Session) -> bool:
    if session.printer.json or not sys.stdin.isatty():
        raise usage("destroy --volumes needs --yes where nobody can be asked")
    session.printer.raw(
        f"All metrics and dashboards of stack {session.settings.name} will be lost. Type its name:"
    )
    return sys.stdin.readline().strip() == session.settings.name
