"""What commands on the whole stack do on further hosts: the same as here, side by side, and no host holds up another.

Of one that gives no answer it is told why, and what to do; the stack remembers where it has put something.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from stack.cli.session import Session
from stack.components import hosts as described
from stack.components.host_values import lies_open
from stack.components.node_exporter import NODE_EXPORTER
from stack.config.settings import environment
from stack.deploy.hosts import (
    LOOK_SECONDS,
    Done,
    Outcome,
    Place,
    Round,
    Ways,
    clear,
    converge,
    gone,
    place_of,
    planned,
    tear,
    with_known,
)
from stack.model.spec import NAMESPACE, StackSpec, destroyed, stopped

if TYPE_CHECKING:
    from stack.components.build import Build
    from stack.deploy.describe import Description
    from stack.deploy.hardening_values import Seen
    from stack.engine.interface import Engine, EngineInfo, Lease

STAYS = "what was put there stays; on that host: docker rm -f $(docker ps -aq --filter label={label}={stack})"

OPEN = (
    "host {name}: whoever reaches {engine} is root on that machine, and what is sent can be read: ssh://USER@HOST, or "
    "--tlsverify there and --cert-path DIR here, closes it"
)
TLS = "DOCKER_TLS_VERIFY"


def ways(session: Session) -> Ways:
    """The engines of hosts, reached as the stack's own may be."""
    from stack.engine.docker import connect
    from stack.engine.holder import this_process

    def lock(engine: Engine, stack: str) -> Lease:
        return engine.lock(stack, this_process(f"monitoring-stack {session.options.command}"))

    def reached(place: Place, stack: str) -> Engine:
        return connect(
            place.engine, stack=stack, reach="ports", certificates=place.cert_path, remedy=place.way
        )

    return Ways(reached, lock, session.engine, session.printer.event)


def build_of(session: Session, description: Description, *, provide: bool) -> Build:
    """What hosts are described by: with the exporter's image, even where none runs here."""
    build = description.build
    if NODE_EXPORTER.name in build.images:
        return build
    alone = session.images_for(session.settings.limited_to(frozenset((NODE_EXPORTER.name,))))
    found = alone.provide() if provide else alone.present()
    return replace(build, images={**build.images, **found.images})


def places(session: Session) -> tuple[Place, ...]:
    """All hosts that the files name, and all on which something was put."""
    return tuple(Place(*entry) for entry in with_known(session.state.now.hosts, session.native.tree))


class Along:
    """Hosts brought to what is described while the stack itself is; ``settle`` tells how it went."""

    def __init__(self, session: Session, description: Description) -> None:
        self._session, self._ways = session, ways(session)
        self._hosts = {host.name: host for host in described.hosts(session.native.tree)}
        own = session.options.command == "host"
        self._added = getattr(session.options, "host" if own else "on", "")
        """The host that the command itself is about, of which it tells."""
        later = own and session.options.action == "remove"  # once the change holds
        self._clearing = Clearing(session, () if later else None)
        build = build_of(session, description, provide=True)

        def work(place: Place, far: Engine) -> Done:
            self._clearing.wait_for(place)
            return converge(build, self._hosts[place.name], far, self._ways)

        wanted = map(place_of, self._hosts.values())
        self._round = Round(wanted, work, self._ways, session.name)

    def wait(self) -> None:
        """Until no host is being worked on, or is given up."""
        self._round.outcomes()
        self._clearing.settle()

    def settle(self) -> list[dict[str, Any]]:
        """Waits for all of them, says how each ended, and returns the same as plain values."""
        found, printer = self._round.outcomes(), self._session.printer
        quiet = [one.place.name for one in found if one.value is not None and not one.value.plan]
        for one in found:
            if one.error is None and one.value is not None and one.value.plan:
                host = self._hosts[one.place.name]
                printer.line(
                    "host", f"{host.name}: {len(one.value.plan.steps)} steps, node_exporter at {host.at}"
                )
        if quiet:
            printer.line("hosts", f"{', '.join(quiet)} as described")
        tell_failed(self._session, (one for one in found if one.place.name != self._added))
        return [*self._clearing.settle(), *documents(found)]


class Clearing:
    """Hosts that no file names any more lose what was put there; one without an answer stays remembered.

    Begun at once, for ``due`` in place of all of them where it is given; ``settle`` tells how it went.
    """

    def __init__(self, session: Session, due: tuple[Place, ...] | None = None) -> None:
        self._session, way = session, ways(session)
        self._due = gone(session.state.now.hosts, session.native.tree) if due is None else due

        def work(place: Place, far: Engine) -> Done:
            return clear(session.name, place, far, way)

        self._round = Round(self._due, work, way, session.name)

    def wait_for(self, place: Place) -> None:
        """Until a host of that name is cleared or given up: its new engine may be another way to the old one."""
        if any(place.name == one.name for one in self._due):
            self._round.outcomes()

    def settle(self) -> list[dict[str, Any]]:
        """Waits for all of them, says how each ended, and returns the same as plain values."""
        found = self._round.outcomes()
        cleared = {(one.place.name, one.place.engine) for one in found if not one.error}
        if cleared:
            now = self._session.state.now.hosts
            self._session.state.change(hosts=tuple(one for one in now if one[:2] not in cleared))
        for one in found:
            if one.error is None:
                self._session.printer.line("host", f"{one.place.name}: removed from {one.place.engine}")
        tell_failed(self._session, found, stays=True)
        return documents(found)


def tear_down(session: Session, spec: StackSpec) -> Round[Done]:
    """Begins, wherever something was put, what happens to the stack itself, which ``spec`` says."""
    due = tuple(Place(*entry) for entry in session.state.now.hosts)
    way = ways(session)

    def work(place: Place, far: Engine) -> Done:
        name = described.stack_of(session.name, place.name)
        there = stopped(name) if spec.surplus == "stop" else destroyed(name, data=True)
        return tear(there, far, way)

    return Round(due, work, way, session.name)


def torn(session: Session, begun: Round[Done], word: str) -> tuple[list[dict[str, Any]], bool]:
    """How ``tear_down`` ended on each host, and whether on all of them."""
    found = begun.outcomes()
    for one in found:
        if one.error is None and one.value is not None and one.value.plan:
            session.printer.line("host", f"{one.place.name}: {word}")
    tell_failed(session, found, stays=word == "removed")
    if word == "removed":
        left = {(one.place.name, one.place.engine) for one in found if one.error}
        session.state.change(hosts=tuple(one for one in session.state.now.hosts if one[:2] in left))
    return documents(found), not any(one.error for one in found)


def plans(session: Session, description: Description) -> list[dict[str, Any]]:
    """Prints what would be done on each host, and returns it as plain values."""
    wanted = {host.name: host for host in described.hosts(session.native.tree)}
    build, way = build_of(session, description, provide=False), ways(session)
    due = map(place_of, wanted.values())

    def work(place: Place, far: Engine) -> Done:
        return planned(build, wanted[place.name], far)

    asked = Round(due, work, way, session.name, answer=LOOK_SECONDS)
    stale = gone(session.state.now.hosts, session.native.tree)
    going = Round(stale, partial(_going, session), way, session.name, answer=LOOK_SECONDS)
    found = (*asked.outcomes(), *going.outcomes())
    for one in found:
        if one.value is not None and one.error is None:
            session.printer.text(f"host {one.place.name} ({one.place.engine}):")
            session.printer.text(one.value.plan.text() or "nothing to do")
    tell_failed(session, found)
    return documents(found)


def _going(session: Session, place: Place, far: Engine) -> Done:
    from stack.deploy.converge import decide

    observed, plan = decide(destroyed(described.stack_of(session.name, place.name), data=True), far)
    return Done(plan, observed)


def inspected(
    session: Session, seen: Callable[[Engine, str], Seen]
) -> Iterator[tuple[str, EngineInfo, Seen]]:
    """What runs on hosts, as their engines describe it: name, who answers, and what ``seen`` makes of it."""

    def work(place: Place, far: Engine) -> list[Any]:
        there = far.observe(described.stack_of(session.name, place.name)).containers
        return [(c.name, far.info(), seen(far, c.id)) for c in there if c.running]

    found = Round(places(session), work, ways(session), session.name, answer=LOOK_SECONDS).outcomes()
    tell_failed(session, found)
    tell_open(session, (one.place for one in found))
    for one in found:
        yield from one.value if one.value is not None and one.error is None else ()


def tell_open(session: Session, found: Iterable[Place]) -> None:
    """A warning for each engine that obeys whoever reaches its port."""
    if environment(TLS).get(TLS):
        return
    for one in found:
        if lies_open(one.engine, one.cert_path):
            session.printer.warning(OPEN.format(name=one.name, engine=one.engine))


def tell_failed(session: Session, found: Iterable[Outcome[Any]], *, stays: bool = False) -> None:
    """A warning for each host that could not be dealt with: the cause and the remedy."""
    for one in found:
        if one.error is None:
            continue
        for line in one.error.logs:
            session.printer.warning(f"    | {line}")
        label, stack = f"{NAMESPACE}.stack", described.stack_of(session.name, one.place.name)
        more = STAYS.format(label=label, stack=stack) if stays else ""
        said = ": ".join(filter(None, (f"host {one.place.name}", one.error.message, one.error.hint, more)))
        session.printer.warning(said)


def documents(found: Iterable[Outcome[Done]]) -> list[dict[str, Any]]:
    """The same for JSON."""
    told = []
    for one in found:
        steps = one.value.plan.document()["plan"] if one.value is not None and one.error is None else []
        entry = {"name": one.place.name, "engine": one.place.engine, "ok": one.error is None, "plan": steps}
        if one.error is not None:
            entry |= {"error": one.error.message, "hint": one.error.hint}
        told.append(entry)
    return told
