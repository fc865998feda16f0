"""How much room data takes, and how much is left: asked of the containers that have it, or of this machine's disk."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from stack.common.errors import StackError, StartFailed
from stack.common.sizes import in_bytes, shown
from stack.common.wait import together
from stack.config.settings import Settings
from stack.engine.interface import Engine
from stack.model.observed import Observed
from stack.model.spec import ServiceSpec, StackSpec, container_name, data_volume

ASK = 'du -sk "$1" | cut -f 1; df -Pk "$1" | tail -n 1'
SECONDS = 10.0
KIB = 1024
RETENTION = {"prometheus": "prometheus.retention_size"}
"""Component > the setting that bounds its data."""


class Taken(Struct, frozen=True):
    """The data of one component in bytes, what bounds it (0: nothing), and what is free where it lies."""

    component: str
    size: int
    bound: int
    free: int

    def document(self) -> dict[str, Any]:
        """As plain values."""
        bound = {"bound_bytes": self.bound} if self.bound else {}
        return {"component": self.component, "bytes": self.size, **bound, "free_bytes": self.free}


def taken(engine: Engine, spec: StackSpec, settings: Settings, observed: Observed) -> tuple[Taken, ...]:
    """Of each component that runs and keeps data, where its container can tell."""
    running = {c.component for c in observed.containers if c.running}
    asked = [s for s in spec.services if s.component in running and _folder(spec.name, s)]
    found = together(lambda service: _asked(engine, spec.name, service, settings), asked)
    return tuple(one for one in found if one is not None)


def _folder(stack: str, service: ServiceSpec) -> str:
    """Where its data lies inside the container; empty where it keeps none."""
    volume = data_volume(stack, service.component)
    return next((m.target for m in service.mounts if m.source == volume), "")


def _asked(engine: Engine, stack: str, service: ServiceSpec, settings: Settings) -> Taken | None:
    argv = ("sh", "-c", ASK, "sh", _folder(stack, service))
    try:
        ran = engine.execute(container_name(stack, service.component), argv, seconds=SECONDS)
        size, disk = ran.output.strip().splitlines()[-2:]
        free = int(disk.split()[3])
        bound = RETENTION.get(service.component)
        limit = in_bytes(str(settings[bound])) if bound else 0
        return Taken(service.component, int(size) * KIB, limit, free * KIB)
    except (StackError, ValueError, IndexError):  # an image without these tools, or a container that ends
        return None


def sentence(found: tuple[Taken, ...]) -> str:
    """All of it in one line; empty where nothing is known."""
    if not found:
        return ""
    parts = [
        f"{one.component} {shown(one.size)}{f' of {shown(one.bound)}' if one.bound else ''}" for one in found
    ]
    return f"data: {', '.join(parts)}; {shown(min(one.free for one in found))} free"


def refuse_full_disk(engine: Engine, settings: Settings) -> None:
    """StartFailed where the engine's disk, if it is this machine's, has less free than the settings ask for."""
    info, floor = engine.info(), in_bytes(str(settings["disk.floor"]))
    if info.free is not None and info.free < floor:
        raise StartFailed(
            f"{shown(info.free)} are free on the disk of the engine, in {info.folder}; a start needs {shown(floor)}",
            hint="docker system df shows what takes room, STACK_RETENTION_SIZE bounds Prometheus; "
            "STACK_DISK_FLOOR sets another floor, 0MB none",
        )
