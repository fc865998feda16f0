"""Further hosts as they are: one look at each engine, side by side, and at their targets."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from stack.cli.hosts import build_of, places, ways
from stack.common.moments import moment
from stack.components import hosts as described
from stack.components.node_exporter import NODE_EXPORTER
from stack.deploy.hosts import LOOK_SECONDS, Place, Round, as_held

if TYPE_CHECKING:
    from stack.cli.session import Session
    from stack.components.hosts import FarHost
    from stack.deploy.describe import Description
    from stack.engine.interface import Engine
    from stack.model.observed import Observed, ObservedContainer
    from stack.model.spec import ServiceSpec


class HostLook(Struct, frozen=True):
    """One exporter on a host. ``state`` is that of its container, "absent" without one, "unreachable" where its engine
    is silent.

    ``service``: what the exporter is called. ``says``: why, and what to do. ``memory`` in bytes, ``uptime`` in seconds;
    ``matches`` its description.
    """

    name: str
    engine: str
    address: str
    state: str
    says: str = ""
    image: str = ""
    uptime: float = 0.0
    memory: int = 0
    matches: bool = False
    service: str = NODE_EXPORTER.name

    @property
    def job(self) -> str:
        """By which it is scraped."""
        other = "" if self.service == NODE_EXPORTER.name else self.service
        return described.job_of(self.name, other)

    @property
    def title(self) -> str:
        """The host, and of what it is said where that is not node_exporter."""
        return " ".join(("host", self.name, *((self.service,) if self.service != NODE_EXPORTER.name else ())))


def look(session: Session, description: Description, *, memory: bool = False) -> tuple[HostLook, ...]:
    """All exporters of all hosts, in the order of the hosts' names, node_exporter first.

    With ``memory`` also what each has in use, for which an engine takes half a second.
    """
    due = places(session)
    if not due:
        return ()
    build = build_of(session, description, provide=False)
    wanted = {(host.name, host.engine): host for host in described.hosts(session.native.tree)}

    def work(place: Place, far: Engine) -> tuple[HostLook, ...]:
        host = wanted.get((place.name, place.engine))
        there = far.observe(described.stack_of(session.name, place.name))
        if host is None:
            found = there.container(NODE_EXPORTER.name)
            says = "no file names it any more: monitoring-stack reload removes it"
            return (HostLook(place.name, place.engine, "-", found.state if found else "absent", says),)
        services = as_held(build, host, far).services
        seen = [_seen(host, far, there.container(one.component), one) for one in services]
        return tuple(_with_memory(far, there, one) for one in seen) if memory else tuple(seen)

    asked = Round(due, work, ways(session), session.name, answer=LOOK_SECONDS)
    looks: list[HostLook] = []
    for one in asked.outcomes():
        if one.value is not None and one.error is None:
            looks += one.value
            continue
        at = wanted.get((one.place.name, one.place.engine))
        looks.append(
            HostLook(one.place.name, one.place.engine, at.at if at else "-", "unreachable", str(one.error))
        )
    return tuple(looks)


def _with_memory(far: Engine, there: Observed, one: HostLook) -> HostLook:
    found = there.container(one.service)
    return replace(one, memory=far.usage(found.id).memory) if found and found.running else one


def _seen(host: FarHost, far: Engine, found: ObservedContainer | None, service: ServiceSpec) -> HostLook:
    at = host.at_port(service.published.host) if service.published else host.at
    if found is None:
        says = "monitoring-stack reload brings it there"
        return HostLook(host.name, host.engine, at, "absent", says, service=service.component)
    health = f" ({found.health})" if found.running and found.health else ""
    told = (found.digest, found.image_id, found.applied.digest)
    return HostLook(
        name=host.name,
        engine=host.engine,
        address=found.published or at,
        state=found.state + health,
        image=found.image,
        uptime=max(0.0, time.time() - moment(found.started_at)) if found.running else 0.0,
        matches=told == (service.digest(), service.image_id, service.files_digest()),
        service=service.component,
    )
