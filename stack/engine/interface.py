"""What the orchestrator may ask of an engine. Nothing outside this package knows the Docker SDK.

The Protocol holds no decisions: each method is one or a few calls and raises errors of ``stack.common.errors`` only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import TracebackType
from typing import BinaryIO, Protocol, Self

from msgspec import Struct

from stack.engine.whole_volumes import WholeVolumes
from stack.model.found import FileFound, FileStat
from stack.model.neighbours import Neighbour
from stack.model.observed import Observed
from stack.model.spec import ConfigFile, Limits, ServiceSpec


class EngineInfo(Struct, frozen=True):
    """Who answers: product, version, API version, address; ``remote`` where our loopback is not the engine's.

    ``restrictions``: limits that this engine cannot give, as sentences; some are noticed only when a container starts.
    ``free``: bytes free in its ``folder``, None where this machine cannot tell. ``swarm``: the state of its swarm mode;
    ``security``: its security modules, as it names them."""

    version: str
    api: str
    address: str
    remote: bool
    os: str
    architecture: str
    cpus: int
    memory: int
    restrictions: tuple[str, ...] = ()
    product: str = "Docker"
    folder: str = ""
    free: int | None = None
    swarm: str = ""
    security: tuple[str, ...] = ()


class ImageInfo(Struct, frozen=True):
    """One image that the engine holds; ``size`` in bytes, ``digests`` as ``repository@sha256:...``.

    ``layers``: what it consists of, lowest first, under names that every engine gives; ids differ between engines.
    ``has_check``: it says how the health of its containers is checked.
    """

    id: str
    tags: tuple[str, ...]
    labels: dict[str, str]
    size: int
    created: str
    digests: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    has_check: bool = False


class ImageConfig(Struct, frozen=True):
    """The run-time defaults that an imported root file system gets."""

    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    user: str = ""
    workdir: str = ""
    env: tuple[tuple[str, str], ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    ports: tuple[int, ...] = ()
    volumes: tuple[str, ...] = ()


class Usage(Struct, frozen=True):
    """What a container uses right now; bytes and a share of one core."""

    memory: int
    memory_limit: int


class Ran(Struct, frozen=True):
    """How a process inside a container ended; ``seen``: what a job's ``look_at`` lead to, in its order."""

    code: int
    output: str
    seen: tuple[FileFound | None, ...] = ()


class Job(Struct, frozen=True):
    """A short-lived container: files are put into its own root file system, it runs, it is removed.

    ``network`` is a stack's name, or a network of others; without one it has none. ``look_at``: paths of files that
    are looked at in it; their links are followed. ``machine``: it finds the engine's machine by its name.
    """

    image: str
    argv: tuple[str, ...]
    files: tuple[ConfigFile, ...] = ()
    folder: str = "/"
    network: str = ""
    user: str = ""
    seconds: float = 120.0
    look_at: tuple[str, ...] = ()
    machine: bool = False


class Holder(Struct, frozen=True):
    """Who holds a stack's lock, as told to the others; ``since`` is text for people.

    ``machine`` and ``born`` identify a process of one boot of one machine; empty where that is not known.
    """

    host: str
    user: str
    command: str
    pid: int
    since: str
    machine: str = ""
    born: str = ""


class Lease(Protocol):
    """A held lock: released at the end of the block."""

    def __enter__(self) -> Self:
        """From here on its sign of life is renewed."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Releases the lock; raises as ``check`` does where it was lost and nothing else went wrong."""

    def check(self) -> None:
        """``Busy`` where somebody took the lock over, ``EngineUnavailable`` where that cannot be known."""


class Engine(WholeVolumes, Protocol):
    """A Docker engine, for the stacks of this bundle only: nothing without our label is ever touched."""

    def info(self) -> EngineInfo:
        """Who answers; ``EngineUnavailable`` where nobody does."""

    def turns_out_remote(self) -> bool:
        """Whether our loopback is not the engine's, looked at anew; ``info`` tells it from then on."""

    def observe(self, name: str) -> Observed:
        """One snapshot of all that carries the label of stack ``name``."""

    def neighbours(self) -> tuple[Neighbour, ...]:
        """All containers of the engine, also those of others, to be looked at only."""

    def stacks(self) -> tuple[str, ...]:
        """Names of all stacks that have a container."""

    def create_network(self, name: str) -> None:
        """The stack's own bridge network; fine if it exists and is ours."""

    def remove_network(self, name: str) -> None:
        """Fine if it is gone."""

    def create_volume(self, name: str, stack: str) -> None:
        """A named volume; fine if it exists and is ours."""

    def remove_volume(self, name: str) -> None:
        """Fine if it is gone."""

    def write_volume(
        self,
        volume: str,
        stack: str,
        image: str,
        files: tuple[ConfigFile, ...],
        links: tuple[tuple[str, str], ...],
        *,
        only: str = "",
    ) -> None:
        """Puts files, then links (path, target) in their order, into a volume through a helper that never starts.

        ``only``: a folder that holds nothing but these files afterwards, in a volume that all may read.
        """

    def remove_from_volume(self, volume: str, stack: str, image: str, paths: tuple[str, ...]) -> None:
        """Removes files, links and whole folders from a volume; ``image`` must have ``rm``. Fine if they are gone."""

    def read_state(self, stack: str) -> bytes | None:
        """The newest whole state document that the engine keeps for this stack; None without one, empty if damaged."""

    def write_state(self, stack: str, content: bytes) -> None:
        """Replaces the state document, wholly or not at all."""

    def remove_state(self, stack: str) -> None:
        """Forgets the state document; fine if there is none."""

    def lock(self, stack: str, holder: Holder) -> Lease:
        """The stack's lock, atomic between machines; ``Busy`` names a live holder, a silent one loses it."""

    def create(self, stack: str, service: ServiceSpec, name: str = "") -> str:
        """Creates the container without starting it and returns its id; under its own name unless another is given."""

    def rename(self, container: str, name: str) -> None:
        """Gives the container another name, which must be free."""

    def connect(self, stack: str, container: str, aliases: tuple[str, ...]) -> None:
        """The container joins the stack's network under these names; anew where it is on it already."""

    def join(self, container: str, network: str) -> None:
        """The container joins a network of somebody else, marked as joined by us; fine if it is on it."""

    def leave(self, container: str, network: str) -> None:
        """The container is on that network no more; fine if it was not, or if the network is gone."""

    def limit(self, container: str, limits: Limits) -> None:
        """Gives a running container these limits, as far as the engine can, and our restart policy."""

    def start(self, container: str) -> None:
        """``PortTaken`` or ``StartFailed`` where the engine refuses."""

    def stop(self, container: str) -> None:
        """Asks it to end, and kills it after the stop time that it declares; fine if it does not run or is gone."""

    def restart(self, container: str) -> None:
        """Stop, with the same patience, and start."""

    def remove(self, container: str) -> None:
        """Removes it by force; fine if it is gone."""

    def signal(self, container: str, name: str) -> None:
        """Sends a signal such as HUP to process 1."""

    def run(self, stack: str, job: Job) -> Ran:
        """Runs a short-lived container to its end."""

    def execute(self, container: str, argv: tuple[str, ...], *, seconds: float | None = None) -> Ran:
        """Runs a process inside a running container; StartFailed where it is silent for ``seconds``."""

    def read_file(self, container: str, path: str) -> bytes | None:
        """A file's content, running or not; None where there is no such file."""

    def stat(self, container: str, paths: tuple[str, ...]) -> tuple[FileStat | None, ...]:
        """Each path without its content, which is quick, running or not; None where there is nothing."""

    def read_folder(self, container: str, path: str) -> dict[str, FileFound]:
        """All that lies below a folder, by its path in it, running or not; nothing where there is no such folder."""

    def logs(self, container: str, tail: int, since: float = 0.0) -> tuple[str, ...]:
        """The last log lines; of those written since a Unix time, to the millisecond."""

    def follow(self, container: str, tail: int) -> Iterator[str]:
        """Log lines as they come, until the container ends."""

    def killed_for_memory(self, container: str) -> bool:
        """Whether its process last ended for want of memory."""

    def usage(self, container: str) -> Usage:
        """Memory in use."""

    def processes(self, container: str) -> tuple[str, ...]:
        """The command lines of its processes, as the engine's machine sees them."""

    def inspect(self, container: str) -> dict[str, object]:
        """The engine's own description, as the API gives it."""

    def image(self, ref: str) -> ImageInfo | None:
        """A held image by reference or id."""

    def pull(self, ref: str, progress: Callable[[str], None], patience: float = 30.0) -> None:
        """``RegistryUnreachable`` where nobody answers within ``patience`` seconds, ``PullRefused`` otherwise."""

    def import_image(self, tar: BinaryIO, tag: str, config: ImageConfig) -> str:
        """A root file system becomes an image; returns its id."""

    def build_image(
        self, context: BinaryIO, tag: str, labels: dict[str, str], progress: Callable[[str], None]
    ) -> str:
        """Builds a tar with a Dockerfile, without network; returns the id, or ``BuildFailed`` says why."""

    def tag(self, image: str, ref: str) -> None:
        """Gives a held image one more reference."""

    def untag(self, ref: str) -> None:
        """Takes the reference away, and the image with its last one; fine if it is gone or in use."""

    def save(self, refs: tuple[str, ...]) -> Iterator[bytes]:
        """The images as one tar, in chunks: what they share is in it once."""

    def load(self, tar: BinaryIO) -> tuple[str, ...]:
        """References of the images that the tar held."""
