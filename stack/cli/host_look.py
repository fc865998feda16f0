"""Further hosts as they are: one look at each engine, side by side, and at their targets."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from msgspec import Struct

from stack.cli.hosts import build_of, places, ways
from stack.common.moments import moment
from stack.components import hosts as described
from stack.components.build import Image
from stack.components.node_exporter import NODE_EXPORTER
from stack.deploy.hosts import LOOK_SECONDS, Place, Round

if TYPE_CHECKING:
    from stack.cli.session import Session
    from stack.deploy.describe import Description
    from stack.engine.interface import Engine
    from stack.model.observed import ObservedContainer
    from stack.model.spec import ServiceSpec


class HostLook(Struct, frozen=True):
    """One host. ``state`` is that of its container, "absent" without one, "unreachable" where its engine is silent.

    ``says``: why, and what to do. ``memory`` in bytes, ``uptime`` in seconds; ``matches`` its description.
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


def look(session: Session, description: Description) -> tuple[HostLook, ...]:
    """All hosts, in the order of their names."""
    due = places(session)
    if not due:
        return ()
    build = build_of(session, description, provide=False)
    wanted = {(host.name, host.engine): host for host in described.hosts(session.native.tree)}
    image = build.images[NODE_EXPORTER.name].ref

    def work(place: Place, far: Engine) -> HostLook:
        host = wanted.get((place.name, place.engine))
        found = far.observe(described.stack_of(session.name, place.name)).container(NODE_EXPORTER.name)
        if host is None:
            says = "no file names it any more: monitoring-stack reload removes it"
            return HostLook(place.name, place.engine, "-", found.state if found else "absent", says)
        if found is None:
            return HostLook(
                place.name, place.engine, host.at, "absent", "monitoring-stack reload brings it there"
            )
        held = far.image(image)
        (service,) = described.far_spec(build, host, Image(image, held.id if held else "")).services
        return _seen(place, host.at, far, found, service)

    asked = Round(due, work, ways(session), session.name, answer=LOOK_SECONDS)
    looks = []
    for one in asked.outcomes():
        if one.value is not None and one.error is None:
            looks.append(one.value)
            continue
        at = wanted.get((one.place.name, one.place.engine))
        looks.append(
            HostLook(one.place.name, one.place.engine, at.at if at else "-", "unreachable", str(one.error))
        )
    return tuple(looks)


def _seen(place: Place, at: str, far: Engine, found: ObservedContainer, service: ServiceSpec) -> HostLook:
    health = f" ({found.health})" if found.running and found.health else ""
    return HostLook(
        name=place.name,
        engine=place.engine,
        address=found.published or at,
        state=found.state + health,
        image=found.image,
        uptime=max(0.0, time.time() - moment(found.started_at)) if found.running else 0.0,
        memory=far.usage(found.id).memory if found.running else 0,
        matches=(found.digest, found.image_id) == (service.digest(), service.image_id),
    )
