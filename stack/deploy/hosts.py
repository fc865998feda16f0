"""What this stack has on further hosts: described, reconciled and carried out as on its own engine, side by side.

A host that gives no answer in time holds up nobody: it is given up, and its outcome says why.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Generic, TypeVar

from msgspec import Struct

from stack.common.errors import EngineUnavailable, NotReady, PortTaken, StackError, StartFailed
from stack.common.wait import NotYet, TimedOut, until
from stack.components.build import Build, Image
from stack.components.host_services import far_files, far_spec, kinds_on, volume_of
from stack.components.hosts import FarHost, hosts, stack_of
from stack.components.node_exporter import NODE_EXPORTER
from stack.deploy.actions import Actions
from stack.deploy.converge import carry_out, decide
from stack.deploy.ends import died
from stack.engine.interface import Engine, ImageInfo, Lease
from stack.images.carry import bring
from stack.model.events import Event
from stack.model.observed import Observed
from stack.model.plan import Plan
from stack.model.spec import ServiceSpec, StackSpec, container_name, destroyed

T = TypeVar("T")
ANSWER_SECONDS = 10.0
"""For an engine's first answer, which over SSH takes a login."""
LOOK_SECONDS = 5.0
"""The same where somebody only looks."""
WORK_SECONDS = 120.0
"""For all the work on a host, an image that is carried there included."""
READY_SECONDS = 20.0
KNOWN = tuple[tuple[str, ...], ...]
"""Hosts as the stack remembers them: the values of a ``Place``, without the last where that is empty."""


class Place(Struct, frozen=True):
    """A host by its name, the URL of its engine, and the folder of the certificates for that."""

    name: str
    engine: str
    cert_path: str = ""

    @property
    def way(self) -> str:
        """What to do where the engine gives no answer, and nothing more is known."""
        if self.engine.startswith("ssh://"):
            return f"try: docker -H {self.engine} version"
        return "start the engine there, or mend the way to it"


def place_of(host: FarHost) -> Place:
    """Where a host is reached."""
    return Place(host.name, host.engine, host.cert_path)


@dataclass
class Outcome(Generic[T]):
    """What became of one host: a value, or why there is none."""

    place: Place
    value: T | None = None
    error: StackError | None = None
    answered: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    given_up: bool = False


class Ways(Struct, frozen=True):
    """How engines of hosts are reached, for the stack of a name there, and how their locks are taken.

    ``near`` is the stack's own engine; ``emit`` hears of steps.
    """

    connect: Callable[[Place, str], Engine]
    lock: Callable[[Engine, str], Lease]
    near: Engine
    emit: Callable[[Event], None]


class Round(Generic[T]):
    """Work on all hosts side by side, begun at once; ``outcomes`` waits for it, as long as patience allows."""

    def __init__(
        self,
        places: Iterable[Place],
        work: Callable[[Place, Engine], T],
        ways: Ways,
        stack: str,
        *,
        answer: float = ANSWER_SECONDS,
    ) -> None:
        self._answer, self._began = answer, monotonic()
        self._all = [Outcome[T](place) for place in places]
        for outcome in self._all:
            told = (outcome, work, ways, stack)
            # An engine that is silent for minutes must not keep the command from its end.
            threading.Thread(target=_one, args=told, daemon=True, name=outcome.place.name).start()

    def outcomes(self) -> tuple[Outcome[T], ...]:
        """All of them, in the order of the places."""
        for outcome in self._all:
            outcome.answered.wait(max(0.0, self._began + self._answer - monotonic()))
            if outcome.answered.is_set():
                outcome.ended.wait(max(0.0, self._began + WORK_SECONDS - monotonic()))
            if not outcome.ended.is_set():
                self._give_up(outcome)
        return tuple(self._all)

    def _give_up(self, outcome: Outcome[T]) -> None:
        outcome.given_up = True
        if outcome.answered.is_set():
            said = f"its engine was at work for more than {WORK_SECONDS:g} s"
            outcome.error = NotReady(said, hint="run the command again")
        else:
            said = f"no answer from its engine at {outcome.place.engine} within {self._answer:g} s"
            outcome.error = EngineUnavailable(said, hint=outcome.place.way)


def _one(outcome: Outcome[T], work: Callable[[Place, Engine], T], ways: Ways, stack: str) -> None:
    place = outcome.place
    try:
        engine = ways.connect(place, stack_of(stack, place.name))
        outcome.answered.set()
        if not outcome.given_up:
            outcome.value = work(place, engine)
    except StackError as error:
        outcome.error = outcome.error or error
    except Exception as error:  # one host's trouble is told as its own
        outcome.error = outcome.error or StackError(f"{type(error).__name__}: {error}", hint="-v shows where")
    finally:
        outcome.answered.set()
        outcome.ended.set()


def with_known(known: KNOWN, tree: Mapping[str, bytes]) -> KNOWN:
    """Those on which something was put before, and those that the user's files name, whose words are the newer."""
    told = {entry[:2]: entry for entry in known}
    for place in map(place_of, hosts(tree)):
        told[place.name, place.engine] = tuple(filter(None, (place.name, place.engine, place.cert_path)))
    return tuple(sorted(told.values()))


def gone(known: KNOWN, tree: Mapping[str, bytes]) -> tuple[Place, ...]:
    """Hosts on which something was put, and which no file names any more, or with another engine."""
    now = {(host.name, host.engine) for host in hosts(tree)}
    return tuple(Place(*entry) for entry in known if entry[:2] not in now)


class Done(Struct, frozen=True):
    """A host's plan, and what was there before."""

    plan: Plan
    observed: Observed


def converge(build: Build, host: FarHost, far: Engine, ways: Ways) -> Done:
    """The host has what is described; nothing is done, and no lock taken, where it has it already."""
    spec = far_spec(build, host, _images(build, host, lambda ref: bring(ways.near, far, ref)))
    observed, plan = decide(spec, far)
    if not plan:
        return Done(plan, observed)
    with ways.lock(far, spec.name) as lease:
        observed, plan = decide(spec, far)
        files = far_files(build.tree, host)
        volume = volume_of(spec.name, files)
        far.create_volume(volume, spec.name)
        far.write_volume(volume, spec.name, spec.service(NODE_EXPORTER.name).image, files, ())
        actions = Actions(far, spec, verify=lambda service: answers(far, spec, service), guard=lease.check)
        try:
            carry_out(observed, plan, actions, ways.emit)
        except StartFailed as error:
            _said_for(host, error)
            raise
    return Done(plan, observed)


def _said_for(host: FarHost, error: StartFailed) -> None:
    """The remedy of a container that did not start, in the words of hosts."""
    if isinstance(error, PortTaken):
        error.hint = (
            f"free it there, or choose another: --port of host add and exporter add, port in {host.origin}, on_port in "
            "the file of a server"
        )
    elif type(error) is StartFailed and not error.hint:
        error.hint = (
            f"is {host.address} an address of that machine? --address of host add, or {host.origin}, names it"
        )


def _images(build: Build, host: FarHost, find: Callable[[str], ImageInfo | None]) -> Mapping[str, Image]:
    """The images of what runs there, as ``find`` has them there."""
    refs = {name: build.images[name].ref for name in kinds_on(build, host)}
    found = {name: find(ref) for name, ref in refs.items()}
    return {name: Image(refs[name], image.id if image else "") for name, image in found.items()}


def as_held(build: Build, host: FarHost, far: Engine) -> StackSpec:
    """What runs there, of the images that are there now."""
    return far_spec(build, host, _images(build, host, far.image))


def planned(build: Build, host: FarHost, far: Engine) -> Done:
    """What would be done."""
    observed, plan = decide(as_held(build, host, far), far)
    return Done(plan, observed)


def tear(spec: StackSpec, far: Engine, ways: Ways) -> Done:
    """Towards a smaller description: stopped, or gone."""
    observed, plan = decide(spec, far)
    if plan:
        with ways.lock(far, spec.name) as lease:
            observed, plan = decide(spec, far)
            carry_out(observed, plan, Actions(far, StackSpec(spec.name), guard=lease.check), ways.emit)
    return Done(plan, observed)


def clear(stack: str, place: Place, far: Engine, ways: Ways) -> Done:
    """All that this stack has put on a host goes."""
    return tear(destroyed(stack_of(stack, place.name), data=True), far, ways)


def answers(engine: Engine, spec: StackSpec, service: ServiceSpec) -> None:
    """Returns once the exporter listens and insists on TLS; ``NotReady`` with its last words otherwise."""
    name = container_name(spec.name, service.component)

    def ask() -> None:
        if end := died(engine, spec, service):
            raise end
        ran = engine.execute(name, service.health.test[1:], seconds=service.health.timeout)
        if ran.code != 0:
            raise NotYet(ran.output.strip() or "it does not answer yet")

    try:
        until(ask, seconds=READY_SECONDS)
    except TimedOut as error:
        raise NotReady(f"{name}: {error}", logs=engine.logs(name, 8)) from error
