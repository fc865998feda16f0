"""Files as a tar for a volume or container, and a file out of a tar. Pure: bytes in, bytes out.

Paths must be relative and stay inside; anything else is a mistake of the caller.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import BinaryIO

from stack.model.found import FOLDER_MODE, FileFound, FileKind
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
            tar.addfile(_entry(folder, tarfile.DIRTYPE, FOLDER_MODE, mtime))
        for file in listed:
            entry = _entry(file.path, tarfile.REGTYPE, file.mode, mtime)
            entry.uid, entry.size = file.uid, len(file.content)
            tar.addfile(entry, io.BytesIO(file.content))
        for path, target in linked:
            entry = _entry(path, tarfile.SYMTYPE, 0o777, mtime)
            entry.linkname = target
            tar.addfile(entry)
    # Without the padding behind its end: Podman's reader may be gone before it is sent ("broken pipe").
    return buffer.getvalue()[: tar.offset]


def pack_folder(path: str, mtime: float = 0, mode: int = FOLDER_MODE) -> bytes:
    """An empty folder: where there is one, with whatever in it, it gets its permissions and owner anew."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(_entry(inside(path), tarfile.DIRTYPE, mode, mtime))
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


def unpack_tree(data: BinaryIO, *, owners: bool = True) -> dict[str, FileFound]:
    """All that a tar of a folder holds, by its path in that folder; ``owners``: whether those in it count."""
    found: dict[str, FileFound] = {}
    with tarfile.open(fileobj=data, mode="r|") as tar:
        for member in tar:
            path = "/".join(part for part in PurePosixPath(member.name).parts if part != ".")
            if path:
                stream = tar.extractfile(member) if member.isfile() else None
                content = stream.read() if stream else b""
                mode, uid = member.mode & 0o7777, member.uid if owners else None
                found[path] = FileFound(_kind(member), mode, uid, content, member.linkname)
    return found


def surplus(folder: str, there: Iterable[str], files: Iterable[ConfigFile]) -> tuple[str, ...]:
    """Of all that lies below ``folder``, by path in it, what is none of ``files`` and no folder of theirs."""
    wanted = [file.path for file in files]
    kept = {*wanted, *_folders(wanted)}
    foreign = {path for path in (f"{folder}/{name}" for name in there) if path not in kept}
    return tuple(sorted(p for p in foreign if not any(str(up) in foreign for up in PurePosixPath(p).parents)))


def _kind(member: tarfile.TarInfo) -> FileKind:
    if member.isdir():
        return "folder"
    return "link" if member.issym() else "file" if member.isfile() else "other"


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
