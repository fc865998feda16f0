"""An engine in memory: the same promises as the Docker engine, kept without one. For tests of decisions and flows.

Honest: containers have states, ports can be taken, volumes hold files, what isn't ours is refused, and any call can
be made to fail. ``tests/contract/test_engine_contract.py`` holds both engines to one suite.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from msgspec.structs import replace

from stack.common.errors import StartFailed
from stack.engine import convert, failures, labels, state
from stack.engine.convert import Body
from stack.engine.interface import EngineInfo, Holder, Job, Lease, Ran, Usage
from stack.engine.limits import Abilities
from stack.engine.lock import Pace, acquire
from stack.engine.neighbours import neighbour
from stack.engine.observation import observed_container
from stack.model.found import FileFound, FileStat
from stack.model.neighbours import Neighbour
from stack.model.observed import Applied, Observed, ObservedContainer, placed
from stack.model.spec import APPLIED, CONFIG_ROOT, CURRENT, ConfigFile, Limits, ServiceSpec, container_name
from tests.fakes.engine.lock import MemoryLock
from tests.fakes.engine.volumes import MemoryVolume, MemoryVolumes, require

T = TypeVar("T")
Program = Callable[[tuple[str, ...], dict[str, ConfigFile]], Ran]
STARTED = "2026-01-01T00:00:00Z"
ENDED = "2026-01-01T01:00:00Z"


def quiet(argv: tuple[str, ...], files: dict[str, ConfigFile]) -> Ran:
    """A program that succeeds and says nothing."""
    del argv, files
    return Ran(0, "")


@dataclass
class MemoryContainer:
    """A container: what the engine was told, and what became of it."""

    id: str
    name: str
    body: Body
    image_id: str
    state: str = "created"
    health: str = ""
    exit_code: int = 0
    endpoints: dict[str, dict[str, Any]] = field(default_factory=dict)
    starts: int = 0
    restarts: int = 0
    oom_killed: bool = False
    failing: int = 0
    signed: float = 0.0
    signals: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    @property
    def marks(self) -> dict[str, str]:
        """Its labels."""
        return dict(self.body.get("Labels") or {})

    def mounts(self) -> dict[str, str]:
        """Target of each named volume > its name."""
        found = self.body["HostConfig"].get("Mounts", ())
        return {m["Target"]: m["Source"] for m in found if m["Type"] == "volume"}

    def ports(self) -> set[tuple[str, str]]:
        """Address and port of all that it publishes."""
        asked = self.body["HostConfig"].get("PortBindings") or {}
        return {(b["HostIp"], b["HostPort"]) for bindings in asked.values() for b in bindings}

    def inspect(self) -> dict[str, Any]:
        """In the shape of ``GET /containers/{id}/json``."""
        state: dict[str, Any] = {
            "Status": self.state,
            "Running": self.state == "running",
            "ExitCode": self.exit_code,
            "StartedAt": STARTED if self.starts else "",
            "FinishedAt": ENDED if self.starts and self.state == "exited" else "",
            "OOMKilled": self.oom_killed,
        }
        if self.health:
            state["Health"] = {"Status": self.health, "FailingStreak": self.failing}
        return {
            "Id": self.id,
            "Name": f"/{self.name}",
            "Image": self.image_id,
            "Config": {k: v for k, v in self.body.items() if k not in ("HostConfig", "NetworkingConfig")},
            "HostConfig": self.body["HostConfig"],
            "State": state,
            "RestartCount": self.restarts,
            "Mounts": [mounted(m) for m in self.body["HostConfig"].get("Mounts", ())],
            "NetworkSettings": {"Ports": {}, "Networks": self.endpoints},
        }


def mounted(asked: dict[str, Any]) -> dict[str, Any]:
    """A mount as an engine shows it."""
    name = {"Name": asked["Source"]} if asked["Type"] == "volume" else {}
    kept = {"Type": asked["Type"], "Source": asked["Source"], "Destination": asked["Target"]}
    return {**kept, **name, "RW": not asked.get("ReadOnly")}


class MemoryEngine(MemoryVolumes):
    """``program`` answers for every process run inside; ``calls`` lists what was asked, in order.

    ``of_images``: files that every image has, by path. ``apart``: that its ports cannot be reached turns out late.
    """

    def __init__(self, *, remote: bool = False, program: Program = quiet) -> None:
        super().__init__()
        self.remote, self.apart = remote, False
        self.free = 8 << 30
        self.program = program
        self.of_images: dict[str, FileFound] = {}
        self.containers: dict[str, MemoryContainer] = {}
        self.pace = Pace()
        self.told: dict[str, Any] = {"NCPU": 2}
        self.abilities = Abilities(lambda: self.told)
        self.occupied: set[tuple[str, str]] = set()

    def occupy(self, port: int, address: str = "127.0.0.1") -> None:
        """A process outside any container listens there."""
        self.occupied.add((address, str(port)))

    def foreign_container(self, name: str) -> None:
        """Somebody else's container of this name."""
        self.put(name, {"Image": "foreign", "HostConfig": {}}, "sha256:foreign")

    def neighbour(
        self, name: str, *networks: str, ports: tuple[int, ...] = (), mode: str = "", **marks: str
    ) -> MemoryContainer:
        """Somebody else's container that runs on these networks; ``marks``: labels, ``_`` is a dot, ``__`` a slash."""
        body = {
            "Image": f"{name}:1",
            "Labels": {key.replace("__", "/").replace("_", "."): value for key, value in marks.items()},
            "ExposedPorts": {f"{port}/tcp": {} for port in ports},
            "HostConfig": {"NetworkMode": mode or (networks[0] if networks else "default")},
        }
        made = self.put(name, body, "sha256:foreign")
        made.state = "running"
        made.endpoints = {
            n: {"NetworkID": self.network_ids.get(n, ""), "Aliases": []} for n in networks or ("bridge",)
        }
        return made

    def neighbours(self) -> tuple[Neighbour, ...]:
        """See ``Engine``."""
        with self.mutex:
            return tuple(
                sorted(
                    (neighbour(c.inspect()) for c in tuple(self.containers.values())), key=lambda n: n.name
                )
            )

    def crash(self, container: str, code: int = 137, *, memory: bool = False) -> None:
        """Its process dies, of a lack of ``memory`` perhaps, and nobody starts it again."""
        found = self._present(container)
        found.state, found.health, found.exit_code, found.oom_killed = "exited", "", code, memory

    def hang(self, container: str) -> None:
        """Its process gives no answer any more, and the engine has noticed once."""
        self._present(container).failing = 1

    def come_back(self, container: str, *, memory: bool = False) -> None:
        """Its process dies, of a lack of ``memory`` perhaps, and the engine starts it again."""
        found = self._present(container)
        found.restarts, found.oom_killed = found.restarts + 1, memory

    def detach(self, container: str) -> None:
        """Somebody takes it off its stack's network."""
        found = self._present(container)
        found.endpoints.pop(labels.stack_of(found.marks), None)

    def lose_network(self, name: str) -> None:
        """Somebody takes all containers off a network and removes it."""
        for container in tuple(self.containers.values()):
            container.endpoints.pop(name, None)
        self.remove_network(name)

    def lose_foreign_network(self, name: str) -> None:
        """Somebody removes a network of theirs; containers that do not run still hold on to it."""
        del self.networks[name], self.network_ids[name]
        for container in tuple(self.containers.values()):
            if container.state == "running":
                container.endpoints.pop(name, None)

    def update(self, container: str, **host: Any) -> None:
        """Somebody changes what a container is given, in the words of ``HostConfig``."""
        found = self._present(container)
        found.body = {**found.body, "HostConfig": {**found.body["HostConfig"], **host}}

    def info(self) -> EngineInfo:
        """See ``Engine``."""
        self._called("info", "")
        address = "tcp://memory:2375" if self.remote else "unix:///memory.sock"
        restrictions = self.abilities.restrictions()
        return EngineInfo(
            "28.5.2",
            "1.51",
            address,
            self.remote,
            "memory",
            "x86_64",
            2,
            8 << 30,
            restrictions,
            folder="/var/lib/memory",
            free=None if self.remote else self.free,
        )

    def turns_out_remote(self) -> bool:
        """See ``Engine``."""
        self._called("turns_out_remote", "")
        running = any(c.state == "running" for c in self.containers.values())
        self.remote = self.remote or (self.apart and running)
        return self.remote

    def stacks(self) -> tuple[str, ...]:
        """See ``Engine``."""
        return tuple(
            sorted(
                {
                    labels.stack_of(c.marks)
                    for c in tuple(self.containers.values())
                    if labels.is_service(c.marks)
                }
            )
        )

    def observe(self, name: str) -> Observed:
        """See ``Engine``."""
        self._called("observe", name)
        with self.mutex:
            mine = [
                c
                for c in tuple(self.containers.values())
                if labels.stack_of(c.marks) == name and not labels.is_keeper(c.marks)
            ]
            state = convert.keeper_name(name, labels.STATE)
            containers, leftovers = placed(name, [self._seen(c) for c in mine])
            return Observed(
                name,
                containers=containers,
                leftovers=leftovers,
                networks=tuple(n for n, stack in tuple(self.networks.items()) if stack == name),
                volumes=tuple(
                    sorted(n for n, v in tuple(self.volumes.items()) if v.stack == name and n != state)
                ),
                has_state=state in self.volumes,
                locked=self.find(convert.keeper_name(name, labels.LOCK)) is not None,
                others=tuple(sorted(self._others(name))),
                beside=self._beside(name, {n for c in mine for n in c.endpoints}),
            )

    def _beside(self, stack: str, networks: set[str]) -> tuple[Neighbour, ...]:
        return tuple(
            neighbour(c.inspect())
            for c in sorted(self.containers.values(), key=lambda c: c.id)
            if labels.stack_of(c.marks) != stack and c.state == "running" and networks & {*c.endpoints}
        )

    def _seen(self, container: MemoryContainer) -> ObservedContainer:
        volume = self.volumes.get(container.mounts().get(CONFIG_ROOT, ""))
        links = volume.links if volume else {}
        applied = Applied.of(links.get(APPLIED, ""), links.get(CURRENT, ""))
        stack = labels.stack_of(container.marks)
        own = [self.network_ids[n] for n, owner in tuple(self.networks.items()) if owner == stack]
        return observed_container(container.inspect(), applied, own, self.told, self._others(stack))

    def _others(self, stack: str) -> dict[str, str]:
        return {n: self.network_ids[n] for n, owner in tuple(self.networks.items()) if owner != stack}

    def read_state(self, stack: str) -> bytes | None:
        """See ``Engine``."""
        self._called("read_state", stack)
        with self.mutex:
            volume = self._state_volume(stack, make=False)
            return None if volume is None else state.newest(volume.contents())

    def write_state(self, stack: str, content: bytes) -> None:
        """See ``Engine``."""
        self._called("write_state", stack)
        with self.mutex:
            volume = self._state_volume(stack, make=True)
            if volume is not None:
                slot, data = state.following(volume.contents(), content)
                volume.files[slot] = ConfigFile(slot, data, mode=0o600)

    def remove_state(self, stack: str) -> None:
        """See ``Engine``."""
        self._called("remove_state", stack)
        with self.mutex:
            name = convert.keeper_name(stack, labels.STATE)
            self.remove(name)
            self.remove_volume(name)

    def _state_volume(self, stack: str, *, make: bool) -> MemoryVolume | None:
        """The volume, with the container that holds it; both made anew where they are missing."""
        name = convert.keeper_name(stack, labels.STATE)
        held = self.owned(name) is not None
        if make or name in self.volumes:
            self.create_volume(name, stack)
            if not held:
                self.put(name, convert.state_body(stack, "empty"), "sha256:empty")
        return self.volumes.get(name)

    def lock(self, stack: str, holder: Holder) -> Lease:
        """See ``Engine``."""
        self._called("lock", stack)
        return acquire(MemoryLock(self, stack), holder, self.pace)

    def rename(self, container: str, name: str) -> None:
        """See ``Engine``."""
        self._called("rename", name)
        with self.mutex:
            found = self._present(container)
            if taken := self.find(name):
                require("container", name, labels.stack_of(taken.marks))
                raise StartFailed(f"rename {found.name} to {name}: the name is taken")
            found.name = name

    def create(self, stack: str, service: ServiceSpec, name: str = "") -> str:
        """See ``Engine``."""
        name = name or container_name(stack, service.component)
        self._called("create", name)
        with self.mutex:
            if taken := self.find(name):
                require("container", name, labels.stack_of(taken.marks))
                raise StartFailed(f"container {name} was made by somebody else just now")
            body = self.abilities.fit(convert.service_body(stack, service))
            return self.put(name, body, self._needed(service.image)).id

    def put(self, name: str, body: Body, image: str) -> MemoryContainer:
        asked = (body.get("NetworkingConfig") or {}).get("EndpointsConfig") or {}
        endpoints = {net: {"NetworkID": "", "Aliases": told["Aliases"]} for net, told in asked.items()}
        made = MemoryContainer(f"{next(self._numbers):064x}", name, body, image, endpoints=endpoints)
        self.containers[made.id] = made
        return made

    def leave_helper(self, stack: str) -> None:
        """What an interrupted run leaves behind."""
        self.put(convert.helper_name(stack), convert.helper_body(stack, "any", "any"), "sha256:any")

    def start(self, container: str) -> None:
        """See ``Engine``."""
        self._called("start", container)
        with self.mutex:
            found = self._present(container)
            mode = found.body["HostConfig"]["NetworkMode"]
            network = self.network_ids.get(mode, "")
            endpoint = found.endpoints.setdefault(mode, {"NetworkID": "", "Aliases": []})
            if not network or endpoint["NetworkID"] not in ("", network):
                raise StartFailed(f"{found.name} does not start: network not found")
            for name, joined in found.endpoints.items():
                if joined["NetworkID"] not in ("", self.network_ids.get(name)):
                    raise StartFailed(f"{found.name} does not start: network {name} not found")
                joined["NetworkID"] = self.network_ids.get(name, "")
            if found.state != "running":
                self._bind(found)
                found.state, found.exit_code, found.starts = "running", 0, found.starts + 1
                found.health, found.oom_killed, found.restarts, found.failing = "healthy", False, 0, 0

    def connect(self, stack: str, container: str, aliases: tuple[str, ...]) -> None:
        """See ``Engine``."""
        self._called("connect", container)
        with self.mutex:
            found = self._present(container)
            require("network", stack, self.networks.get(stack))
            if stack not in self.network_ids:
                raise StartFailed(
                    f"connect {found.name} to network {stack}: it is gone", hint="run start again"
                )
            network = self.network_ids[stack] if found.state == "running" else ""
            found.endpoints[stack] = {"NetworkID": network, "Aliases": list(aliases)}

    def join(self, container: str, network: str) -> None:
        """See ``Engine``."""
        self._called("join", network)
        with self.mutex:
            found = self._present(container)
            if network not in self.network_ids:
                raise StartFailed(f"{found.name} cannot join network {network}: network {network} not found")
            id_ = self.network_ids[network] if found.state == "running" else ""
            told = {"NetworkID": id_, "Aliases": [labels.joined_as(found.name)]}
            found.endpoints.setdefault(network, told)

    def leave(self, container: str, network: str) -> None:
        """See ``Engine``."""
        self._called("leave", network)
        with self.mutex:
            self._present(container).endpoints.pop(network, None)

    def limit(self, container: str, limits: Limits) -> None:
        """See ``Engine``."""
        self._called("limit", container)
        with self.mutex:
            found = self._present(container)
            self.update(found.id, **self.abilities.possible(convert.update_body(limits)))

    def _bind(self, container: MemoryContainer) -> None:
        running = [c for c in tuple(self.containers.values()) if c.state == "running"]
        for port in container.ports():
            holder = next((f"container {c.name}" for c in running if port in c.ports()), "")
            if holder or port in self.occupied:
                component = container.marks.get(labels.COMPONENT, "")
                raise failures.port_error(component, convert.address(*port), holder)

    def stop(self, container: str) -> None:
        """See ``Engine``."""
        self._called("stop", container)
        with self.mutex:
            found = self.owned(container)
            if found and found.state in ("running", "paused", "restarting"):
                found.state, found.health = "exited", ""

    def restart(self, container: str) -> None:
        """See ``Engine``."""
        self._called("restart", container)
        with self.mutex:
            self._present(container)
            self.stop(container)
            self.start(container)

    def remove(self, container: str) -> None:
        """See ``Engine``."""
        self._called("remove", container)
        with self.mutex:
            if found := self.owned(container):
                del self.containers[found.id]

    def signal(self, container: str, name: str) -> None:
        """See ``Engine``."""
        self._called("signal", container)
        found = self._running(container, f"take {name}")
        found.signals.append(name)

    def run(self, stack: str, job: Job) -> Ran:
        """See ``Engine``."""
        self._called("run", job.argv[0])
        self._needed(job.image)
        if job.network and job.network not in self.network_ids:
            raise StartFailed(f"run {job.argv[0]} in {job.image}: network {job.network} not found")
        ran = self.program(job.argv, {f"{job.folder.rstrip('/')}/{f.path}": f for f in job.files})
        return replace(ran, seen=tuple(self.of_images.get(path) for path in job.look_at))

    def execute(self, container: str, argv: tuple[str, ...], *, seconds: float | None = None) -> Ran:
        """See ``Engine``."""
        self._called("execute", container)
        found = self._running(container, f"run {argv[0]}")
        if found.failing and seconds is not None:
            raise StartFailed(f"run {argv[0]} in {found.name}: no answer within {seconds:g} s")
        return self.program(argv, {})

    def read_file(self, container: str, path: str) -> bytes | None:
        """See ``Engine``; only volumes hold files."""
        found = self._present(container)
        for target, volume in found.mounts().items():
            if path.startswith(f"{target}/") and volume in self.volumes:
                return self.volumes[volume].read(path.removeprefix(f"{target}/"))
        return None

    def stat(self, container: str, paths: tuple[str, ...]) -> tuple[FileStat | None, ...]:
        """See ``Engine``; only volumes hold files."""
        found = self._present(container)
        return tuple(self._below(found, path, lambda volume, inside: volume.stat(inside)) for path in paths)

    def read_folder(self, container: str, path: str) -> dict[str, FileFound]:
        """See ``Engine``; only volumes hold files."""
        found = self._present(container)
        return self._below(found, path, lambda volume, inside: volume.tree(inside)) or {}

    def _below(
        self, container: MemoryContainer, path: str, ask: Callable[[MemoryVolume, str], T]
    ) -> T | None:
        for target, volume in container.mounts().items():
            if f"{path}/".startswith(f"{target}/") and volume in self.volumes:
                return ask(self.volumes[volume], path.removeprefix(target).strip("/"))
        return None

    def logs(self, container: str, tail: int, since: float = 0.0) -> tuple[str, ...]:
        """See ``Engine``; a log goes with its container's start here, so all of it is of this life."""
        found = self.owned(container)
        return tuple(found.log[-tail:]) if found and tail else ()

    def follow(self, container: str, tail: int) -> Iterator[str]:
        """See ``Engine``; ends with what there is."""
        self._present(container)
        return iter(self.logs(container, tail))

    def killed_for_memory(self, container: str) -> bool:
        """See ``Engine``."""
        found = self.owned(container)
        return found is not None and found.oom_killed

    def usage(self, container: str) -> Usage:
        """See ``Engine``."""
        found = self._present(container)
        return Usage(16 << 20 if found.state == "running" else 0, found.body["HostConfig"]["Memory"])

    def processes(self, container: str) -> tuple[str, ...]:
        """See ``Engine``."""
        return ("/bin/main",) if self._present(container).state == "running" else ()

    def inspect(self, container: str) -> dict[str, object]:
        """See ``Engine``."""
        return self._present(container).inspect()

    def find(self, name: str) -> MemoryContainer | None:
        return self.containers.get(name) or next(
            (c for c in tuple(self.containers.values()) if c.name == name), None
        )

    def owned(self, name: str) -> MemoryContainer | None:
        found = self.find(name)
        if found is not None:
            require("container", name, labels.stack_of(found.marks))
        return found

    def _present(self, name: str) -> MemoryContainer:
        found = self.owned(name)
        if found is None:
            raise StartFailed(f"container {name} is gone", hint="run start again")
        return found

    def _running(self, name: str, what: str) -> MemoryContainer:
        found = self._present(name)
        if found.state != "running":
            raise StartFailed(f"{found.name} does not run, so it cannot {what}", hint="run start")
        return found

    def _needed(self, image: str) -> str:
        found = self.image(image)
        if found is None:
            raise failures.image_missing(image)
        return found.id

    def _in_use(self, image: str) -> bool:
        return any(c.image_id == image for c in tuple(self.containers.values()))

    def _attached(self, network: str) -> bool:
        alive = (c for c in tuple(self.containers.values()) if c.state == "running")
        return any(network in c.endpoints for c in alive)

    def _mounted(self, volume: str) -> bool:
        return any(volume in c.mounts().values() for c in tuple(self.containers.values()))
