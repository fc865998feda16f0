"""Files as a tar for a volume or container, and a file out of a tar. Pure: bytes in, bytes out.

Paths must be relative and stay inside; anything else is a mistake of the caller.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import BinaryIO

from stack.model.spec import ConfigFile, ordered


def pack(files: Iterable[ConfigFile], links: Iterable[tuple[str, str]] = (), mtime: float = 0) -> bytes:
    """Folders, then files, then links (path, target) in the given order: a link never names what is not there yet.

    ``mtime`` in seconds since the epoch. Raises ValueError for a path that leaves the root.
    """
    listed, linked = ordered(files), list(links)
    paths = [inside(path) for path in (*(f.path for f in listed), *(path for path, _ in linked))]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for folder in _folders(paths):
            tar.addfile(_entry(folder, tarfile.DIRTYPE, 0o755, mtime))
        for file in listed:
            entry = _entry(file.path, tarfile.REGTYPE, file.mode, mtime)
            entry.uid, entry.size = file.uid, len(file.content)
            tar.addfile(entry, io.BytesIO(file.content))
        for path, target in linked:
            entry = _entry(path, tarfile.SYMTYPE, 0o777, mtime)
            entry.linkname = target
            tar.addfile(entry)
    return buffer.getvalue()


def unpack_file(data: bytes) -> bytes | str | None:
    """The content of a tar's first member; its target (str) where that is a link; None for anything else."""
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
        member = tar.next()
        if member is None:
            return None
        if member.issym():
            return member.linkname
        stream = tar.extractfile(member) if member.isfile() else None
        return stream.read() if stream else None


def unpack_folder(data: BinaryIO) -> dict[str, bytes | None]:
    """What lies directly in a folder that a tar holds, by name: a file's content, None for anything else."""
    found: dict[str, bytes | None] = {}
    with tarfile.open(fileobj=data, mode="r|") as tar:
        for member in tar:
            _, *names = PurePosixPath(member.name).parts or (".",)
            if len(names) == 1:
                stream = tar.extractfile(member) if member.isfile() else None
                found[names[0]] = stream.read() if stream else None
    return found


def _entry(path: str, kind: bytes, mode: int, mtime: float) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(path)
    entry.type, entry.mode, entry.mtime = kind, mode, int(mtime)
    return entry


def _folders(paths: Iterable[str]) -> list[str]:
    parents = {str(parent) for path in paths for parent in PurePosixPath(path).parents}
    return sorted(parents - {"."})


def inside(path: str) -> str:
    """The path, if it is relative and stays inside; ValueError otherwise."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\0" in path:
        raise ValueError(f"{path!r} is no path inside the volume")
    return path
