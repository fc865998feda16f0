"""One bench for both engines: a stack name of its own, an image, foreign objects, and a clean end."""

from __future__ import annotations

import io
import secrets
import socket
import tarfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, Self

import docker
from docker.errors import APIError
from msgspec.structs import replace

from stack.engine import archive, labels
from stack.engine.convert import VOLUME_ROOT
from stack.engine.docker import DockerEngine, connect
from stack.engine.interface import ImageConfig, Ran
from stack.model.observed import Observed
from stack.model.spec import (
    CONFIG_ROOT,
    ConfigFile,
    Health,
    Limits,
    Mount,
    Port,
    ServiceSpec,
    config_volume,
    data_volume,
)
from tests.contract.tiny_image import root_file_system
from tests.fakes.engine.memory import MemoryEngine
from tests.leftovers import containers_removed, rest_removed

TINY = "ct-tiny:contract-2"
MIB = 1 << 20
LOOP = (
    "trap 'echo got HUP' HUP; trap 'exit 0' TERM; trap 'exit 7' USR1; "
    "echo started; while :; do sleep 0.05; done"
)

Kind = Literal["container", "network", "volume"]


class Bench(Protocol):
    """An engine and what the tests need around it."""

    @property
    def engine(self) -> DockerEngine | MemoryEngine:
        """The engine under test."""

    @property
    def stack(self) -> str:
        """A name that nobody else has."""

    def foreign(self, kind: Kind, name: str) -> None:
        """Somebody else's object of this name."""

    def foreign_is_there(self, kind: Kind, name: str) -> bool:
        """Whether it was left alone."""

    def leave_helper(self) -> None:
        """What an interrupted run leaves behind."""

    def lose(self, name: str) -> None:
        """Somebody's prune takes a container that does not run."""

    def detach(self, name: str) -> None:
        """Somebody takes a container off the stack's network."""

    def lose_network(self) -> None:
        """Somebody takes all containers off the stack's network and removes it."""

    def connect_by_hand(self, container: str, network: str) -> None:
        """Somebody connects a container to a network of theirs."""

    def run_beside(self, name: str, network: str) -> None:
        """Somebody runs a container on a network, where its name is a name."""

    def lose_foreign_network(self, name: str) -> None:
        """Somebody removes a network of theirs, and takes running containers off it first."""

    def update(self, name: str, **host: Any) -> None:
        """Somebody changes the limits of a container, in the words of ``HostConfig``."""

    def tamper(self, file: ConfigFile) -> None:
        """Somebody writes a file into the configuration volume of the default service."""

    def end(self, container: str) -> None:
        """The process of the default service ends by itself, with exit code 7, and is not started again."""

    def close(self, folder: str) -> None:
        """Somebody gives a folder of that volume permissions 700; empty: the volume itself."""

    def tear_state(self) -> None:
        """The newest slot of the stack's state was written by half only."""

    def occupied(self) -> AbstractContextManager[int]:
        """A port that a process outside any container has."""


def service(bench: Bench, component: str = "web_app", **changed: Any) -> ServiceSpec:
    """A service that runs a shell loop and reads its files."""
    image = bench.engine.image(TINY)
    told: dict[str, Any] = {
        "component": component,
        "image": TINY,
        "image_id": image.id if image else "",
        "port": 9100,
        "ready_path": "/",
        "limits": Limits(64 * MIB, 0.5, 64),
        "health": Health(("CMD", "cat", "/bin/sh"), interval=1.0),
        "entrypoint": ("/bin/sh", "-c", LOOP),
        "mounts": (
            Mount("volume", config_volume(bench.stack, component), CONFIG_ROOT),
            Mount("volume", data_volume(bench.stack, component), "/data", read_only=False),
        ),
        "stop_seconds": 2,
    }
    return ServiceSpec(**{**told, **changed})


def make(bench: Bench, wanted: ServiceSpec, *, start: bool = True) -> str:
    """The service with its network and volumes."""
    bench.engine.create_network(bench.stack)
    for mount in wanted.mounts:
        if mount.kind == "volume":
            bench.engine.create_volume(mount.source, bench.stack)
    container = bench.engine.create(bench.stack, wanted)
    if start:
        bench.engine.start(container)
    return container


def write(bench: Bench, *files: ConfigFile, links: tuple[tuple[str, str], ...] = ()) -> None:
    """Files into the configuration volume of the default service."""
    bench.engine.write_volume(config_volume(bench.stack, "web_app"), bench.stack, TINY, files, links)


def published(port: int) -> Port:
    """Port 9100 of the container on loopback."""
    return Port(9100, port)


def answer(argv: tuple[str, ...], files: dict[str, ConfigFile]) -> Ran:
    """The few commands of the suite, for the engine that has no processes."""
    if argv[0] == "/bin/cat":
        found = files.get(argv[1])
        return Ran(0, found.content.decode()) if found else Ran(1, f"cat: {argv[1]}: No such file")
    return Ran(int(argv[-1].removeprefix("exit ")), "")


@dataclass
class MemoryBench:
    """The in-memory engine."""

    stack: str = "ct-memory"
    engine: MemoryEngine = field(default_factory=lambda: MemoryEngine(program=answer))

    def __post_init__(self) -> None:
        self.engine.import_image(io.BytesIO(b"tiny"), TINY, ImageConfig())

    def foreign(self, kind: Kind, name: str) -> None:
        {
            "container": self.engine.foreign_container,
            "network": self.engine.foreign_network,
            "volume": self.engine.foreign_volume,
        }[kind](name)

    def foreign_is_there(self, kind: Kind, name: str) -> bool:
        names: dict[Kind, set[str]] = {
            "container": {c.name for c in self.engine.containers.values()},
            "network": set(self.engine.networks),
            "volume": set(self.engine.volumes),
        }
        return name in names[kind]

    def leave_helper(self) -> None:
        self.engine.leave_helper(self.stack)

    def lose(self, name: str) -> None:
        found = self.engine.find(name)
        del self.engine.containers[found.id if found else name]

    def detach(self, name: str) -> None:
        self.engine.detach(name)

    def lose_network(self) -> None:
        self.engine.lose_network(self.stack)

    def connect_by_hand(self, container: str, network: str) -> None:
        found = self.engine.find(container)
        if found is not None:
            found.endpoints[network] = {"NetworkID": self.engine.network_ids[network], "Aliases": None}

    def run_beside(self, name: str, network: str) -> None:
        self.engine.neighbour(name, network)

    def lose_foreign_network(self, name: str) -> None:
        self.engine.lose_foreign_network(name)

    def update(self, name: str, **host: Any) -> None:
        self.engine.update(name, **host)

    def tamper(self, file: ConfigFile) -> None:
        self.engine.tamper(config_volume(self.stack, "web_app"), file.path, file)

    def end(self, container: str) -> None:
        self.engine.crash(container, 7)

    def close(self, folder: str) -> None:
        self.engine.volumes[config_volume(self.stack, "web_app")].modes[folder] = 0o700

    def tear_state(self) -> None:
        files = self.engine.volumes[f"{self.stack}-state"].files
        name = newest_slot({path: file.content for path, file in files.items()})
        files[name] = replace(files[name], content=files[name].content[:-1])

    @contextmanager
    def occupied(self) -> Iterator[int]:
        self.engine.occupy(45678)
        yield 45678
        self.engine.occupied.clear()


class DockerBench:
    """The real engine; everything that it made is gone afterwards."""

    def __init__(self) -> None:
        self.stack = f"ct-{secrets.token_hex(4)}"
        self.engine = connect()
        self.raw = docker.from_env()
        self.others: list[tuple[Kind, str]] = []
        if self.engine.image(TINY) is None:
            self.engine.import_image(io.BytesIO(root_file_system()), TINY, ImageConfig(user="65534:65534"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Removes all that carries the label, and the foreign objects of this bench."""
        containers_removed(self.stack, self.raw)
        for kind, name in self.others:
            with suppress(APIError):
                found = self._collection(kind).get(name)
                found.remove(**({"force": True, "v": True} if kind == "container" else {}))
        rest_removed(self.stack, self.raw)
        self.raw.close()

    def foreign(self, kind: Kind, name: str) -> None:
        self.others.append((kind, name))
        if kind == "container":
            self.raw.containers.create(TINY, ["/bin/sh"], name=name)
        elif kind == "network":
            self.raw.networks.create(name)
        else:
            self.raw.volumes.create(name)

    def foreign_is_there(self, kind: Kind, name: str) -> bool:
        return bool(self._collection(kind).get(name))

    def leave_helper(self) -> None:
        self.raw.containers.create(
            TINY, ["/bin/sh"], name=f"{self.stack}-helper-x", labels=labels.of_helper(self.stack, TINY)
        )

    def lose(self, name: str) -> None:
        self.raw.containers.get(name).remove()

    def detach(self, name: str) -> None:
        self.raw.networks.get(self.stack).disconnect(name, force=True)

    def lose_network(self) -> None:
        network = self.raw.networks.get(self.stack)
        for container in network.containers:
            network.disconnect(container, force=True)
        network.remove()

    def connect_by_hand(self, container: str, network: str) -> None:
        self.raw.networks.get(network).connect(container)

    def run_beside(self, name: str, network: str) -> None:
        self.others.insert(0, ("container", name))
        self.raw.containers.run(TINY, ["/bin/sh", "-c", LOOP], name=name, network=network, detach=True)

    def lose_foreign_network(self, name: str) -> None:
        network = self.raw.networks.get(name)
        for container in network.containers:
            network.disconnect(container, force=True)
        network.remove()

    def update(self, name: str, **host: Any) -> None:
        api: Any = self.raw.api
        api._raise_for_status(api._post_json(api._url("/containers/{0}/update", name), data=host))

    def tamper(self, file: ConfigFile) -> None:
        volume = {config_volume(self.stack, "web_app"): {"bind": "/v"}}
        helper = self.raw.containers.create(TINY, ["/bin/sh"], volumes=volume)
        try:
            folder, _, name = f"/v/{file.path}".rpartition("/")
            helper.put_archive(folder, archive.pack([replace(file, path=name)], mtime=time.time() + 0.5))
        finally:
            helper.remove()

    def end(self, container: str) -> None:
        self.update(container, RestartPolicy={"Name": "no"})
        self.engine.signal(container, "USR1")
        assert self.raw.containers.get(container).wait(timeout=10)["StatusCode"] == 7

    def close(self, folder: str) -> None:
        volume = {config_volume(self.stack, "web_app"): {"bind": "/v"}}
        helper = self.raw.containers.create(TINY, ["/bin/sh"], volumes=volume)
        try:
            helper.put_archive("/", archive.pack_folder(f"v/{folder}", mode=0o700))
        finally:
            helper.remove()

    def tear_state(self) -> None:
        holder = self.raw.containers.get(f"{self.stack}-state")
        chunks, _ = holder.get_archive(VOLUME_ROOT)
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
            members = {m.name.rpartition("/")[2]: tar.extractfile(m) for m in tar if m.isfile()}
            slots = {name: file.read() for name, file in members.items() if file}
        name = newest_slot(slots)
        holder.put_archive(VOLUME_ROOT, tar_of({name: slots[name][:-1].decode()}))

    @contextmanager
    def occupied(self) -> Iterator[int]:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            yield int(listener.getsockname()[1])

    def _collection(self, kind: Kind) -> Any:
        return {"container": self.raw.containers, "network": self.raw.networks, "volume": self.raw.volumes}[
            kind
        ]


def newest_slot(slots: dict[str, bytes]) -> str:
    """Name of the slot with the highest generation."""
    return max(slots, key=lambda name: int(slots[name].split(b" ")[1]))


def tar_of(texts: dict[str, str]) -> bytes:
    """A tar of text files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, text in texts.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(text.encode())
            tar.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()


def of_the_stack(bench: Bench) -> Observed:
    """What is there of the stack, without the networks of whoever else uses the engine now."""
    return replace(bench.engine.observe(bench.stack), others=())
