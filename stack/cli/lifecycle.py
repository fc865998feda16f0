"""start, stop, destroy, restart, plan, reload: from a description to a proven stack, and back."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from typing import Any

from stack.cli.main import usage
from stack.cli.milestones import Milestones, plan_document
from stack.cli.printer import Printer
from stack.cli.session import Session
from stack.components import BY_NAME
from stack.deploy.actions import Actions
from stack.deploy.converge import carry_out, decide
from stack.deploy.describe import Description, secrets_of
from stack.model.events import Event, StepDone
from stack.model.observed import Observed
from stack.model.plan import Plan, Verb
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
    info = session.engine.info()
    printer.line(
        "engine", f"Docker {info.version}, {f'at {info.address}' if info.remote else 'this machine'}"
    )
    return _start(session)


def plan(options: argparse.Namespace, printer: Printer) -> int:
    """Prints what start would do."""
    return _show_plan(Session.open(options, printer))


def stop(options: argparse.Namespace, printer: Printer) -> int:
    """All containers stop; everything is kept."""
    session = Session.open(options, printer)
    with session.lock():
        return _tear(session, stopped(session.name), "stopped")


def destroy(options: argparse.Namespace, printer: Printer) -> int:
    """Everything of this stack is removed; data only when asked for and confirmed."""
    session = Session.open(options, printer)
    if options.volumes and not options.yes and not _confirmed(session):
        printer.line("destroy", "nothing was removed")
        return 0
    with session.lock():
        code = _tear(session, destroyed(session.name, data=options.volumes), "removed")
        if options.volumes:
            session.engine.remove_state(session.name)
        elif session.engine.read_state(session.name) is not None:
            session.state.change(switches={}, started=(), proven=None, versions={})
        return code


def restart(options: argparse.Namespace, printer: Printer) -> int:
    """Stops what there is, starts it again and proves it anew."""
    session = Session.open(options, printer)
    with session.lock():
        observed = session.engine.observe(session.name)
        _tear(session, stopped(session.name), "stopped", document=False)
        if not observed.containers:
            return _start(session, locked=True)
        return _bring_up(session, session.as_it_runs(observed, keep_bind=False, to_ask=True)).finish()


def reload(options: argparse.Namespace, printer: Printer) -> int:
    """Applies changed files to what runs; containers are not recreated unless their definition changed."""
    session = Session.open(options, printer)
    with session.lock():
        observed = session.engine.observe(session.name)
        if not observed.containers:
            raise usage("nothing to reload: this stack has no container; start it first")
        keep = session.may_stay(observed)
        _bring_up(session, session.as_it_runs(observed, keep_bind=keep, to_ask=True))
        printer.document({"ok": True, "seconds": round(session.seconds, 3)})
        return 0


def _start(session: Session, *, locked: bool = False) -> int:
    description = session.described(provide=True)
    session.printer.line("images", session.images.summary)
    observed, plan = decide(description.spec, session.engine)
    if not plan and not session.state.lacks(_told(session, description)):
        if observed.locked:
            session.clear_stale_lock()
        _validated(session, description)
        return _apply(session, description, observed, plan).finish()
    if locked:
        return _bring_up(session, description).finish()
    with session.lock():
        if session.state.refresh():  # another command has written it meanwhile
            description = session.described_anew()
        return _bring_up(session, description).finish()


def _bring_up(session: Session, description: Description) -> Milestones:
    """Validates, decides, applies, and waits until every component answers."""
    _validated(session, description)
    return _apply(session, description, *decide(description.spec, session.engine))


def _apply(session: Session, description: Description, observed: Observed, plan: Plan) -> Milestones:
    milestones = Milestones(session, description, observed, plan)

    def emit(event: Event) -> None:
        session.printer.event(event)
        if isinstance(event, StepDone):
            milestones.note(event)

    _remember(session, description, plan)
    if plan:
        actions = Actions(
            session.engine,
            description.spec,
            verify=milestones.settle,
            reload_api=milestones.reload,
            versions=session.state,
            guard=session.still_ours,
        )
        carry_out(observed, plan, actions, emit)
    milestones.ready()
    return milestones


def _told(session: Session, description: Description) -> dict[str, Any]:
    """What the next command must know even if this one is killed."""
    told: dict[str, Any] = {"secrets": session.state.with_secrets(secrets_of(description.settings))}
    if session.options.command == "start":
        told |= {"switches": session.switches, "started": description.spec.components}
    return told


def _remember(session: Session, description: Description, plan: Plan) -> None:
    """Written before the first step; with a step ahead, nothing is proven any more.

    A version of files is noted before it is written, so that one that is refused is removed some day too.
    """
    for step in plan.steps:
        if step.verb is Verb.WRITE:
            session.state.written(step.target, description.spec.service(step.component).files_digest())
    session.state.change(**_told(session, description), **({"proven": None} if plan else {}))


def _validated(session: Session, description: Description) -> None:
    known = session.cache.read(VALIDATED)
    before = known if isinstance(known, list) else []
    good = validate_files(
        description.spec, session.engine, BY_NAME, set(before).__contains__, description.idle
    )
    if not set(good) <= set(before):
        session.cache.record(VALIDATED, [*before, *(g for g in good if g not in before)][-VERDICTS_KEPT:])


def _show_plan(session: Session) -> int:
    description = session.described(provide=False)
    check_syntax(BY_NAME, *((s.component, s.files) for s in description.spec.services), *description.idle)
    _, plan = decide(description.spec, session.engine)
    missing = session.images.missing
    for name in missing:
        session.printer.line("image", f"{name}: {session.images.found[name].why}")
    session.printer.text(plan.text() or "nothing to do")
    session.printer.document({**plan_document(plan), "missing_images": list(missing)})
    return 0


def _tear(session: Session, spec: StackSpec, word: str, *, document: bool = True) -> int:
    observed, plan = decide(spec, session.engine)
    actions = Actions(session.engine, replace(spec, services=()), guard=session.still_ours)
    carry_out(observed, plan, actions, session.printer.event)
    count = len({step.target for step in plan.steps})
    session.printer.line(word, f"{count} objects {word}" if count else "nothing to do")
    if document:
        session.printer.document({"ok": True, **plan_document(plan)})
    return 0


def _confirmed(session: Session) -> bool:
    if session.printer.json or not sys.stdin.isatty():
        raise usage("destroy --volumes needs --yes where nobody can be asked")
    session.printer.raw(f"All metrics and dashboards of stack {session.name} will be lost. Type its name:")
    return sys.stdin.readline().strip() == session.name
