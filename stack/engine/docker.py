"""The Docker engine, API of 20.10 and later: found, asked who it is, and put together from the parts that know it."""

from __future__ import annotations

import os
from collections.abc import Callable

from stack.common.errors import EngineUnavailable
from stack.config.settings import environment
from stack.engine import failures
from stack.engine.address import VARIABLES, Address, find, is_remote
from stack.engine.client import Client
from stack.engine.containers import Containers
from stack.engine.images import Images
from stack.engine.insides import Insides
from stack.engine.interface import EngineInfo, Holder, Lease
from stack.engine.jobs import Jobs
from stack.engine.keepers import Keepers, LockPlace, States
from stack.engine.keeping import Keeping
from stack.engine.limits import Abilities
from stack.engine.lock import Pace, acquire
from stack.engine.neighbours import Neighbours
from stack.engine.networks import Networks
from stack.engine.reach import By, Reach
from stack.engine.snapshot import Snapshots
from stack.engine.transport import Transport, Unreachable
from stack.engine.unix import UnixTransport
from stack.engine.volumes import Volumes

CALL_SECONDS = 60.0
LEAST_PODMAN = 5
"""Podman 4.3 was tried: it names imported images otherwise, loses the lock, and needs systemd for health checks."""


def connect(
    address: str = "",
    *,
    seconds: float = CALL_SECONDS,
    stack: str = "",
    reach: By = "auto",
    certificates: str = "",
    remedy: str = "",
    on_clock: Callable[[float], object] = float,
) -> DockerEngine:
    """The engine at ``address``; without one, where the environment or the current context says.

    ``seconds`` is the longest that a single call may stay without an answer; ``reach`` how the ``stack`` is asked.
    ``certificates``: the folder of those for it, instead of the environment's. ``remedy``: what to do where it gives no
    answer for no known reason. ``on_clock``: see ``Client``. Raises ``EngineUnavailable``.
    """
    found = find(address, environment(*VARIABLES), certificates)
    try:
        client = Client(_transport(found, seconds), found.url, seconds, remedy, on_clock)
        _refuse_old_podman(client.version and client.podman, str(found))
        return DockerEngine(
            client, client.version, Reach(client, stack, reach, elsewhere=is_remote(found.url))
        )
    except Unreachable as error:
        raise failures.unavailable(str(found), error, remedy) from error


def _transport(address: Address, seconds: float) -> Transport:
    if address.socket:
        return UnixTransport(address.socket)
    if address.url.startswith("ssh://"):
        from stack.engine.ssh import SshTransport

        return SshTransport(address.url)
    from stack.engine.sdk import SdkTransport

    return SdkTransport(address, seconds)


def _refuse_old_podman(version: str, place: str) -> None:
    major = version.partition(".")[0]
    if major.isdigit() and int(major) < LEAST_PODMAN:
        message = f"Podman {version} answers at {place}, whose API lacks what this bundle needs"
        raise EngineUnavailable(message, hint=f"Podman {LEAST_PODMAN} or later, or Docker 20.10 or later")


def free_in(folder: str) -> int | None:
    """Bytes that are free where a folder of this machine lies; None where that cannot be told."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return None
    return found.f_bavail * found.f_frsize


def _login(repository: str) -> dict[str, str]:
    from stack.engine.sdk import login

    return login(repository)


class DockerEngine:
    """``stack.engine.interface.Engine``. Safe to use from several threads."""

    def __init__(self, client: Client, api: str, reach: Reach) -> None:
        self._client, self._api, self._reach = client, api, reach
        self._abilities = Abilities(lambda: client.told)
        self._containers = Containers(client, self._abilities)
        images = Images(client, _login)
        insides = Insides(client)
        volumes = Volumes(client, self._containers)
        networks, snapshots = Networks(client), Snapshots(client)
        jobs = Jobs(client, self._containers, insides, volumes)
        keeping = Keeping(client, self._containers, volumes)
        self._keepers = Keepers(client, self._containers, images)
        states = States(client, self._containers, insides, volumes, self._keepers)
        self.pace = Pace()
        """How often the lock's sign of life is renewed, and after what silence it is taken over."""

        self.observe, self.stacks = snapshots.observe, snapshots.stacks
        self.neighbours = Neighbours(client).all
        self.create_network, self.remove_network = networks.create, networks.remove
        self.connect, self.limit = networks.connect, self._containers.limit
        self.join, self.leave = networks.join, networks.leave
        self.create_volume, self.remove_volume = volumes.create, volumes.remove
        self.write_volume, self.remove_from_volume = jobs.write_volume, jobs.remove_from_volume
        self.gather, self.stage = keeping.gather, keeping.stage
        self.adopt, self.unstage = keeping.adopt, keeping.unstage
        self.keep, self.give_back, self.from_dump = keeping.keep, keeping.give_back, keeping.from_dump
        self.examine, self.set_aside = keeping.examine, keeping.set_aside
        self.read_state, self.write_state, self.remove_state = states.read, states.write, states.remove
        self.create, self.remove = self._containers.create_service, self._containers.remove
        self.start, self.stop = self._containers.start, self._containers.stop
        self.restart, self.rename = self._containers.restart, self._containers.rename
        self.run, self.turns_out_remote = jobs.run, reach.turns_out_remote
        self.signal, self.execute = insides.signal, insides.execute
        self.stat = insides.stat
        self.read_file, self.read_folder = insides.read_file, insides.read_folder
        self.logs, self.follow = insides.logs, insides.follow
        self.killed_for_memory = insides.killed_for_memory
        self.usage, self.inspect, self.processes = insides.usage, insides.inspect, insides.processes
        self.image, self.tag, self.untag = images.image, images.tag, images.untag
        self.pull, self.import_image, self.build_image = images.pull, images.import_image, images.build_image
        self.save, self.load = images.save, images.load

    def info(self) -> EngineInfo:
        """See ``Engine``."""
        told = self._client.told
        folder = str(told.get("DockerRootDir") or "")
        return EngineInfo(
            version=told["ServerVersion"],
            api=self._api,
            address=self._client.address,
            remote=self._reach.remote,
            os=told["OperatingSystem"],
            architecture=told["Architecture"],
            cpus=told["NCPU"],
            memory=told["MemTotal"],
            product="Podman" if self._client.podman else "Docker",
            folder=folder,
            swarm=str((told.get("Swarm") or {}).get("LocalNodeState") or ""),
            security=tuple(told.get("SecurityOptions") or ()),
            free=None if self._reach.remote else free_in(folder),
            restrictions=(*self._abilities.restrictions(), *self._reach.remarks()),
        )

    def lock(self, stack: str, holder: Holder) -> Lease:
        """See ``Engine``."""
        place = LockPlace(self._client, self._containers, self._keepers, stack)
        return acquire(place, holder, self.pace)
