"""start, stop, destroy, restart, plan, reload: from a description to a proven stack, and back."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from stack.cli.far import concerns_hosts
from stack.cli.left_out import left_out_document, tell_left_out
from stack.cli.main import usage
from stack.cli.printer import Printer
from stack.cli.session import Session
from stack.common.errors import StackError, StartFailed
from stack.model.spec import StackSpec, destroyed, stopped

if TYPE_CHECKING:
    from stack.deploy.describe import Description


def start(options: argparse.Namespace, printer: Printer) -> int:
    """Brings the stack up and proves it; with ``--dry-run`` prints the plan instead."""
    session = Session.open(options, printer)
    if options.dry_run:
        return show_plan(session)
    _ = session.asked  # what cannot be meant is said before any engine is asked
    session.look_ahead()
    from stack.cli.bring_up import start_stack  # read while the engine answers

    info = session.engine.info()
    printer.line(
        "engine", f"{info.product} {info.version}, {f'at {info.address}' if info.remote else 'this machine'}"
    )
    try:
        return start_stack(session)
    except StackError as error:
        from stack.cli.repair import name_damage

        name_damage(session, error)
        raise


def plan(options: argparse.Namespace, printer: Printer) -> int:
    """Prints what start would do."""
    return show_plan(Session.open(options, printer))


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
    from stack.cli.bring_up import bring_up, described

    session = Session.open(options, printer)
    with session.lock():
        observed = session.engine.observe(session.name)
        if not observed.containers:
            _tear(session, stopped(session.name), "stopped", document=False)
            return bring_up(session, described(session)).finish()
        again = session.as_it_should(observed, keep_bind=False)
        _tear(session, stopped(session.name), "stopped", document=False)
        return bring_up(session, again).finish()


def reload(options: argparse.Namespace, printer: Printer) -> int:
    """Applies changed files to what runs; containers are not recreated unless their definition changed."""
    from stack.cli.bring_up import bring_up

    session = Session.open(options, printer)
    with session.lock():
        observed = session.engine.observe(session.name)
        if not observed.containers:
            raise usage("nothing to reload: this stack has no container; start it first")
        described = session.as_it_should(observed, keep_bind=session.may_stay(observed))
        told = bring_up(session, described, thorough=True).told
        printer.document({"ok": True, "seconds": round(session.seconds, 3), **told})
        return 0


def show_plan(session: Session, asked: Description | None = None) -> int:
    """Prints what would be done for a stack as described, by the settings where nothing else is asked."""
    from stack.components import BY_NAME
    from stack.deploy.converge import decide
    from stack.deploy.left_out import refuse_faults
    from stack.deploy.outer_networks import gone
    from stack.validation.syntax import check_syntax

    description = asked or session.described(provide=False)
    refuse_faults(description.left_out)
    check_syntax(BY_NAME, *((s.component, s.judged) for s in description.spec.services), *description.idle)
    tell_left_out(session.printer, description.left_out)
    observed, plan = decide(description.spec, session.engine)
    for sentence in gone(description.spec, observed):
        session.printer.warning(sentence)
    missing = session.images.missing
    for name in missing:
        session.printer.line("image", f"{name}: {session.images.found[name].why}")
    session.printer.text(plan.text() or "nothing to do")
    told: dict[str, Any] = {
        "missing_images": list(missing),
        "left_out": left_out_document(description.left_out),
    }
    if concerns_hosts(session):
        from stack.cli.hosts import plans

        told["hosts"] = plans(session, description)
    session.printer.document({**plan.document(), **told})
    return 0


def _tear(session: Session, spec: StackSpec, word: str, *, document: bool = True) -> int:
    from stack.deploy.actions import Actions
    from stack.deploy.converge import carry_out, decide

    hosts = _begin_on_hosts(session, spec)
    observed, plan = decide(spec, session.engine)
    actions = Actions(session.engine, replace(spec, services=()), guard=session.still_ours)
    carry_out(observed, plan, actions, session.printer.event)
    count = len({step.target for step in plan.steps})
    session.printer.line(word, f"{count} objects {word}" if count else "nothing to do")
    told, everywhere = hosts(word) if hosts else ({}, True)
    if document:
        session.printer.document({"ok": everywhere, **plan.document(), **told})
    return 0 if everywhere else StartFailed.exit_code


def _begin_on_hosts(session: Session, spec: StackSpec) -> Callable[[str], tuple[dict[str, Any], bool]] | None:
    """The same on further hosts, begun; what it returns waits for them. None where there are none."""
    try:
        if not session.state.now.hosts:
            return None
    except StackError:  # whoever ends a stack may do so because its state cannot be read
        return None
    from stack.cli.hosts import tear_down, torn

    begun = tear_down(session, spec)

    def end(word: str) -> tuple[dict[str, Any], bool]:
        found, everywhere = torn(session, begun, word)
        return {"hosts": found}, everywhere

    return end


def _confirmed(session: Session) -> bool:
    if session.printer.json or not sys.stdin.isatty():
        raise usage("destroy --volumes needs --yes where nobody can be asked")
    session.printer.raw(f"All metrics and dashboards of stack {session.name} will be lost. Type its name:")
    return sys.stdin.readline().strip() == session.name
