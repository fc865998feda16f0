"""Where the checks run from: this process, or a short-lived container inside the stack's own network.

One set of checks either way; only the addresses differ. Passwords reach the container as a file that its user
alone can read, never as an argument or a variable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from stack.engine.port import Engine, Job
from stack.errors import SmokeFailed
from stack.smoke.checks import CHECKS
from stack.smoke.model import STAGES, Check, Expected, Report, Stage
from stack.smoke.runner import OnFinding, run, select
from stack.smoke.wire import Order, dump_order, load_order, load_report
from stack.spec import ConfigFile, StackSpec

ORDER_FOLDER = "/probe"
ORDER_FILE = "order.json"
PROBE_UID = 65534
PROBE_SECONDS = 240.0
LAST_LINES = 10


class Prober(Protocol):
    """Asks the stack and reports."""

    def run(
        self,
        expected: Expected,
        on_finding: OnFinding = ...,
        *,
        stages: Sequence[Stage] = STAGES,
        names: Sequence[str] = (),
        deep: bool = True,
    ) -> Report:
        """The checks of ``stages``, or only those named."""


def _unheard(finding: object) -> None:
    del finding


@dataclass(frozen=True, slots=True)
class LocalProber:
    """Asks from this process, by the published ports."""

    checks: tuple[Check, ...] = CHECKS

    def run(
        self,
        expected: Expected,
        on_finding: OnFinding = _unheard,
        *,
        stages: Sequence[Stage] = STAGES,
        names: Sequence[str] = (),
        deep: bool = True,
    ) -> Report:
        """See ``Prober``; findings are heard of as they come."""
        return run(select(self.checks, stages, names, deep=deep), expected, on_finding)


@dataclass(frozen=True, slots=True)
class NetworkProber:
    """Asks from a container of the application's ``image`` in the stack's network: any engine, any component."""

    engine: Engine
    spec: StackSpec
    image: str
    seconds: float = PROBE_SECONDS

    def run(
        self,
        expected: Expected,
        on_finding: OnFinding = _unheard,
        *,
        stages: Sequence[Stage] = STAGES,
        names: Sequence[str] = (),
        deep: bool = True,
    ) -> Report:
        """See ``Prober``; findings are heard of when all are in. ``SmokeFailed`` where no report comes back."""
        inside = replace(expected, addresses=internal_addresses(self.spec))
        order = Order(inside, tuple(stages), tuple(names), deep)
        ran = self.engine.run(self.spec.name, self._job(order))
        try:
            report = load_report(ran.output)
        except ValueError as error:
            raise SmokeFailed(
                f"the checks inside the network of {self.spec.name} gave no report (exit code {ran.code}): {error}",
                hint=f"is {self.image} an image of this version? images build makes it anew",
                logs=tuple(ran.output.splitlines()[-LAST_LINES:]),
            ) from error
        for finding in report.findings:
            on_finding(finding)
        return report

    def _job(self, order: Order) -> Job:
        content = dump_order(order).encode()
        return Job(
            image=self.image,
            argv=(
                *("python3", "-m", "stack", "smoke"),
                *("--in-network", f"{ORDER_FOLDER}/{ORDER_FILE}", "--json"),
            ),
            files=(ConfigFile(ORDER_FILE, content, mode=0o400, uid=PROBE_UID, secret=True),),
            folder=ORDER_FOLDER,
            network=self.spec.name,
            user=f"{PROBE_UID}:{PROBE_UID}",
            seconds=self.seconds,
        )


def internal_addresses(spec: StackSpec) -> tuple[tuple[str, str], ...]:
    """Every component's address inside the stack's own network, published or not."""
    return tuple((s.component, f"http://{s.host}:{s.port}") for s in spec.services)


def answer(order_text: str) -> Report:
    """What the container does with its order; the command line prints it as JSON (``wire.dump_report``)."""
    order = load_order(order_text)
    return LocalProber().run(order.expected, stages=order.stages, names=order.names, deep=order.deep)
