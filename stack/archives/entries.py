"""What a member's tar may hold: folders and files below its top, and nothing else. A stream in, a stream out.

An archive may come from anybody. A path that leads out, a link, a device, or one name twice refuses all of it.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import IO

from stack.common.errors import ArchiveRefused

PIECE = 1 << 20
MODES = 0o777
MOST_ENTRIES = 2_000_000


class Stream(io.RawIOBase):
    """Chunks as a file that can only be read on."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks, self._rest = iter(chunks), b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = chunk
        piece, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(piece)] = piece
        return len(piece)


def stream_of(chunks: Iterable[bytes]) -> io.BufferedReader:
    """Chunks as a file to read from."""
    return io.BufferedReader(Stream(chunks), PIECE)


def entries(chunks: Iterable[bytes], what: str) -> Iterator[tuple[tarfile.TarInfo, IO[bytes] | None]]:
    """Each folder (None) and file of a tar with a clean path; ArchiveRefused, naming ``what``, for anything else."""
    seen: set[str] = set()
    source = stream_of(chunks)
    try:
        with tarfile.open(fileobj=source, mode="r|") as tar:
            for member in tar:
                clean = _clean(member, what)
                if clean.name in seen or len(seen) > MOST_ENTRIES:
                    raise _refused(what, member, "is there twice, or is one too many")
                seen.add(clean.name)
                yield clean, tar.extractfile(member) if clean.isreg() else None
        while source.read(PIECE):  # to the end, where the hash of all is told
            pass
    except tarfile.TarError as error:
        raise ArchiveRefused(f"{what} is damaged: {error}", hint="use another backup") from error


def _clean(member: tarfile.TarInfo, what: str) -> tarfile.TarInfo:
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts or "\0" in member.name or "\\" in member.name:
        raise _refused(what, member, "leads out of its folder")
    if not (member.isreg() or member.isdir()) or member.issparse():
        raise _refused(what, member, "is neither file nor folder")
    clean = tarfile.TarInfo(str(path))
    clean.type = tarfile.DIRTYPE if member.isdir() else tarfile.REGTYPE
    clean.size = member.size if member.isreg() else 0
    clean.mode, clean.mtime = member.mode & MODES, member.mtime
    clean.uid, clean.gid = member.uid, member.gid
    return clean


def _refused(what: str, member: tarfile.TarInfo, why: str) -> ArchiveRefused:
    return ArchiveRefused(
        f"{what}: {member.name!r} {why}", hint="no backup of this program has that: do not use it"
    )


def below(folder: str, chunks: Iterable[bytes], what: str) -> Iterator[bytes]:
    """The same tar, judged entry by entry, with all of it below ``folder``, whose owner is that of its top."""
    for entry, content in entries(chunks, what):
        entry.name = folder if entry.name == "." else f"{folder}/{entry.name}"
        yield entry.tobuf(tarfile.PAX_FORMAT)
        if content is not None:
            yield from _read(content, entry, what)
            yield b"\0" * (-entry.size % tarfile.BLOCKSIZE)
    yield b"\0" * 2 * tarfile.BLOCKSIZE


def _read(content: IO[bytes], entry: tarfile.TarInfo, what: str) -> Iterator[bytes]:
    """All of a file; ArchiveRefused where the tar ends within it."""
    left = entry.size
    try:
        while left:
            piece = content.read(min(PIECE, left))
            left -= len(piece)
            yield piece
    except tarfile.TarError as error:
        raise ArchiveRefused(
            f"{what} is damaged: {entry.name}: {error}", hint="use another backup"
        ) from error


def packed_files(files: Iterable[tuple[str, bytes, int]]) -> bytes:
    """A tar of files: path, content, mode."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path, content, mode in files:
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(content), mode
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def unpacked_files(chunks: Iterable[bytes], what: str) -> dict[str, tuple[bytes, int]]:
    """The files of such a tar with their modes, by path."""
    found = {}
    for entry, content in entries(chunks, what):
        if content is not None:
            found[entry.name] = (b"".join(_read(content, entry, what)), entry.mode)
    return found
