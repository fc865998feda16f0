"""Where the checks run from: this process, or a short-lived container inside the stack's own network.

One set of checks either way; only the addresses differ. A prober decides nothing: what is asked is the table's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct, field
from msgspec.structs import replace

from stack.checks.check import Check
from stack.checks.context import CheckContext, Execute, Near, ReadLog
from stack.checks.model import STAGES, Expected, Finding, Report, Stage
from stack.checks.runner import OnFinding, Tell, hurried, run, select, unheard
from stack.clients.http import Http
from stack.common.errors import StackError
from stack.engine.interface import Engine
from stack.model.events import Progress
from stack.model.spec import StackSpec

INSIDE = "checks"


class Prober(Protocol):
    """Asks the stack and reports."""

    def run(
        self,
        expected: Expected,
        on_finding: OnFinding = ...,
        *,
        tell: Tell = ...,
        stages: Sequence[Stage] = STAGES,
        names: Sequence[str] = (),
        known: Sequence[Finding] = (),
    ) -> Report:
        """The checks of ``stages``, or only those named; ``tell`` hears of what is waited for.

        ``known``: what was found by other means; part of the report, and a reason not to ask further.
        """


class LocalProber(Struct, frozen=True):
    """Asks from this process: by the published ports, or where ``near`` and ``doors`` (see ``CheckContext``) say."""

    checks: tuple[Check, ...]
    run_in: Execute | None = None
    read_log: ReadLog | None = None
    doors: Mapping[str, Http] = field(default_factory=dict)
    near: Near | None = None

    def run(
        self,
        expected: Expected,
        on_finding: OnFinding = unheard,
        *,
        tell: Tell = unheard,
        stages: Sequence[Stage] = STAGES,
        names: Sequence[str] = (),
        known: Sequence[Finding] = (),
    ) -> Report:
        """See ``Prober``; findings are heard of as they come."""
        chosen = select(self.checks, stages, names)
        return run(
            chosen,
            expected,
            on_finding,
            known=known,
            run_in=self.run_in,
            read_log=self.read_log,
            doors=self.doors,
            near=self.near,
            tell=tell,
        )


class NetworkProber(Struct, frozen=True):
    """Asks from a container of ``image`` in the stack's network: any engine, any component.

    ``here`` asks what only the engine can be asked. ``at_most``: see ``Order``.
    """

    engine: Engine
    spec: StackSpec
    image: str
    here: LocalProber
    at_most: tuple[tuple[str, float], ...] = ()

    def run(
        self,
        expected: Expected,
        on_finding: OnFinding = unheard,
        *,
        tell: Tell = unheard,
        stages: Sequence[Stage] = STAGES,
        names: Sequence[str] = (),
        known: Sequence[Finding] = (),
    ) -> Report:
        """See ``Prober``; findings are heard of when all are in. ``SmokeFailed`` where no report comes back."""
        from stack.checks.in_network import ask_inside
        from stack.checks.messages import Order

        order = Order(expected, tuple(stages), tuple(names), self.at_most, known=tuple(known))
        tell(Progress(INSIDE, f"asked inside the network of {self.spec.name}", passing=True))
        try:
            report = ask_inside(self.engine, self.spec, self.image, order)
        except StackError:
            if not Report(tuple(known)).failed:
                raise
            report = Report(tuple(known))  # what is known to be at fault is why nobody can be asked
        finally:
            tell(Progress.over(INSIDE))
        for finding in report.findings:
            on_finding(finding)
        by_engine = replace(self.here, checks=tuple(c for c in self.here.checks if c.by_engine))
        own = by_engine.run(expected, tell=tell, stages=stages, names=names, known=report.findings)
        mine = own.findings[len(report.findings) :]
        for finding in mine:
            on_finding(finding)
        return Report(own.findings, report.seconds + own.seconds)


def answer(order_text: str, checks: tuple[Check, ...]) -> Report:
    """What the container does with its order; the command line prints it as JSON."""
    from stack.checks.grafana import reload_here
    from stack.checks.messages import load_order

    order = load_order(order_text)
    if order.reload_provisioning:
        told = reload_here(CheckContext(order.expected))
        if not told.ok:
            return told
    prober = LocalProber(hurried(checks, dict(order.at_most)))
    return prober.run(order.expected, stages=order.stages, names=order.names, known=order.known)
