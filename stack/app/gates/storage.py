"""storage_gate: put and move of objects in a content store, such that an object is there wholly or not at all.

An object is written aside, synced, renamed to the place its SHA-256 names, and only then gets its marker; each
step syncs the folder as well, so the order holds through a crash. An object without a marker does not exist:
readers never see it and ``recover`` removes it. Every failure of a step is a rejection with that step's code.
It must never change an object that has its marker.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from stack.app.gates.policy import StoragePolicy
from stack.app.gates.types import Accepted, Rejected

GATE: Final = "storage_gate"
_CHUNK: Final = 1024 * 1024
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class StoredObject:
    """``digest`` is the SHA-256 of the content in hex; ``size`` in bytes; ``path`` where the content is."""

    digest: str
    size: int
    path: Path


class Disk:
    """The three calls that make a write last. A test or a drill may put a failing one in its place."""

    def __init__(self, durable: bool = True) -> None:
        self._durable = durable

    def sync(self, file: BinaryIO) -> None:
        """Content to the medium."""
        file.flush()
        if self._durable:
            os.fsync(file.fileno())

    def sync_folder(self, folder: Path) -> None:
        """Names to the medium."""
        if not self._durable:
            return
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def rename(self, source: Path, target: Path) -> None:
        """Atomic within one file system."""
        source.replace(target)


class ContentStore:
    """Objects under ``root``; one process at a time may call ``recover``, any number may put and read."""

    def __init__(self, root: Path, policy: StoragePolicy, disk: Disk | None = None) -> None:
        self.root = root
        self._policy = policy
        self._disk = disk or Disk(policy.durable)
        self._staging = root / "staging"
        self._objects = root / "objects"
        self._markers = root / "markers"
        for folder in (self._staging, self._objects, self._markers):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def put(self, source: BinaryIO) -> Accepted[StoredObject]:
        """Store what ``source`` yields; the same content twice is one object, and its second put writes nothing.

        Raises Rejected: E_STORAGE_PUT (write aside), E_STORAGE_MOVE (rename), E_STORAGE_MARKER (marker).
        """
        staged = self.stage(source)
        known = self.find(staged.digest)
        if known is not None and known.size == staged.size:
            _remove(staged.path)
            return self._confirmed(known)
        return self.mark(self.move(staged).value)

    def stage(self, source: BinaryIO) -> StoredObject:
        """First step: the content, written aside, and synced if it is new. Raises Rejected E_STORAGE_PUT."""
        aside = self._staging / secrets.token_hex(16)
        try:
            with aside.open("xb") as file:
                digest, size = self._copy(source, file)
                if self.find(digest) is None:
                    self._disk.sync(file)
            return StoredObject(digest, size, aside)
        except Rejected:
            _remove(aside)
            raise
        except OSError as fault:
            _remove(aside)
            raise _rejected("E_STORAGE_PUT", aside, fault) from None

    def move(self, staged: StoredObject) -> Accepted[StoredObject]:
        """Second step: to its own place, not yet visible. Raises Rejected E_STORAGE_MOVE."""
        target = self._place(self._objects, staged.digest)
        try:
            target.parent.mkdir(mode=0o700, exist_ok=True)
            self._disk.rename(staged.path, target)
            self._disk.sync_folder(target.parent)
            self._disk.sync_folder(self._objects)
        except OSError as fault:
            _remove(staged.path)
            raise _rejected("E_STORAGE_MOVE", target, fault) from None
        return Accepted(GATE, StoredObject(staged.digest, staged.size, target))

    def mark(self, stored: StoredObject) -> Accepted[StoredObject]:
        """Last step: from here on the object exists. Raises Rejected E_STORAGE_MARKER."""
        marker = self._place(self._markers, stored.digest)
        aside = self._staging / secrets.token_hex(16)
        known = marker.exists()
        try:
            marker.parent.mkdir(mode=0o700, exist_ok=True)
            with aside.open("xb") as file:
                file.write(b"%d\n" % stored.size)
                self._disk.sync(file)
            self._disk.rename(aside, marker)
            self._disk.sync_folder(marker.parent)
            self._disk.sync_folder(self._markers)
        except OSError as fault:
            _remove(aside)
            if not known:
                _remove(marker)
            raise _rejected("E_STORAGE_MARKER", marker, fault) from None
        return Accepted(GATE, stored)

    def _confirmed(self, stored: StoredObject) -> Accepted[StoredObject]:
        """Syncs the names of an object again: whoever put it may have died before that."""
        marker = self._place(self._markers, stored.digest)
        try:
            for folder in (stored.path.parent, self._objects, marker.parent, self._markers):
                self._disk.sync_folder(folder)
        except OSError as fault:
            raise _rejected("E_STORAGE_MARKER", marker, fault) from None
        return Accepted(GATE, stored)

    def find(self, digest: str) -> StoredObject | None:
        """The object of that digest, None when there is none with a marker."""
        if not _DIGEST.fullmatch(digest) or not self._place(self._markers, digest).is_file():
            return None
        path = self._place(self._objects, digest)
        return StoredObject(digest, path.stat().st_size, path) if path.is_file() else None

    def remove(self, digest: str) -> None:
        """Make an object cease to exist, if it does: first the marker, durably, then the content. Raises OSError."""
        if not _DIGEST.fullmatch(digest):
            return
        for folder in (self._markers, self._objects):
            place = self._place(folder, digest)
            place.unlink(missing_ok=True)
            if place.parent.is_dir():
                self._disk.sync_folder(place.parent)

    def digests(self) -> Iterator[str]:
        """Every object that exists."""
        return (path.name for path in self._markers.glob("*/*"))

    def recover(self) -> tuple[int, int]:
        """Remove what an interrupted process left: files still being written, and objects without a marker; how many.

        Only at the start, before the first put. Raises OSError.
        """
        staged = list(self._staging.iterdir())
        unmarked = [path for path in self._objects.glob("*/*") if self.find(path.name) is None]
        for path in (*staged, *unmarked):
            path.unlink()
        return len(staged), len(unmarked)

    def _copy(self, source: BinaryIO, file: BinaryIO) -> tuple[str, int]:
        checksum = hashlib.sha256()
        size = 0
        while chunk := source.read(_CHUNK):
            size += len(chunk)
            if size > self._policy.max_object_bytes:
                hint = f"an object must have at most {self._policy.max_object_bytes} bytes"
                raise Rejected(GATE, "E_STORAGE_PUT", f"{size} bytes and more", hint)
            checksum.update(chunk)
            file.write(chunk)
        return checksum.hexdigest(), size

    @staticmethod
    def _place(folder: Path, digest: str) -> Path:
        return folder / digest[:2] / digest


def _remove(path: Path) -> None:
    """Best effort: what stays is removed by ``recover``."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return


def _rejected(error_code: str, path: Path, fault: OSError) -> Rejected:
    reason = fault.strerror or type(fault).__name__
    return Rejected(
        GATE, error_code, str(path), f"{reason}; check the disk and its permissions, then try again"
    )
