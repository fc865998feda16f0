"""What should run: one frozen description from which plans, compose files and exports derive.

Values only. Nothing here may touch an engine, a file or the environment.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter
from typing import Literal

from msgspec import Struct, field
from msgspec.structs import replace

from stack.common.errors import SettingsError
from stack.model.digests import WATCHED, content_digest, digest_of
from stack.model.names import host_of, kind_of
from stack.model.outer import MACHINE, OuterNetwork

NAMESPACE = "monitoring-stack"
CONFIG_ROOT = "/etc/stack"
LOG_LINES = 8
"""Log lines of a container that stand beside an error."""
OPEN_FILES = 16384
"""Descriptors of a container. An engine without CAP_SYS_RESOURCE cannot exceed its own hard limit (20,000 met)."""
RESTART = "unless-stopped"
"""When the engine starts a container again that ended: always, unless somebody stopped it."""
NOBODY = 65534  # uid and gid of the official images, and of ours
CURRENT = "current"
"""Versioned files live in ``CONFIG_ROOT/<digest>``; this link names the version in use."""
SECRETS = "secrets"
"""Folder of files that only their user may read."""
TARGETS = "targets"
"""Folder of Prometheus' targets, below CONFIG_ROOT: it is watched, so it never moves."""
HOST_JOBS = "scrape/hosts.yml"
"""The scrape jobs of further hosts: one that is down is told, and holds up no proof of the others."""
DIGEST_RULE = "stack:config_digest:info"
"""The recording rule whose label identifies the files that Prometheus runs."""
TEST_RECEIVER = "stack-test"
"""Alertmanager's receiver of the bundle's own test alert."""
TRIED_RECEIVER = "stack_receiver"
"""The label of a test alert by which it reaches the receiver of that name, and no other."""
TEST_RECEIVER_PORT = 9099
TEST_RECEIVER_URL = f"http://127.0.0.1:{TEST_RECEIVER_PORT}/"
"""Where that receiver listens, for a moment, when the application does not run."""
APPLIED = ".applied"
"""This link names the version that was verified: an engine tells a link's target 40 times faster than content."""


class ConfigFile(Struct, frozen=True):
    """One file for a component's configuration volume; ``path`` is relative, ``uid`` owns it.

    ``origin``: the native file that it was made of, by the path that people know; empty where it is our own.
    ``source``: that file's content, where ours differs from it.
    """

    path: str
    content: bytes
    mode: int = 0o444
    uid: int = 0
    secret: bool = False
    origin: str = ""
    source: bytes = b""

    def __repr__(self) -> str:  # its content may be a secret
        return f"ConfigFile({self.path!r}, {len(self.content)} bytes, mode=0o{self.mode:o}, uid={self.uid})"

    def edited(self, content: bytes) -> ConfigFile:
        """The same file with another content."""
        return (
            self
            if content == self.content
            else replace(self, content=content, source=self.source or self.content)
        )

    def fingerprint(self) -> str:
        """Identity of path, owner, mode and content."""
        told = f"{self.path}\0{self.mode:o}\0{self.uid}\0{content_digest(self.content)}"
        return hashlib.sha256(told.encode()).hexdigest()


class Mount(Struct, frozen=True):
    """A named volume, a host folder of the engine's machine (``bind``) or a ``tmpfs``; ``size`` in bytes."""

    kind: Literal["volume", "bind", "tmpfs"]
    source: str
    target: str
    read_only: bool = True
    size: int = 0


class Port(Struct, frozen=True):
    """A container port published on one address of the engine's machine."""

    container: int
    host: int
    address: str = "127.0.0.1"


class Health(Struct, frozen=True):
    """A health check as the engine runs it; times in seconds."""

    test: tuple[str, ...]
    interval: float = 5.0
    timeout: float = 3.0
    retries: int = 3
    start_period: float = 10.0


class Limits(Struct, frozen=True):
    """Upper bounds of one container: bytes, cores, processes."""

    memory: int
    cpus: float
    pids: int = 256


LOG = ("10m", 3)
"""Size and number of the files in which an engine keeps a container's output."""
LATER = {"host_network": False, "log": LOG}
"""Fields that a container of an earlier version did not have: with these values it is the same container."""


class LinkFolder(Struct, frozen=True):
    """A folder below CONFIG_ROOT that never moves and holds exactly ``links``, each to a file of the version in use.

    For a process that knows a file by the path where it found it: the path stays, whatever version is in use. ``links``
    are (path inside the folder, path of the versioned file).
    """

    path: str
    links: tuple[tuple[str, str], ...] = ()

    def placed(self) -> dict[str, str]:
        """Each link's path below CONFIG_ROOT and its target, relative to where it lies."""
        found = {}
        for name, file in self.links:
            place = f"{self.path}/{name}"
            found[place] = f"{'../' * place.count('/')}{CURRENT}/{file}"
        return found


class ServiceSpec(Struct, frozen=True):
    """One container: everything the engine is told about it, and the files it reads.

    ``ready_path`` is empty where it speaks no HTTP: then its health check tells.
    """

    component: str
    image: str
    image_id: str
    port: int
    ready_path: str
    limits: Limits
    health: Health
    user: str = f"{NOBODY}:{NOBODY}"
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    mounts: tuple[Mount, ...] = ()
    published: Port | None = None
    pid_host: bool = False
    needs: tuple[str, ...] = ()
    reload: Literal["signal", "api", "restart"] = "restart"
    files: tuple[ConfigFile, ...] = ()
    assets: tuple[ConfigFile, ...] = ()
    linked: LinkFolder | None = None
    exact: tuple[str, ...] = ()
    """Folders below CONFIG_ROOT that hold these assets and nothing else: what is described no longer is removed."""
    stop_seconds: int = 10
    stop_signal: str = ""
    """What asks the process to end; empty: what the image says, else TERM."""
    awaits: tuple[str, ...] = ()
    """Those of ``needs`` that must answer before this one starts, not only run."""
    extra_hosts: tuple[tuple[str, str], ...] = ()
    """Names that resolve inside the container besides those of its networks, each with its address."""
    networks: tuple[OuterNetwork, ...] = ()
    """Networks joined besides the stack's own, while it runs. One that is gone stops nothing."""
    log: tuple[str, int] = LOG
    host_network: bool = False
    """It lives in the network of the engine's machine, and in none of the stack's."""
    hostname: str = ""
    """Its own name, empty: ``host``. Engines make it known on each network, so that one that joins others needs one
    that nobody there has."""

    @property
    def kind(self) -> str:
        """The component whose manifest describes it."""
        return kind_of(self.component)

    @property
    def host(self) -> str:
        """The service's name inside the stack's network (RFC 1123: no underscore)."""
        return host_of(self.component)

    @property
    def aliases(self) -> tuple[str, ...]:
        """All its names inside the stack's network."""
        return () if self.host_network else tuple(dict.fromkeys((self.host, self.component)))

    def digest(self) -> str:
        """Identity of the container itself; files are left out, since they change without a new container."""
        left_out = ("files", "assets", "linked", "exact", "reload", "awaits", "networks")
        told = {name: getattr(self, name) for name in self.__struct_fields__ if name not in left_out}
        return digest_of({name: value for name, value in told.items() if value != LATER.get(name, LATER)})

    @property
    def judged(self) -> tuple[ConfigFile, ...]:
        """The files whose content can be right or wrong: versioned ones, and the assets that may come and go."""
        return (*self.files, *self._watched[0])

    @property
    def _watched(self) -> tuple[list[ConfigFile], list[ConfigFile]]:
        """Assets in folders that the process watches by itself, and the others."""
        folders = tuple(f"{folder}/" for folder in self.exact)
        inside = [file for file in self.assets if file.path.startswith(folders)]
        return inside, [file for file in self.assets if not file.path.startswith(folders)]

    def files_digest(self) -> str:
        """Identity of all files, versioned and not, and of their links; empty where there are none.

        That of what the process watches by itself stands behind a dash.
        """
        if not self.files and not self.assets and not self.linked:
            return ""
        watched, others = self._watched
        seen, *told = ([f.fingerprint() for f in ordered(files)] for files in (watched, self.files, others))
        digest = digest_of([*told, self.linked.placed()] if self.linked else told)
        return f"{digest}{WATCHED}{digest_of(seen)[:8]}" if self.exact else digest


class StackSpec(Struct, frozen=True):
    """The whole stack; ``surplus`` says what becomes of containers that ``services`` does not list."""

    name: str
    services: tuple[ServiceSpec, ...] = ()
    surplus: Literal["remove", "stop"] = "remove"
    prune_data: bool = False
    absent: tuple[tuple[str, str], ...] = field(default=())
    """Components that were wanted but cannot run here, each with its reason."""

    def service(self, component: str) -> ServiceSpec:
        """The named service; KeyError where the stack lacks it."""
        return {s.component: s for s in self.services}[component]

    @property
    def components(self) -> tuple[str, ...]:
        """Names of all services in start order."""
        return tuple(s.component for s in self.services)

    def ordered(self) -> StackSpec:
        """The same stack in dependency order, otherwise in the given one; a cycle is an error."""
        by_name = {s.component: s for s in self.services}
        graph = {name: sorted(n for n in s.needs if n in by_name) for name, s in by_name.items()}
        try:
            order = list(TopologicalSorter(graph).static_order())
        except CycleError as error:
            raise SettingsError(
                f"components need each other in a circle: {' > '.join(error.args[1])}"
            ) from error
        return replace(self, services=tuple(by_name[name] for name in order))


def stopped(name: str) -> StackSpec:
    """The description of a stack at rest: nothing runs, everything is kept."""
    return StackSpec(name, surplus="stop")


def destroyed(name: str, *, data: bool) -> StackSpec:
    """The description of a stack that is gone; with ``data`` its data volumes too."""
    return StackSpec(name, prune_data=data)


def container_name(stack: str, component: str) -> str:
    """Name of a component's container."""
    return f"{stack}-{component.replace('_', '-')}"


def internal_addresses(spec: StackSpec) -> tuple[tuple[str, str], ...]:
    """Address inside the stack's own network of every component that speaks HTTP, published or not."""
    told = ((s, MACHINE if s.host_network else s.host) for s in spec.services if s.ready_path)
    return tuple((s.component, f"http://{host}:{s.port}") for s, host in told)


def config_volume(stack: str, component: str) -> str:
    """Name of the volume that carries a component's files."""
    return f"{container_name(stack, component)}-config"


def data_volume(stack: str, component: str) -> str:
    """Name of the volume that keeps a component's data."""
    return f"{container_name(stack, component)}-data"


def ordered(files: Iterable[ConfigFile]) -> list[ConfigFile]:
    """Files by path, so that a digest or archive never depends on the order of discovery."""
    return sorted(files, key=lambda f: f.path)
