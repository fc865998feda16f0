"""An archive as it is written: a plain tar of packed members, each as it comes, under its name when all is there.

A member's size is known once it is written, so its head is filled in afterwards: nothing is kept anywhere else.
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from stack.archives.manifest import NAME, SUMS, Manifest, Member
from stack.archives.zstd import packed
from stack.common.errors import UsageError
from stack.common.files import naming

UNFINISHED = ".unfinished-backup-"
"""How the name of an archive begins that is being written, or was when its command was killed."""

Told = Callable[[int], None]
"""Hears how many bytes of content have been taken."""


class Writer:
    """One archive under way."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._members: list[Member] = []

    @property
    def members(self) -> tuple[Member, ...]:
        """What is in it so far."""
        return tuple(self._members)

    def add(
        self, name: str, content: Iterable[bytes], *, component: str = "", told: Told | None = None
    ) -> None:
        """A member ``NAME.tar.zst`` whose unpacked content comes in chunks."""
        seen = 0

        def counted() -> Iterator[bytes]:
            nonlocal seen
            for chunk in content:
                seen += len(chunk)
                if told:
                    told(seen)
                yield chunk

        size, digest = self._put(name, packed(counted()))
        self._members.append(Member(name, size, digest, seen, component))

    def add_plain(self, name: str, content: bytes) -> None:
        """A member that is not packed."""
        size, digest = self._put(name, (content,))
        self._members.append(Member(name, size, digest, len(content)))

    def finish(self, manifest: Manifest) -> None:
        """Writes the manifest, which must name ``members``, its hash and the end."""
        document = manifest.dump()
        _, digest = self._put(NAME, (document,))
        self._put(SUMS, (f"{digest}  {NAME}\n".encode(),))
        self._file.write(b"\0" * 2 * tarfile.BLOCKSIZE)

    def _put(self, name: str, chunks: Iterable[bytes]) -> tuple[int, str]:
        digest, size, head = hashlib.sha256(), 0, self._file.tell()
        self._file.write(b"\0" * tarfile.BLOCKSIZE)
        for chunk in chunks:
            self._file.write(chunk)
            digest.update(chunk)
            size += len(chunk)
        self._file.write(b"\0" * (-size % tarfile.BLOCKSIZE))
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode, entry.mtime = size, 0o600, int(time.time())
        self._file.seek(head)
        self._file.write(entry.tobuf(tarfile.GNU_FORMAT))
        self._file.seek(0, io.SEEK_END)
        return size, digest.hexdigest()


@contextmanager
def writing(path: Path) -> Iterator[Writer]:
    """An archive that gets its name at the end of the block; of one that fails nothing stays.

    What killed commands left in the folder goes first.
    """
    unfinished = path.with_name(f"{UNFINISHED}{os.getpid()}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        clear(path.parent)
        handle = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written: {error.strerror}", hint="-o FILE names another place"
        ) from error
    try:
        with os.fdopen(handle, "w+b") as file, naming(path):
            yield Writer(file)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def clear(folder: Path) -> None:
    """Removes what killed commands of this machine have left half written."""
    for one in folder.glob(f"{UNFINISHED}*"):
        pid = one.name.removeprefix(UNFINISHED).partition("-")[0]
        if pid.isdigit() and not _lives(int(pid)):
            one.unlink(missing_ok=True)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
