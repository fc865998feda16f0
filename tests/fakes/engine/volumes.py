"""Networks and volumes of the in-memory engine, with the files and links that were written into them."""

from __future__ import annotations

import io
import posixpath
import tempfile
from abc import abstractmethod
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from stack.common.errors import StartFailed
from stack.engine import archive, examining_program, keeping_program, labels, upgrading_program
from stack.engine.labels import Kind
from stack.model.found import FOLDER_MODE, FileFound, FileStat
from stack.model.spec import CONFIG_ROOT, ConfigFile
from stack.model.volumes import Damage, VolumeKind
from tests.fakes.engine.images import MemoryImages

LINKS = 8


@dataclass
class MemoryVolume:
    """A volume of ``stack`` (empty: somebody else's); paths are relative to its root."""

    stack: str
    files: dict[str, ConfigFile] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    changed: dict[str, str] = field(default_factory=dict)
    """When each file, folder and link was changed last, as a word."""
    modes: dict[str, int] = field(default_factory=dict)
    """Permissions of folders that are not those of a new one; empty: of the volume itself."""

    def stamp(self, paths: Iterable[str], when: str) -> None:
        """They were changed just now."""
        self.changed.update(dict.fromkeys(paths, when))

    def folders(self) -> set[str]:
        """All folders: those that something lies in."""
        return {str(up) for path in (*self.files, *self.links) for up in PurePosixPath(path).parents} - {"."}

    def stat(self, path: str) -> FileStat | None:
        """What is at a path, without its content; the last part of it is not followed."""
        above, slash, name = path.rpartition("/")
        path = f"{self.resolve(above)}/{name}" if slash else name
        when = self.changed.get(path, "")
        if path in self.links:
            return FileStat("link", 0o777, len(self.links[path]), when, f"{CONFIG_ROOT}/{self.resolve(path)}")
        if path in self.files:
            return FileStat("file", self.files[path].mode, len(self.files[path].content), when)
        if path in ("", *self.folders()):
            return FileStat("folder", self.modes.get(path, FOLDER_MODE), 4096, when)
        return None

    def tree(self, folder: str) -> dict[str, FileFound]:
        """All below a folder, by its path in it; empty: below the root."""
        above = f"{self.resolve(folder)}/" if folder else ""
        found = {p: FileFound("folder", self.modes.get(p, FOLDER_MODE), 0) for p in self.folders()}
        found |= {path: FileFound("file", f.mode, f.uid, f.content) for path, f in tuple(self.files.items())}
        found |= {
            path: FileFound("link", 0o777, 0, b"", target) for path, target in tuple(self.links.items())
        }
        return {path.removeprefix(above): one for path, one in found.items() if path.startswith(above)}

    def resolve(self, path: str) -> str:
        """The path with all links followed."""
        for _ in range(LINKS):
            parts = path.split("/")
            heads = ["/".join(parts[: n + 1]) for n in range(len(parts))]
            linked = next((head for head in heads if head in self.links), None)
            if linked is None:
                return path
            rest = path.removeprefix(linked)
            path = posixpath.normpath(posixpath.join(posixpath.dirname(linked), self.links[linked]) + rest)
        return path

    def contents(self) -> dict[str, bytes]:
        """All files by path."""
        return {path: file.content for path, file in tuple(self.files.items())}

    def discard(self, path: str) -> None:
        """Removes a file, a link or a folder."""
        for kept in (self.files, self.links):
            for name in [n for n in kept if n == path or n.startswith(f"{path}/")]:
                del kept[name]

    @contextmanager
    def on_disk(self) -> Iterator[Path]:
        """Its files in a folder; what they are at the end of the block is what the volume has then."""
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            for path, file in self.files.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_bytes(file.content)
                (root / path).chmod(file.mode)
            yield root
            owners = {path: file.uid for path, file in self.files.items()}
            there = [one for one in root.rglob("*") if one.is_file()]
            names = {str(one.relative_to(root)): one for one in there}
            self.files = {
                name: ConfigFile(name, one.read_bytes(), one.stat().st_mode & 0o777, owners.get(name, 0))
                for name, one in names.items()
            }

    def read(self, path: str) -> bytes | None:
        """A file's content."""
        found = self.files.get(self.resolve(path))
        return found.content if found else None


class MemoryVolumes(MemoryImages):
    """Ownership as with labels: what belongs to no stack of ours is refused."""

    def __init__(self) -> None:
        super().__init__()
        self._numbers = count(1)
        self.networks: dict[str, str] = {}
        self.network_ids: dict[str, str] = {}
        self.volumes: dict[str, MemoryVolume] = {}

    def foreign_network(self, name: str) -> None:
        """Somebody else's network of this name."""
        self.networks[name] = ""
        self.network_ids[name] = f"{name}-{next(self._numbers)}"

    def foreign_volume(self, name: str) -> None:
        """Somebody else's volume of this name."""
        self.volumes[name] = MemoryVolume("")

    def create_network(self, name: str) -> None:
        """See ``Engine``."""
        self._called("create_network", name)
        with self.mutex:
            require("network", name, self.networks.get(name))
            if name not in self.networks:
                self.networks[name] = name
                self.network_ids[name] = f"{name}-{next(self._numbers)}"

    def remove_network(self, name: str) -> None:
        """See ``Engine``."""
        self._called("remove_network", name)
        with self.mutex:
            require("network", name, self.networks.get(name))
            if self._attached(name):
                raise StartFailed(f"remove network {name}: it has active endpoints")
            self.networks.pop(name, None)
            self.network_ids.pop(name, None)

    def create_volume(self, name: str, stack: str) -> None:
        """See ``Engine``."""
        self._called("create_volume", name)
        with self.mutex:
            found = self.volumes.get(name)
            require("volume", name, found.stack if found else None)
            self.volumes.setdefault(name, MemoryVolume(stack))

    def remove_volume(self, name: str) -> None:
        """See ``Engine``."""
        self._called("remove_volume", name)
        with self.mutex:
            found = self.volumes.get(name)
            require("volume", name, found.stack if found else None)
            if self._mounted(name):
                raise StartFailed(f"remove volume {name}: volume is in use")
            self.volumes.pop(name, None)

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
        """See ``Engine``."""
        self._called("write_volume", volume)
        with self.mutex:
            found = self._filled(volume)
            self._needed(image)
            archive.pack(files, links)
            if only:
                for path in archive.surplus(only, found.tree(only), files):
                    found.discard(path)
            found.files.update({file.path: file for file in files})
            found.links.update(dict(links))
            told = [*(file.path for file in files), *(path for path, _ in links)]
            folders = {str(up) for path in told for up in PurePosixPath(path).parents} - {"."}
            for folder in (*folders, *([""] if only else [])):
                found.modes.pop(folder, None)
            found.stamp((*told, *folders), f"write {next(self._numbers)}")

    def tamper(self, volume: str, path: str, file: ConfigFile | None) -> None:
        """Somebody changes a file in a volume, puts it there, or removes it."""
        found, now = self.volumes[volume], f"by hand {next(self._numbers)}"
        if file is None or path not in found.files:
            found.stamp((path.rpartition("/")[0],), now)
        found.discard(path)
        if file is not None:
            found.files[path] = file
            found.stamp((path,), now)

    def remove_from_volume(self, volume: str, stack: str, image: str, paths: tuple[str, ...]) -> None:
        """See ``Engine``."""
        del stack
        self._called("remove_from_volume", volume)
        with self.mutex:
            found = self._filled(volume)
            self._needed(image)
            for path in map(archive.inside, paths):
                found.discard(path)

    def gather(self, stack: str, image: str, volume: str, kind: VolumeKind) -> Generator[bytes]:
        """See ``Engine``; the program that does it is the real one."""
        del stack
        self._called("gather", volume)
        self._needed(image)
        found, out = self._filled(volume), io.BytesIO()
        with found.on_disk() as root:
            try:
                keeping_program.gather(root, kind, out)
            except keeping_program.Unfit as error:
                raise StartFailed(f"read volume {volume}: {error}") from error
        yield out.getvalue()

    def stage(self, stack: str, image: str, volume: str, tar: BinaryIO) -> None:
        """See ``Engine``."""
        del stack
        self._called("stage", volume)
        self._needed(image)
        found = self._filled(volume)
        for path, one in archive.unpack_tree(tar).items():
            if one.kind == "file":
                found.files[path] = ConfigFile(path, one.content, one.mode, one.uid or 0)

    def adopt(self, stack: str, image: str, volume: str) -> None:
        """See ``Engine``."""
        self._program(image, volume, keeping_program.adopt, "adopt")

    def unstage(self, stack: str, image: str, volume: str) -> None:
        """See ``Engine``."""
        self._program(image, volume, keeping_program.unstage, "unstage")

    def keep(self, stack: str, image: str, volume: str, kind: VolumeKind) -> None:
        """See ``Engine``."""
        self._program(image, volume, lambda root: upgrading_program.keep(root, kind), "keep")

    def from_dump(self, stack: str, image: str, volume: str) -> None:
        """See ``Engine``."""
        self._program(image, volume, upgrading_program.from_dump, "from_dump")

    def give_back(self, stack: str, image: str, volume: str) -> None:
        """See ``Engine``."""
        self._program(image, volume, upgrading_program.give_back, "give_back")

    def examine(
        self, stack: str, image: str, volume: str, kind: VolumeKind, now: float, *, deep: bool
    ) -> tuple[Damage, ...]:
        """See ``Engine``."""
        del stack
        found: list[Damage] = []
        self._program(
            image,
            volume,
            lambda root: found.extend(
                Damage(path, why, tuple(moved))
                for path, why, moved in examining_program.examine(root, kind, now, deep)
            ),
            "examine",
        )
        return tuple(found)

    def set_aside(self, stack: str, image: str, volume: str, folder: str, paths: tuple[str, ...]) -> None:
        """See ``Engine``."""
        del stack
        self._program(
            image, volume, lambda root: examining_program.set_aside(root, folder, list(paths)), "set_aside"
        )

    def _program(self, image: str, volume: str, program: Callable[[Path], None], verb: str) -> None:
        self._called(verb, volume)
        self._needed(image)
        with self._filled(volume).on_disk() as root:
            try:
                program(root)
            except keeping_program.Unfit as error:
                raise StartFailed(f"{verb} in volume {volume}: {error}") from error

    def _filled(self, volume: str) -> MemoryVolume:
        found = self.volumes.get(volume)
        require("volume", volume, found.stack if found else None)
        if found is None:
            raise StartFailed(f"volume {volume} is gone", hint="run start again")
        return found

    @abstractmethod
    def _needed(self, image: str) -> str:
        """The id of an image; ``ImageError`` where it is missing."""

    @abstractmethod
    def _attached(self, network: str) -> bool:
        """Whether a running container is on the network."""

    @abstractmethod
    def _mounted(self, volume: str) -> bool:
        """Whether a container has the volume."""


def require(kind: Kind, name: str, stack: str | None) -> None:
    """StartFailed where the object exists and belongs to no stack of ours."""
    if stack == "":
        message, hint = labels.foreign(kind, name)
        raise StartFailed(message, hint=hint)
