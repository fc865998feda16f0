"""drill: breaks one thing on purpose and times its alert: pending, firing, told, its end told; compared with its bound.

What is listed as a drill is what this stack can do now; every other shipped alert says why not.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any

from msgspec.structs import asdict

from stack.checks.context import CheckContext
from stack.checks.drill_hearing import hearing_of
from stack.checks.drills import BY_NAME, DRILLS, PROMETHEUS, Drill, bound, job_of, rule_of, why_not
from stack.checks.routing import INTEGRATIONS
from stack.cli.drill_detour import lead
from stack.cli.drill_run import STAGES, Result, Wave, restore
from stack.cli.printer import Printer
from stack.cli.running import running
from stack.cli.session import Session
from stack.clients.http import HttpFailure
from stack.common.errors import SmokeFailed, StartFailed, UsageError
from stack.common.yaml_text import load_yaml
from stack.model.receivers import HEARTBEAT, TARGET

if TYPE_CHECKING:
    from stack.deploy.describe import Description

LIST = ("DRILL", "ALERT", "WHAT", "TOLD WITHIN", "CAN RUN")
RUN = ("DRILL", "ALERT", "PENDING", "FIRING", "TOLD", "BOUND", "ENDED", "BOUND", "RESULT")
NO_PROBE = "no probe asks {host}: probe add drill http://{host}:9100/"
NOTHING_SENT = "nothing is sent elsewhere: [remote_write.NAME] in stack.toml"
SWITCHES = "fault switches are off: STACK_FAULTS=true, then monitoring-stack start"


def drill(options: argparse.Namespace, printer: Printer) -> int:
    """Lists the drills, or runs some; 6 where an alert did not come, or not in time."""
    session = Session.open(options, printer)
    wanted = _wanted(options)
    if not wanted:
        return _list(session)
    with session.lock():
        if left := restore(session.engine, session.state):
            printer.line("restored", f"{', '.join(left)}: a drill had changed it and was killed")
        description, context = _running(session)
        chosen = _able(wanted, context, required=not options.all)
        _may_tell(options, printer, context)
        return _run(session, description, context, chosen, later=bool(left))


def _wanted(options: argparse.Namespace) -> tuple[Drill, ...]:
    if unknown := [name for name in options.drills if name not in BY_NAME]:
        raise UsageError(f"unknown drill {unknown[0]}", hint=f"one of {', '.join(BY_NAME)}")
    return DRILLS if options.all else tuple(BY_NAME[name] for name in dict.fromkeys(options.drills))


def _running(session: Session) -> tuple[Description, CheckContext]:
    """``StartFailed`` where the stack does not run; ``UsageError`` with an engine elsewhere."""
    description, context = running(session)
    if session.engine.info().remote:
        raise UsageError("drill asks at published ports", hint="run it on the engine's machine")
    return description, context


def _list(session: Session) -> int:
    (_, context), printer = _running(session), session.printer
    expected = context.expected
    why = _obstacles(context)
    rows = []
    for one in DRILLS:
        obstacle = why(one)
        told = "" if rule_of(one, expected) is None else f"{bound(one, expected).told:.0f} s"
        rows.append((one.name, one.alert, one.what, told or "-", obstacle or "yes"))
    printer.table(LIST, rows)
    printer.text("\nNo drill provokes:")
    others = {
        rule.name: reason
        for rule in expected.rules
        if rule.kind == "alerting" and not rule.own and (reason := why_not(rule.name, rule.file))
    }
    printer.table(("ALERT", "WHY NOT"), others.items())
    listed = [dict(zip(("name", "alert", "what", "told_within", "obstacle"), r, strict=True)) for r in rows]
    printer.document({"drills": listed, "without": others})
    return 0


def _obstacles(context: CheckContext) -> Any:
    """Why a drill cannot run here; empty where it can."""
    hearing = hearing_of(context)
    try:
        switches = context.expected.has("app") and context.app.may_throw()
    except HttpFailure as failure:
        raise StartFailed(
            f"the application does not answer: {failure}", hint="monitoring-stack smoke"
        ) from failure

    def why(one: Drill) -> str:
        if one.switch and not context.expected.has("app"):
            return "the application is off, whose fault it is"
        if one.stops and not any(job.component == one.stops for job in context.expected.jobs):
            return f"{one.stops} is not part of this stack"
        if one.sends and rule_of(one, context.expected) is None:
            return NOTHING_SENT
        if job_of(one, context.expected) is None:
            return NO_PROBE.format(host=one.asked) if one.asked else f"no job is called {one.job}"
        if rule_of(one, context.expected) is None:
            return f"no rule is called {one.alert}"
        return hearing.obstacle(one) or (SWITCHES if one.switch and not switches else "")

    return why


def _able(wanted: Iterable[Drill], context: CheckContext, *, required: bool) -> tuple[Drill, ...]:
    """Those that can run; ``UsageError`` where none can, or one that was named cannot."""
    why = _obstacles(context)
    found = {one: why(one) for one in wanted}
    able = tuple(one for one, obstacle in found.items() if not obstacle)
    refused = next((one for one, obstacle in found.items() if obstacle), None)
    if refused and (required or not able):
        raise UsageError(
            f"drill {refused.name}: {found[refused]}", hint="monitoring-stack drill lists what can run"
        )
    return able


def _may_tell(options: argparse.Namespace, printer: Printer, context: CheckContext) -> None:
    """Receivers that may be people are asked for first."""
    people = _people(load_yaml(context.expected.alertmanager_config) or {})
    if not people or options.yes:
        return
    whom = f"the alerts of a drill reach {', '.join(people)} too"
    if printer.json or not sys.stdin.isatty():
        raise UsageError(whom, hint="--yes says that they may")
    printer.raw(f"{whom}. Go on? [y/N]")
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise UsageError("nothing was done", hint="--yes goes on without asking")


def _people(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The receivers that tell others than the application; that of the heartbeat hears of no drill."""
    return tuple(
        str(receiver["name"])
        for receiver in config.get("receivers") or ()
        if receiver["name"] != HEARTBEAT
        and any(
            not str(one.get("url", "")).startswith(f"http://{TARGET}/")
            for key, listed in receiver.items()
            if key.endswith(INTEGRATIONS)
            for one in listed or ()
        )
    )


def _run(
    session: Session,
    description: Description,
    context: CheckContext,
    chosen: tuple[Drill, ...],
    *,
    later: bool,
) -> int:
    """``later``: another drill was killed, whose traces are waited for."""
    printer, expected = session.printer, context.expected
    wave = Wave(
        session.engine,
        session.state,
        context,
        hearing_of(context),
        lambda one, stage, seconds: printer.line(one.name, f"{stage:<8} {seconds:6.1f} s"),
        partial(lead, session.engine, session.state, description.spec.service(PROMETHEUS)),
    )
    results: list[Result] = []
    for _, group in groupby(sorted(chosen, key=lambda one: one.wave), key=lambda one: one.wave):
        results += wave.run([(one, bound(one, expected)) for one in group], later=later or bool(results))
    printer.text()
    printer.table(RUN, (_cells(one) for one in results))
    failed = [one for one in results if one.why]
    document = {"ok": not failed, "drills": [_document(one) for one in results]}
    if failed:
        error = SmokeFailed(
            f"drill {failed[0].drill.name}: {failed[0].drill.alert}: {failed[0].why}",
            hint="monitoring-stack alerts, and smoke, show the way of alerts",
        )
        error.details = document
        raise error
    printer.document(document)
    return 0


def _cells(one: Result) -> tuple[str, ...]:
    shown = ["-" if (value := getattr(one, stage)) is None else f"{value:.1f} s" for stage in STAGES]
    bounds = f"{one.bound.told:.0f} s", f"{one.bound.ended:.0f} s"
    return (one.drill.name, one.drill.alert, *shown[:3], bounds[0], shown[3], bounds[1], one.why or "ok")


def _document(one: Result) -> dict[str, Any]:
    stages = {stage: getattr(one, stage) for stage in STAGES}
    return {
        "name": one.drill.name,
        "alert": one.drill.alert,
        **stages,
        "bound": asdict(one.bound),
        "why": one.why,
    }
