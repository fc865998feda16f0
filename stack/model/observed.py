"""What is there: a frozen snapshot of one stack's containers, network and volumes, read once from the engine.

Values only; whoever decides reads nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from stack.model.names import next_name
from stack.model.neighbours import Neighbour
from stack.model.spec import Mount, container_name

HELPER = "helper"
"""What short-lived containers have in place of a component."""


class Applied(Struct, frozen=True):
    """``version`` of the files was verified last; ``digest`` is the same while that version is the one in use.

    Both are empty where nothing was verified. An interrupted change leaves another version in use: no digest.
    """

    digest: str = ""
    version: str = ""

    @classmethod
    def of(cls, verified: str, in_use: str) -> Applied:
        """From what the two links of a configuration volume name."""
        return cls(verified if verified == in_use else "", verified)


class GivenLimits(Struct, frozen=True):
    """Upper bounds as the engine has them: bytes, cores, processes; 0 is no limit.

    None: this engine cannot limit it. ``swap`` is memory and swap together. ``most_cpus``: what a container may have
    at most here, None where that is not known.
    """

    memory: int | None = None
    swap: int | None = None
    cpus: float | None = None
    pids: int | None = None
    most_cpus: float | None = None


class Setup(Struct, frozen=True):
    """What else the engine gives a container, as it is. ``ports`` are ``address:port>port``.

    ``mounts``: host folders without their source, which some engines rewrite. ``oddities``: what no container of
    ours is made with, as sentences.
    """

    restart: str
    user: str
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    environment: tuple[str, ...]
    mounts: tuple[Mount, ...]
    ports: tuple[str, ...]
    oddities: tuple[str, ...] = ()
    host_network: bool = False


class ObservedContainer(Struct, frozen=True):
    """One container that carries our label.

    ``stranded``: the network it was on is gone, so it can never start. ``connected``: it is on the stack's present
    network, known there by ``aliases`` (None: not known); ``networks`` are the names of all that it is on.
    ``restarts``: how often the engine started it again since somebody last did; ``oom_killed``: it was out of memory
    when it last ended, which was at ``finished_at``. ``limits`` and ``setup`` are as they are, None where not asked.
    ``drift``: what was changed in its configuration volume, as sentences. ``joined``: networks of others that it joined
    by a plan of ours; ``lost``: networks of others that it was on and that are gone. ``last_words``: log lines of one
    whose process ended by itself, where they were asked for.
    """

    id: str
    name: str
    component: str
    digest: str
    image: str
    image_id: str
    state: str
    health: str = ""
    needs: tuple[str, ...] = ()
    started_at: str = ""
    exit_code: int = 0
    published: str = ""
    applied: Applied = Applied()
    stranded: bool = False
    networks: tuple[str, ...] = ()
    connected: bool = True
    aliases: tuple[str, ...] | None = None
    restarts: int = 0
    oom_killed: bool = False
    finished_at: str = ""
    limits: GivenLimits | None = None
    setup: Setup | None = None
    drift: tuple[str, ...] = ()
    joined: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    last_words: tuple[str, ...] = ()

    @property
    def running(self) -> bool:
        """Whether its process is up."""
        return self.state == "running"


def placed(
    stack: str, seen: Iterable[ObservedContainer]
) -> tuple[tuple[ObservedContainer, ...], tuple[ObservedContainer, ...]]:
    """One container a component, and what is left over of interrupted runs.

    A component's container under a name that is not its own was renamed by somebody: it still is the component's,
    unless there is one under the right name. Names that the bundle itself gives meanwhile are no renaming.
    """
    found = sorted(seen, key=lambda c: c.name)
    chosen: dict[str, ObservedContainer] = {}
    for container in sorted(found, key=lambda c: (not in_place(stack, c), not c.running)):
        if container.component and not passing(stack, container):
            chosen.setdefault(container.component, container)
    kept = {c.id for c in chosen.values()}
    return tuple(c for c in found if c.id in kept), tuple(c for c in found if c.id not in kept)


def in_place(stack: str, container: ObservedContainer) -> bool:
    """Whether a container has the name that its component's must have."""
    return container.name == container_name(stack, container.component)


def passing(stack: str, container: ObservedContainer) -> bool:
    """Whether it is a helper, or was to take the place of another: only an interrupted run leaves these."""
    return container.component == HELPER or container.name == next_name(
        container_name(stack, container.component)
    )


class Observed(Struct, frozen=True):
    """All that carries the label of one stack. ``leftovers``: helpers of an interrupted run, and second containers.

    ``has_state``: the engine keeps a state document for it, which is listed nowhere else. ``locked``: a command holds
    its lock, or was killed while it did. ``others``: names of the networks of others that a container can join.
    ``ahead``: seconds by which the engine's clock is ahead of this machine's. ``beside``: running containers of others
    on networks that one of ours is on.
    """

    name: str
    containers: tuple[ObservedContainer, ...] = ()
    leftovers: tuple[ObservedContainer, ...] = ()
    networks: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    has_state: bool = False
    locked: bool = False
    others: tuple[str, ...] = ()
    ahead: float = 0.0
    beside: tuple[Neighbour, ...] = ()

    def container(self, component: str) -> ObservedContainer | None:
        """The component's container, if there is one."""
        return next((c for c in self.containers if c.component == component), None)
