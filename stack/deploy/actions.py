"""What each verb of a plan does: one call of the engine, or one question to a product. No decisions.

Files go into ``<version>/`` of a component's volume and the link ``current`` names the version in use, so going back
is moving a link. The link ``.applied`` names the version that was verified; it is written last. Links that must not
move lead through ``current``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from stack.deploy.links import MANIFEST, change, read_manifest, versioned
from stack.engine.interface import Engine
from stack.model.names import next_name
from stack.model.observed import Applied
from stack.model.plan import Step, Verb
from stack.model.spec import (
    APPLIED,
    CONFIG_ROOT,
    CURRENT,
    ConfigFile,
    ServiceSpec,
    StackSpec,
    config_volume,
    container_name,
)

KEPT = 3
"""Versions of a component's files that stay in its volume."""
UNSEEN = (Verb.CREATE_NETWORK, Verb.CREATE_VOLUME, Verb.CREATE, Verb.WRITE)
"""Steps that no process notices."""
SURPLUS = 4
"""Older ones are removed when there are so many more: removing takes a container of its own."""


def nothing(service: ServiceSpec) -> None:
    """For a plan that starts and reloads nothing."""
    del service


class Versions(Protocol):
    """What is known of the versions in configuration volumes."""

    def written(self, volume: str, version: str) -> tuple[str, ...]:
        """Notes a version that is written into the volume; returns all that are in it, oldest first."""

    def forget(self, volume: str, versions: tuple[str, ...]) -> None:
        """They are in the volume no longer; known from now on, whatever becomes of this command."""


class Actions(Struct, frozen=True):
    """Executes steps. ``guard`` lets them touch processes or raises.

    ``verify`` raises unless the component answers and runs the files given.
    """

    engine: Engine
    spec: StackSpec
    verify: Callable[[ServiceSpec], None] = nothing
    reload_api: Callable[[ServiceSpec], None] = nothing
    versions: Versions | None = None
    guard: Callable[[], None] = lambda: None

    def __call__(self, step: Step) -> None:
        """Does one step; errors of ``stack.common.errors`` pass through."""
        if step.verb not in UNSEEN:
            self.guard()
        act: dict[Verb, Callable[[Step], object]] = {
            Verb.CREATE_NETWORK: lambda s: self.engine.create_network(s.target),
            Verb.CREATE_VOLUME: lambda s: self.engine.create_volume(s.target, self.spec.name),
            Verb.WRITE: lambda s: self._write(self.spec.service(s.component)),
            Verb.CREATE: lambda s: self.engine.create(
                self.spec.name, self.spec.service(s.component), s.target
            ),
            Verb.RENAME: lambda s: self.engine.rename(s.object_id or next_name(s.target), s.target),
            Verb.CONNECT: lambda s: self.engine.connect(
                self.spec.name, s.object_id, self.spec.service(s.component).aliases
            ),
            Verb.JOIN: lambda s: self.engine.join(self._container(s), s.network),
            Verb.LEAVE: lambda s: self.engine.leave(self._container(s), s.network),
            Verb.LIMIT: lambda s: self.engine.limit(s.object_id, self.spec.service(s.component).limits),
            Verb.START: lambda s: self.engine.start(s.object_id or s.target),
            Verb.RELOAD: lambda s: self.reload(self.spec.service(s.component)),
            Verb.RESTART: lambda s: self.engine.restart(s.object_id),
            Verb.VERIFY: lambda s: self.verify(self.spec.service(s.component)),
            Verb.RECORD: lambda s: self._record(self.spec.service(s.component)),
            Verb.STOP: lambda s: self.engine.stop(s.object_id),
            Verb.REMOVE: lambda s: self.engine.remove(s.object_id),
            Verb.REMOVE_NETWORK: lambda s: self.engine.remove_network(s.target),
            Verb.REMOVE_VOLUME: lambda s: self.engine.remove_volume(s.target),
        }
        act[step.verb](step)

    def _container(self, step: Step) -> str:
        return step.object_id or container_name(self.spec.name, step.component)

    def reload(self, service: ServiceSpec) -> None:
        """Tells a running process to read its files again, the way it wants to be told."""
        name = container_name(self.spec.name, service.component)
        if service.reload == "signal":
            self.engine.signal(name, "HUP")
        elif service.reload == "api":
            self.reload_api(service)
        else:
            self.engine.restart(name)

    def go_back(self, service: ServiceSpec, previous: Applied) -> None:
        """Puts the version that was verified last back in use."""
        links = self._links_of(service, previous.version) if service.linked else {}
        self._use(service, previous.version, (), links)
        self.reload(service)

    def _write(self, service: ServiceSpec) -> None:
        version = service.files_digest()
        links = service.linked.placed() if service.linked else {}
        files = versioned(service)
        self._use(service, version, (*files, *service.assets), links, only=version)
        self._clear(service)

    def _clear(self, service: ServiceSpec) -> None:
        """What lies in a folder of exactly these assets, and is none of them, goes."""
        name = container_name(self.spec.name, service.component)
        stale: list[str] = []
        for folder in service.exact:
            wanted = {f.path: "" for f in service.assets if f.path.startswith(f"{folder}/")}
            there = self.engine.read_folder(name, f"{CONFIG_ROOT}/{folder}")
            stale += change(folder, wanted, {f"{folder}/{path}": "" for path in there}).remove
        if stale:
            volume = config_volume(self.spec.name, service.component)
            self.engine.remove_from_volume(volume, self.spec.name, service.image, tuple(stale))

    def _use(
        self,
        service: ServiceSpec,
        version: str,
        files: tuple[ConfigFile, ...],
        links: dict[str, str],
        *,
        only: str = "",
    ) -> None:
        """Files and new links first, then the version is in use, then links go that lead nowhere any more."""
        if service.linked is None:
            self._into_volume(service, files, ((CURRENT, version),), only)
            return
        name, root = container_name(self.spec.name, service.component), service.linked.path
        found = self.engine.read_folder(name, f"{CONFIG_ROOT}/{root}")
        changed = change(root, links, {f"{root}/{path}": one.target for path, one in found.items()})
        self._into_volume(service, files, (*changed.place, (CURRENT, version)), only)
        if changed.remove:
            volume = config_volume(self.spec.name, service.component)
            self.engine.remove_from_volume(volume, self.spec.name, service.image, changed.remove)

    def _links_of(self, service: ServiceSpec, version: str) -> dict[str, str]:
        name = container_name(self.spec.name, service.component)
        return read_manifest(self.engine.read_file(name, f"{CONFIG_ROOT}/{version}/{MANIFEST}"))

    def _record(self, service: ServiceSpec) -> None:
        version = service.files_digest()
        self._into_volume(service, (), ((APPLIED, version),))
        self._prune(service, version)

    def _prune(self, service: ServiceSpec, version: str) -> None:
        """Old versions of its files leave the volume, a few at a time."""
        if self.versions is None:
            return
        volume = config_volume(self.spec.name, service.component)
        known = self.versions.written(volume, version)
        if len(known) >= KEPT + SURPLUS:
            old = tuple(v for v in known[:-KEPT] if v != version)
            self.engine.remove_from_volume(volume, self.spec.name, service.image, old)
            self.versions.forget(volume, old)

    def _into_volume(
        self,
        service: ServiceSpec,
        files: tuple[ConfigFile, ...],
        links: tuple[tuple[str, str], ...],
        only: str = "",
    ) -> None:
        volume = config_volume(self.spec.name, service.component)
        self.engine.write_volume(volume, self.spec.name, service.image, files, links, only=only)
