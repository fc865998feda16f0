"""Runs checks: in parallel within a stage, each to its own deadline, every outcome a finding with its evidence.

A component that never got ready is not asked further; its later checks fail at once and say why. An error that
nobody foresaw is a failed finding too, never a crash and never silence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from functools import partial

from stack.checks.check import Check
from stack.checks.context import CheckContext, Execute
from stack.checks.model import STAGES, Broken, Expected, Finding, Report, Stage
from stack.clients.http import HttpFailure
from stack.common.wait import CLOCK, Clock, NotYet, TimedOut, until
from stack.model.events import Progress

OnFinding = Callable[[Finding], None]
Tell = Callable[[Progress], None]
"""Hears of a check that waits, with the last answer, each time that the answer is another one; and of its end."""


def unheard(_: object) -> None:
    """A listener that does not care."""


def run(
    checks: Sequence[Check],
    expected: Expected,
    on_finding: OnFinding = unheard,
    *,
    run_in: Execute | None = None,
    tell: Tell = unheard,
    clock: Clock = CLOCK,
) -> Report:
    """All checks that concern the stack, stage after stage; ``on_finding`` hears of each as it comes.

    Checks that run a command in a container are left out without ``run_in``.
    """
    began = clock.now()
    context = CheckContext(expected, run_in)
    findings: list[Finding] = []
    for stage in STAGES:
        due = [c for c in checks if c.stage == stage and c.concerns(expected) and (run_in or not c.by_engine)]
        dead = _never_ready(findings)
        for finding in _together([partial(_one, c, context, dead, tell, clock) for c in due], clock):
            findings.append(finding)
            on_finding(finding)
    return Report(tuple(findings), clock.now() - began)


def select(
    checks: Iterable[Check], stages: Iterable[Stage] = STAGES, names: Iterable[str] = ()
) -> tuple[Check, ...]:
    """The checks of ``stages``, or only those in ``names`` if any are named."""
    wanted_stages, wanted = set(stages), set(names)
    return tuple(c for c in checks if (c.name in wanted if wanted else c.stage in wanted_stages))


def hurried(checks: Iterable[Check], at_most: Mapping[str, float]) -> tuple[Check, ...]:
    """The same checks, those of a stage in ``at_most`` with so many seconds where they have more."""
    return tuple(replace(c, seconds=min(c.seconds, at_most.get(c.stage, c.seconds))) for c in checks)


def _never_ready(findings: Iterable[Finding]) -> frozenset[str]:
    return frozenset(f.component for f in findings if f.stage == "ready" and f.status == "failed")


def _together(asked: Sequence[Callable[[], Finding]], clock: Clock) -> Iterable[Finding]:
    if not asked:
        return
    with ThreadPoolExecutor(len(asked), thread_name_prefix="check") as pool:
        try:
            for done in as_completed([pool.submit(ask) for ask in asked]):
                yield done.result()
        except (KeyboardInterrupt, GeneratorExit):
            clock.called_off.set()
            raise


def _one(check: Check, context: CheckContext, dead: frozenset[str], tell: Tell, clock: Clock) -> Finding:
    if blocked := sorted(dead.intersection((check.component, *check.needs))):
        return _finding(check, "failed", f"not asked: {', '.join(blocked)} never got ready", check.hint)
    began = clock.now()
    status, evidence, hint, final = "failed", "", check.hint, False
    try:
        evidence = until(
            _retold(check, context, tell),
            seconds=check.seconds,
            every=check.every,
            retry=(NotYet, HttpFailure),
            clock=clock,
        )
        status = "ok" if evidence else "failed"
        hint = "" if evidence else hint
    except TimedOut as failure:
        evidence = str(failure)
    except Broken as failure:
        evidence, hint, final = str(failure), failure.hint or hint, True
    except Exception as failure:  # a fault of the check itself must not end the others
        evidence = f"the check itself failed: {type(failure).__name__}: {failure}"
    tell(Progress.over(check.name))
    return replace(_finding(check, status, evidence, hint, clock.now() - began), final=final)


def _retold(check: Check, context: CheckContext, tell: Tell) -> Callable[[], str]:
    """The question; an answer that is not the awaited one is told before it is asked again."""
    last = ""

    def ask() -> str:
        nonlocal last
        try:
            return check.run(context)
        except (NotYet, HttpFailure) as failure:
            if (answer := str(failure)) != last:
                tell(Progress(check.name, answer, passing=True))
                last = answer
            raise

    return ask


def _finding(check: Check, status: str, evidence: str, hint: str, seconds: float = 0.0) -> Finding:
    return Finding(
        check.name,
        check.component,
        check.stage,
        "ok" if status == "ok" else "failed",
        evidence or "the check gave no evidence",
        hint,
        seconds,
    )
