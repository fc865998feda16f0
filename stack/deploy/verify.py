"""The verdict on one component after a step: it answers, and runs the files it was given.

Asks in short turns, so that a process that has died is noticed at once and not at a deadline.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from stack.checks.grafana import classify_login
from stack.checks.model import STAGES, Expected, Finding
from stack.checks.prober import LocalProber, NetworkProber, Prober
from stack.checks.runner import hurried
from stack.checks.table import CHECKS, names_for_verify
from stack.common.errors import NotReady, StartFailed
from stack.common.wait import CLOCK, Clock, NotYet, TimedOut, until
from stack.config.state import GRAFANA_PASSWORD
from stack.deploy.converge import LOG_LINES, died
from stack.engine.interface import Engine
from stack.model.events import Event, Progress
from stack.model.spec import CONFIG_ROOT, ServiceSpec, StackSpec, container_name

SECONDS = 90.0
TURN = 1.0
IN_TURNS: Mapping[str, float] = MappingProxyType(dict.fromkeys(STAGES, TURN))
RUNNING_ALREADY: Mapping[str, float] = MappingProxyType({"ready": 5.0})
"""A stack that should be up answers soon or is at fault."""
READY, LOGIN = "grafana.ready", "grafana.login"
LOGIN_LINES = 200
RESETS = 3
STILL_REFUSED = "is its first user still called admin, enabled and an administrator?"
RESET = (
    f"grafana cli admin reset-admin-password --password-from-stdin < {CONFIG_ROOT}/secrets/{GRAFANA_PASSWORD}"
)


@dataclass(frozen=True, slots=True)
class Verifier:
    """Asks through ``prober``; unpublished components on a local engine through their own health command."""

    engine: Engine
    spec: StackSpec
    expected: Expected
    prober: Prober
    emit: Callable[[Event], None]
    clock: Clock = CLOCK
    repaired: list[str] = field(default_factory=list)

    def __call__(self, service: ServiceSpec) -> None:
        """Returns once the component answers as it should; ``NotReady`` with its last log lines otherwise."""
        self._until_as_asked(service, names_for_verify(service.component))

    def ensure_login(self, service: ServiceSpec) -> None:
        """Grafana answers and takes our password, after a repair if need be."""
        self._until_as_asked(service, (READY, LOGIN))

    def _until_as_asked(self, service: ServiceSpec, names: tuple[str, ...]) -> None:
        name = container_name(self.spec.name, service.component)
        try:
            until(lambda: self._turn(service, names), seconds=SECONDS, clock=self.clock)
        except TimedOut as error:
            raise NotReady(f"{name}: {error}", logs=self.engine.logs(name, LOG_LINES)) from error

    def _turn(self, service: ServiceSpec, names: tuple[str, ...]) -> None:
        name = container_name(self.spec.name, service.component)
        before = self.engine.logs(name, LOGIN_LINES) if LOGIN in names else ()
        failed = self._failed(service, names)
        if not failed:
            return
        if (end := died(self.engine, self.spec, service)) is not None:
            raise end
        final = [finding for finding in failed if finding.final]
        if any(finding.check == LOGIN for finding in final):
            self._repair_login(name, frozenset(before))
        elif final:
            raise NotReady(f"{name}: {final[0].evidence}", hint=final[0].hint)
        self.emit(Progress(service.component, failed[0].evidence))
        raise NotYet(failed[0].evidence)

    def _failed(self, service: ServiceSpec, names: tuple[str, ...]) -> tuple[Finding, ...]:
        if not self.expected.has(service.component):
            return self._own_health(service)
        report = self.prober.run(self.expected, names=names)
        if not report.findings:
            return (_not_ready(service, "no check asks it"),)
        return report.failed

    def _own_health(self, service: ServiceSpec) -> tuple[Finding, ...]:
        if died(self.engine, self.spec, service) is not None:
            return (_not_ready(service, "its process has ended"),)
        ran = self.engine.execute(container_name(self.spec.name, service.component), service.health.test[1:])
        if ran.code == 0:
            return ()
        return (_not_ready(service, ran.output.strip() or f"its health command ended with {ran.code}"),)

    def _repair_login(self, name: str, before: frozenset[str]) -> None:
        """A changed or lost password is set again; a locked name is only locked, its password may be right.

        What Grafana has logged since ``before`` tells which, so that no further try counts for the lock.
        """
        said = [line for line in self.engine.logs(name, LOGIN_LINES) if line not in before]
        if classify_login(401, said) == "locked":
            message = "Grafana refuses every login of admin after too many wrong passwords"
            raise StartFailed(message, hint="wait five minutes, then start again")
        if name in self.repaired:
            message = "Grafana refuses the password that was just set"
            raise StartFailed(message, hint=STILL_REFUSED, logs=self.engine.logs(name, LOG_LINES))
        self.repaired.append(name)
        self.emit(Progress("grafana", "the stored password does not fit: setting it again"))
        for _ in range(RESETS):  # the server may be writing to its database just then
            ran = self.engine.execute(name, ("sh", "-c", RESET))
            if ran.code == 0:
                return
        last = tuple(ran.output.splitlines()[-LOG_LINES:])
        raise StartFailed("Grafana's password could not be set again", logs=last)


def _not_ready(service: ServiceSpec, evidence: str) -> Finding:
    return Finding(f"{service.component}.ready", service.component, "ready", "failed", evidence)


def prober_for(
    engine: Engine, spec: StackSpec, image: str, at_most: Mapping[str, float] = MappingProxyType({})
) -> Prober:
    """Checks run here for an engine on this machine, in ``image`` inside the stack's network for a remote one.

    ``at_most``: seconds that the checks of a stage may take, where that is less than they have.
    """
    if engine.info().remote:
        return NetworkProber(engine, spec, image, tuple(at_most.items()))
    return LocalProber(hurried(CHECKS, at_most))


def wall_clock() -> float:
    """Seconds since 1970, for records that outlive the process."""
    return time.time()
