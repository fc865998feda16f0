"""What is there: a frozen snapshot of one stack's containers, network and volumes, read once from the engine.

Values only; whoever decides reads nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

from stack.model.spec import container_name


@dataclass(frozen=True, slots=True)
class Applied:
    """``version`` of the files was verified last; ``digest`` is the same while that version is the one in use.

    Both are empty where nothing was verified. An interrupted change leaves another version in use: no digest.
    """

    digest: str = ""
    version: str = ""

    @classmethod
    def of(cls, verified: str, in_use: str) -> Applied:
        """From what the two links of a configuration volume name."""
        return cls(verified if verified == in_use else "", verified)


@dataclass(frozen=True, slots=True)
class ObservedContainer:
    """One container that carries our label. ``stranded``: the network it was on is gone, so it can never start."""

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

    @property
    def running(self) -> bool:
        """Whether its process is up."""
        return self.state == "running"


def in_place(stack: str, container: ObservedContainer) -> bool:
    """Whether a container is its component's, under the name that this must have."""
    return container.name == container_name(stack, container.component)


@dataclass(frozen=True, slots=True)
class Observed:
    """All that carries the label of one stack. ``leftovers``: helpers of an interrupted run, and what has another name.

    ``has_state``: the engine keeps a state document for it, which is listed nowhere else. ``locked``: a command holds
    its lock, or was killed while it did.
    """

    name: str
    containers: tuple[ObservedContainer, ...] = ()
    leftovers: tuple[ObservedContainer, ...] = ()
    networks: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    has_state: bool = False
    locked: bool = False

    def container(self, component: str) -> ObservedContainer | None:
        """The component's container, if there is one."""
        return next((c for c in self.containers if c.component == component), None)
