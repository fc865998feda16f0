"""Verification: whether each component answers and runs the files it was given, and whether a whole stage holds.

Asks in short turns, so that a process that has died is noticed at once and not at a deadline. Made once the engine is
at work: its imports and files take about as long as a container's start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock
from types import MappingProxyType

from msgspec.structs import replace

from stack.checks.check import Later
from stack.checks.model import STAGES, Expected, Finding, Report, Stage
from stack.checks.near import near
from stack.checks.prober import LocalProber, NetworkProber, Prober
from stack.checks.runner import hurried
from stack.common.errors import NotReady, StartFailed
from stack.common.moments import wall_clock
from stack.common.wait import CLOCK, Clock, NotYet, TimedOut, until
from stack.components import BY_NAME, after_change, checks_of
from stack.components.hooks import Hooks, Scene
from stack.deploy.describe import Description
from stack.deploy.ends import ANY_LIFE, Life, died, disk_fault, health_of, life_of, unresponsive
from stack.deploy.forwarding import Silence, cut_off, refuse_unforwarded, unwell_inside
from stack.engine.interface import Engine, Ran
from stack.model.events import Event, Progress, StepBegun, StepDone
from stack.model.plan import Verb
from stack.model.spec import LOG_LINES, ServiceSpec, StackSpec, container_name

SECONDS = 90.0
SETTLE = 15.0
"""Seconds that a component which answers has for the files it was given."""
TURN = 1.0
IN_TURNS: Mapping[str, float] = MappingProxyType(dict.fromkeys(STAGES, TURN))
OLD = 60.0
"""Seconds after which all that follows from a start has had its time: scrapes, rules, the first data."""
IN_A_HURRY: Mapping[str, float] = MappingProxyType({"ready": 1.0, "checked": 1.0, "proven": 1.0})
"""A stack that has been up for long gives the awaited answer at once or is at fault."""
ONCE_READY: Mapping[str, float] = MappingProxyType({"ready": 1.0, "checked": 3.0, "proven": 3.0})
"""What was proven since it started is not on its way any more, though a busy machine may be slow."""


@dataclass
class _Wait:
    """``until`` when a component that answers is waited for; 0 before it was told to read its files again."""

    until: float = 0.0
    silence: Silence = field(default_factory=Silence)


@dataclass
class Verification:
    """What one command asks of one stack. ``turns`` asks in short turns, ``prober`` each stage to its deadline.

    ``patient`` makes the prober of a stack that has just started.
    """

    engine: Engine
    spec: StackSpec
    expected: Expected
    image: str
    turns: Prober
    prober: Prober
    emit: Callable[[Event], None]
    clock: Clock = CLOCK
    report: Report = field(default_factory=lambda: Report(()))
    repaired: list[str] = field(default_factory=list)
    lives: dict[str, Life] = field(default_factory=dict)
    patient: Callable[[], Prober] | None = None
    from_inside: Callable[[], Verification] | None = None
    """The same for an engine whose ports turn out to be out of reach."""
    _one: Lock = field(default_factory=Lock)

    def component(self, service: ServiceSpec) -> None:
        """Returns once the component answers as it should; ``NotReady`` with its last log lines otherwise."""
        self._until_as_asked(service, after_change(service.component))

    def settle(self, service: ServiceSpec) -> None:
        """The verdict after a step, and what the component wants done then."""
        self.component(service)
        if (settle := _hooks(service).settle) is not None:
            settle(self._scene(service))

    def reload(self, service: ServiceSpec) -> None:
        """The component reads its files again when asked over its own API."""
        hooks = _hooks(service)
        self._until_as_asked(service, hooks.needs_for_reload)
        if hooks.reload is not None:
            hooks.reload(self._scene(service))

    def again(self) -> Report:
        """One round of all that can have changed by itself since the last proof, asked side by side."""
        names = asked_again(self.spec.components)
        return self.turns.run(self.expected, tell=self.emit, names=names)

    def holds(self, service: ServiceSpec, found: Report) -> bool:
        """Whether the component was asked in that round, answers, and runs the files it was given."""
        against = {f.check for f in found.failed}.intersection(after_change(service.component))
        return self.expected.has(service.component) and not against

    def stage(self, stage: Stage, heard: Callable[[Finding], None]) -> Report:
        """Runs the checks of a stage; ``report`` keeps the findings of all."""
        found = self.prober.run(self.expected, heard, tell=self.emit, stages=(stage,))
        self.report = Report((*self.report.findings, *found.findings), self.report.seconds + found.seconds)
        return found

    def _scene(self, service: ServiceSpec) -> Scene:
        return Scene(
            engine=self.engine,
            spec=self.spec,
            service=service,
            expected=self.expected,
            image=self.image,
            emit=self.emit,
            repaired=self.repaired,
        )

    def _until_as_asked(self, service: ServiceSpec, names: tuple[str, ...]) -> None:
        name = container_name(self.spec.name, service.component)
        wait = _Wait()
        try:
            until(lambda: self._turn(service, names, wait), seconds=SECONDS, clock=self.clock)
        except TimedOut as error:
            logs = self.engine.logs(name, LOG_LINES, self.lives.get(name, ANY_LIFE).began)
            raise disk_fault(self.spec, service, logs) or NotReady(f"{name}: {error}", logs=logs) from error

    def _turn(self, service: ServiceSpec, names: tuple[str, ...], wait: _Wait) -> None:
        name = container_name(self.spec.name, service.component)
        hooks = _hooks(service)
        before = self.engine.logs(name, hooks.log_lines) if hooks.log_lines else ()
        failed = self._failed(service, names)
        if not failed:
            return
        if any(f.stage == "ready" for f in failed) and self._goes_inside():
            raise NotYet("asked inside the stack's network from now on")
        if name not in self.lives:
            self.lives[name] = life_of(self.engine.inspect(name))
        if (end := died(self.engine, self.spec, service, self.lives[name])) is not None:
            raise end
        final = [f for f in failed if f.final]
        first = (final or failed)[0]
        repaired = any(hooks.repair(self._scene(service), f, before) for f in final)
        if not repaired and self._hopeless(service, failed, wait):
            raise NotReady(f"{name}: {first.evidence}", hint=first.hint)
        if any(f.stage == "ready" for f in failed):
            self._revive(service, first.evidence, wait)
        self.emit(Progress(service.component, first.evidence))
        raise NotYet(first.evidence)

    def _goes_inside(self) -> bool:
        """Whether it turns out just now that the ports are out of reach; from then on checks run inside the network."""
        if self.from_inside is None or self.image or not self.engine.turns_out_remote():
            return False
        with self._one:
            if not self.image:
                other = self.from_inside()
                self.expected, self.turns, self.prober = other.expected, other.turns, other.prober
                self.patient, self.image = other.patient, other.image
        return True

    def _hopeless(self, service: ServiceSpec, failed: Sequence[Finding], wait: _Wait) -> bool:
        """Whether waiting does not help: an answer that is final, or files that are not in use in time."""
        if any(f.stage == "ready" for f in failed) or not service.files_digest():
            return any(f.final for f in failed)
        if not wait.until:  # it answers: it is told once to read its files again
            wait.until = self.clock.now() + SETTLE
            from stack.deploy.actions import Actions

            Actions(self.engine, self.spec, reload_api=self.reload).reload(service)
            return False
        return any(f.final for f in failed) or self.clock.now() > wait.until

    def _revive(self, service: ServiceSpec, evidence: str, wait: _Wait) -> None:
        """Restarts, once, a process that has answered before and does not any more, or is not reached any more."""
        name, done = container_name(self.spec.name, service.component), f"{service.component} restarted"
        state, again = self.engine.inspect(name), done in self.repaired
        health = health_of(state)
        silent = wait.silence.lasts(self.engine, self.spec, service, evidence, health, again=again)
        if again:
            return
        refuse_unforwarded(self.spec, service, evidence, health)
        if not (silent or unresponsive(state) or cut_off(self.spec, service, evidence, health)):
            return
        self.repaired.append(done)
        self.emit(StepBegun(Verb.RESTART, name))
        self.emit(Progress(service.component, "answers no more, so it is restarted"))
        with suppress(StartFailed):  # one that was stopped by a signal hears no other
            self.engine.signal(name, "CONT")
        self.engine.restart(name)
        self.emit(StepDone(Verb.RESTART, name, "done"))
        self.expected = replace(self.expected, age=0.0)
        self.prober = self.patient() if self.patient else self.prober

    def _failed(self, service: ServiceSpec, names: tuple[str, ...]) -> tuple[Finding, ...]:
        if not self.expected.has(service.component):
            return self._own_health(service)
        report = self.turns.run(self.expected, names=names)
        if not report.findings:
            return (_not_ready(service, "no check asks it"),)
        return report.failed

    def _own_health(self, service: ServiceSpec) -> tuple[Finding, ...]:
        if died(self.engine, self.spec, service) is not None:
            return (_not_ready(service, "its process has ended"),)
        said = unwell_inside(self.engine, self.spec, service)
        return (_not_ready(service, said),) if said else ()


def asked_again(components: tuple[str, ...]) -> tuple[str, ...]:
    """Names of the checks whose answers can change by themselves, so that a start of an unchanged stack asks them."""
    recurring = (check.name for check in checks_of(components) if check.recurring)
    return tuple(dict.fromkeys((*(name for c in components for name in after_change(c)), *recurring)))


def read_ahead(components: tuple[str, ...]) -> None:
    """Imports the questions of ``asked_again``."""
    names = asked_again(components)
    for check in checks_of(components):
        if check.name in names and isinstance(check.run, Later):
            check.run.question()


def _hooks(service: ServiceSpec) -> Hooks:
    component = BY_NAME.get(service.kind)
    return component.hooks() if component else Hooks()


def _not_ready(service: ServiceSpec, evidence: str) -> Finding:
    return Finding(f"{service.component}.ready", service.component, "ready", "failed", evidence)


def verification(
    engine: Engine,
    description: Description,
    emit: Callable[[Event], None],
    age: float = 0.0,
    check_image: Callable[[], str] | None = None,
) -> Verification:
    """The verification of a described stack. ``age``: seconds since its youngest container started.

    ``check_image`` gets the image that checks run in should the ports turn out to be out of reach.
    """

    def from_inside() -> Verification:
        image = check_image() if check_image else ""
        return verification(engine, replace(description, check_image=image), emit, age)

    expected = description.expectations(remote=engine.info().remote, now=wall_clock(), age=age)
    return Verification(
        engine=engine,
        spec=description.spec,
        expected=expected,
        image=description.check_image,
        turns=prober_for(engine, description, IN_TURNS),
        prober=prober_for(engine, description, patience(expected)),
        emit=emit,
        patient=lambda: prober_for(engine, description),
        from_inside=from_inside if check_image else None,
    )


def prober_for(
    engine: Engine,
    description: Description,
    at_most: Mapping[str, float] = MappingProxyType({}),
    *,
    ours: bool = True,
) -> Prober:
    """Checks run here for an engine on this machine, in ``image`` inside the stack's network for a remote one.

    ``at_most``: seconds that the checks of a stage may take, where that is less than they have. ``ours``: the
    containers are; nothing is run in those of docker compose.
    """
    name = description.spec.name

    def run_in(component: str, argv: tuple[str, ...]) -> Ran:
        return engine.execute(container_name(name, component), argv)

    def read_log(component: str, lines: int) -> Iterable[str]:
        return engine.logs(container_name(name, component), lines)

    checks = hurried(checks_of(description.spec.components), at_most)
    by_name = near(engine, name, fronted=bool(description.settings.front))
    here = LocalProber(checks, run_in, read_log, near=by_name) if ours else LocalProber(checks)
    if not engine.info().remote:
        return here
    return NetworkProber(engine, description.spec, description.check_image, here, tuple(at_most.items()))


def patience(expected: Expected, *, proven: bool = False) -> Mapping[str, float]:
    """Seconds that the checks of a stack may take, by stage; ``proven``: since all of it was started."""
    return IN_A_HURRY if expected.age > OLD else ONCE_READY if proven else MappingProxyType({})
