"""One product's turn in an upgrade: its new container is made, the old one stops, its data is kept, the new one proven.

Whatever goes wrong before that, the old container runs again with its data as it stopped.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from msgspec import Struct
from msgspec.structs import replace

from stack.cli.bring_up import remember
from stack.cli.findings import Findings
from stack.cli.milestones import Milestones
from stack.cli.session import Session
from stack.cli.upgrade_changes import Change
from stack.common.errors import Interrupted, StackError, StartFailed, UpgradeUndone
from stack.common.moments import stamp
from stack.common.wait import Clock, NotYet, TimedOut, until
from stack.components import BY_NAME
from stack.components.manifest import Data
from stack.deploy.converge import decide
from stack.deploy.describe import Description
from stack.deploy.ends import died
from stack.deploy.execute import apply
from stack.deploy.upgrading import Exchange, alone, finish, go_back
from stack.deploy.verdict import failure
from stack.model.events import Event, StepBegun, StepDone
from stack.model.names import kind_of
from stack.model.observed import ObservedContainer
from stack.model.plan import Plan, Verb
from stack.model.spec import ServiceSpec, container_name
from stack.model.state import Upgrading

AGAIN_SECONDS = 60.0
"""Seconds that a container of before has to answer again."""
LOAD_SECONDS = 6 * 3600.0
"""Seconds that a database may take to load what another one wrote down."""
DOES_NOT_ANSWER = "its health command is not content yet"


class Done(Struct, frozen=True):
    """A product that runs its new image; ``gap``: seconds in which it did not run."""

    change: Change
    gap: float

    @property
    def words(self) -> str:
        """In one line."""
        one = self.change
        return f"{one.component}: {one.was} > {one.becomes}, {self.gap:.1f} s without it"

    def document(self) -> dict[str, object]:
        """As plain values."""
        return {**self.change.document(), "gap_seconds": round(self.gap, 3)}


def exchange(session: Session, description: Description, change: Change, helper: str, variable: str) -> Done:
    """The product runs its new image, proven; ``UpgradeUndone`` where it does not, and runs as before."""
    turn = Turn(session, description, change, helper)
    turn.begin(variable)
    try:
        turn.replace()
        turn.prove()
    except BaseException as error:
        told = turn.undone(error)
        if told is error:
            raise
        raise told from error
    finish(session.engine, session.state, session.plain)
    return Done(change, time.time() - (turn.stopped or time.time()))


@dataclass
class Turn:
    """The exchange of one container; ``stopped``: when the old one was told to end, 0 before."""

    session: Session
    description: Description
    change: Change
    helper: str
    stopped: float = 0.0
    milestones: Milestones = field(init=False)
    plan: Plan = field(init=False)
    old: ObservedContainer = field(init=False)
    users: tuple[ObservedContainer, ...] = ()

    def begin(self, variable: str) -> None:
        """Decides what is to be done, and says in the state that it is."""
        session, component = self.session, self.change.component
        observed, plan = decide(self.description.spec, session.engine)
        old = observed.container(component)
        if old is None:
            raise StartFailed(f"{component} has gone meanwhile", hint="monitoring-stack start")
        self.old, self.plan = old, alone(plan, component)
        self.milestones = Milestones(session, self.description, observed, self.plan)
        if self.change.by_dump:
            served = (observed.container(name) for name in BY_NAME[kind_of(component)].serves)
            self.users = tuple(one for one in served if one is not None and one.running)
        remember(session, self.description, self.plan)
        session.still_ours()
        session.state.change(
            upgrading=Upgrading(
                component=component,
                old=old.id,
                stays=self.change.before.ref,
                stays_id=self.change.before.id,
                image=self.change.after.ref,
                image_id=self.change.after.id,
                helper=self.helper,
                volume=self.change.volume,
                files=old.applied.version,
                variable=variable,
                paused=tuple(one.id for one in self.users),
            )
        )

    def replace(self) -> None:
        """The new container is in the old one's place, which has stepped aside, and answers."""
        if self.change.by_dump:
            self._write_down()
        actions = Exchange(
            self.session.engine,
            self.description.spec,
            verify=self._settle,
            reload_api=self.milestones.reload,
            versions=self.session.state,
            guard=self.session.still_ours,
            old=self.old.id,
            keep=self._keep,
        )
        outcome = apply(self.plan, actions, self._heard)
        if outcome.failures:
            first = outcome.failures[0]
            raise first.error or StartFailed(f"{first.step} {first.target}")

    def prove(self) -> None:
        """What it proves by itself holds, as does what those prove that need its data."""
        for one in self.users:
            self.session.engine.start(one.id)
        kinds = [kind_of(one) for one in (self.change.component, *(user.component for user in self.users))]
        checks = [check for kind in kinds for check in BY_NAME[kind].checks().all]
        names = [check.name for check in checks if check.stage != "proven"]
        if names:
            asked = self.milestones.verification
            heard = Findings(self.session.printer, good=self.session.printer.verbose)
            report = asked.prober.run(asked.expected, heard, tell=self.session.printer.event, names=names)
            if report.failed:
                raise failure(report)

    def undone(self, error: BaseException) -> BaseException:
        """Goes back, and says what came of that."""
        session, change = self.session, self.change
        why = error.message if isinstance(error, StackError) else f"{type(error).__name__}: {error}"
        try:
            session.still_ours()
            go_back(session.engine, session.state)
            answers = self._answers_again()
        except StackError as other:
            return StartFailed(
                f"{change.component}: {change.after.ref} was not taken ({why}), nor could it go back: {other.message}",
                hint="monitoring-stack start goes on with going back",
            )
        until_now = time.time()
        lost = "nothing is lost"
        if self.stopped:
            span = f"{stamp(self.stopped)} to {stamp(until_now)}, {until_now - self.stopped:.0f} s"
            lost = f"only what came from {span}, is lost"
        if isinstance(error, Interrupted) or not isinstance(error, Exception):
            session.printer.warning(f"{change.component} runs {change.before.ref} again; {lost}")
            return error
        told = UpgradeUndone(
            f"{change.component}: {change.after.ref} was not taken: {why}",
            hint=f"{change.before.ref} {answers} with its data; {lost}",
            logs=getattr(error, "logs", ()),
        )
        told.details = {"undone": {**change.document(), "why": why, "gap_seconds": self._gap(until_now)}}
        return told

    def _gap(self, end: float) -> float:
        return round(end - self.stopped, 3) if self.stopped else 0.0

    def _heard(self, event: Event) -> None:
        self.session.printer.event(event)
        if isinstance(event, StepBegun) and event.step == Verb.STOP and not self.stopped:
            self.stopped = time.time()
        if isinstance(event, StepDone):
            self.milestones.note(event)

    def _keep(self) -> None:
        """The old one has ended: what it leaves is kept before anybody opens it."""
        session, change = self.session, self.change
        under = session.state.now.upgrading
        if not change.volume or under is None or under.kept:
            return
        kind = "dump" if change.by_dump else self._data.kind
        session.engine.keep(session.name, self.helper, change.volume, kind)
        session.state.change(upgrading=replace(under, kept=True))
        if change.by_dump:
            session.engine.from_dump(session.name, self.helper, change.volume)

    @property
    def _data(self) -> Data:
        component = BY_NAME.get(kind_of(self.change.component))
        return (component.data if component else None) or Data()

    def _write_down(self) -> None:
        """Who uses the database stops; then its server writes down all that it has."""
        session, name = self.session, container_name(self.session.name, self.change.component)
        self.stopped = time.time()
        for one in self.users:
            session.engine.stop(one.id)
        self._wait_for(self._service, AGAIN_SECONDS)
        ran = session.engine.execute(name, self._data.dump)
        if ran.code:
            raise StartFailed(f"{name} cannot be written down: {ran.output.strip()[-300:]}")

    @property
    def _service(self) -> ServiceSpec:
        return self.description.spec.service(self.change.component)

    def _settle(self, service: ServiceSpec) -> None:
        """The verdict on the new one; one that loads what another wrote down has its time."""
        if self.change.by_dump:
            self._wait_for(service, LOAD_SECONDS)
        self.milestones.settle(service)

    def _wait_for(self, service: ServiceSpec, seconds: float) -> None:
        """Until its health command is content; ``NotReady`` where its process has ended."""
        name, engine = container_name(self.session.name, service.component), self.session.engine

        def ask() -> None:
            if (end := died(engine, self.description.spec, service)) is not None:
                raise end
            try:
                ran = engine.execute(name, service.health.test[1:], seconds=service.health.timeout)
            except StartFailed as error:  # a busy machine may be slow
                raise NotYet(error.message) from error
            if ran.code:
                raise NotYet(DOES_NOT_ANSWER)

        try:
            until(ask, seconds=seconds, clock=Clock())  # not that which Ctrl-C has called off
        except TimedOut as error:
            raise StartFailed(f"{name}: {error}", hint="monitoring-stack logs") from error

    def _answers_again(self) -> str:
        """How the container of before does."""
        try:
            self._wait_for(self._service, AGAIN_SECONDS)
        except StackError as error:
            return f"runs again but does not answer ({error.message})"
        return "runs again"
