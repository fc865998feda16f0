"""One reproducible root file system archive from package files, without root and without unpacking to disk.

Members are read out of each package's own archive, filtered, moved and written in sorted order with time 0 and owners
set by the recipe, so that equal packages give equal bytes. Maintainer scripts never run.
"""

from __future__ import annotations

import io
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from copy import copy
from fnmatch import translate
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from stack.common.errors import BuildFailed
from stack.images.recipes import Recipe

MERGED = ("bin", "lib", "lib64", "sbin")
"""Top-level names that are links into usr/ (the usr merge); a package may still name the old path."""
CERTIFICATES = "usr/share/ca-certificates/"
BUNDLE = "etc/ssl/certs/ca-certificates.crt"

Open = Callable[[Path], BinaryIO]


class Member(Struct, frozen=True):
    """A path of the tree: its header and where its bytes are."""

    header: tarfile.TarInfo
    source: tarfile.TarFile | None = None
    content: bytes = b""

    def open(self) -> BinaryIO | None:
        """The bytes of a regular file; None for anything else."""
        if not self.header.isreg():
            return None
        if self.source is None:
            return io.BytesIO(self.content)
        stream = self.source.extractfile(self.header)
        return stream if stream is None else _binary(stream)


def open_deb(path: Path) -> BinaryIO:
    """The file system archive inside a package, as a seekable temporary file. Raises BuildFailed."""
    spool = tempfile.TemporaryFile()  # noqa: SIM115 - the caller's ExitStack closes it
    done = subprocess.run(
        ("dpkg-deb", "--fsys-tarfile", str(path)), stdout=spool, stderr=subprocess.PIPE, check=False
    )
    if done.returncode != 0:
        spool.close()
        said = done.stderr.decode(errors="replace").strip()
        raise BuildFailed(f"package {path.name} cannot be read: {said}", hint="remove it, then start again")
    spool.seek(0)
    return _binary(spool)


def write_tree(debs: Iterable[Path], recipe: Recipe, out: BinaryIO, opener: Open = open_deb) -> None:
    """Write the root file system of ``recipe`` to ``out``."""
    with ExitStack() as stack:
        archives = []
        for deb in debs:
            stream = stack.enter_context(opener(deb))
            archives.append(stack.enter_context(tarfile.open(fileobj=stream, mode="r:")))
        members = _collect(archives, recipe)
        _move(members, recipe.moves)
        _add(members, recipe)
        write_members(members, out)


def write_members(members: dict[str, Member], out: BinaryIO) -> None:
    """Write the tree in sorted order: parents come before children, equal trees give equal bytes."""
    with tarfile.open(fileobj=out, mode="w:", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(members):
            member = members[path]
            header = copy(member.header)
            header.name, header.mtime, header.uname, header.gname = path, 0, "", ""
            header.pax_headers = {}
            tar.addfile(header, member.open())


def file_member(content: bytes, mode: int = 0o644) -> Member:
    """A regular file owned by root."""
    header = tarfile.TarInfo()
    header.size, header.mode = len(content), mode
    return Member(header, content=content)


def folder_member(owner: int = 0, mode: int = 0o755) -> Member:
    """A folder."""
    header = tarfile.TarInfo()
    header.type, header.mode, header.uid, header.gid = tarfile.DIRTYPE, mode, owner, owner
    return Member(header)


def link_member(target: str) -> Member:
    """A symbolic link."""
    header = tarfile.TarInfo()
    header.type, header.linkname, header.mode = tarfile.SYMTYPE, target, 0o777
    return Member(header)


def place(name: str) -> str:
    """A package's path in the tree: relative, and below usr/ where the usr merge has moved it."""
    path = name.removeprefix("./").strip("/")
    first, slash, _ = path.partition("/")
    return f"usr/{path}" if slash and first in MERGED else path


def _collect(archives: Sequence[tarfile.TarFile], recipe: Recipe) -> dict[str, Member]:
    unwanted = re.compile("|".join(map(translate, recipe.left_out)) or r"(?!)")
    members: dict[str, Member] = {}
    for archive in archives:
        for header in archive:
            path = place(header.name)
            if path in ("", ".") or unwanted.match(path):
                continue
            if path in members and header.isdir():
                continue
            members[path] = Member(_target(archive, header), archive)
    return members


def _target(archive: tarfile.TarFile, header: tarfile.TarInfo) -> tarfile.TarInfo:
    """A hard link becomes a copy, since sorting may put it before its target."""
    return archive.getmember(header.linkname) if header.islnk() else header


def _move(members: dict[str, Member], moves: Iterable[tuple[str, str]]) -> None:
    for old, new in moves:
        if old not in members:
            raise BuildFailed(f"the packages have no {old}", hint="the distribution has changed its layout")
        members[new] = members.pop(old)


def _add(members: dict[str, Member], recipe: Recipe) -> None:
    certificates = [m for path, m in sorted(members.items()) if path.startswith(CERTIFICATES)]
    members[BUNDLE] = file_member(
        b"".join(_read(m).rstrip() + b"\n" for m in certificates if m.header.isreg())
    )
    for path, owner in recipe.folders:
        members[path] = folder_member(owner)
    for path, text in recipe.files:
        members[path] = file_member(text.encode())
    for path, target in recipe.links:
        members.setdefault(path, link_member(target))
    for path in list(members):
        for parent in list(Path(path).parents)[:-1]:
            members.setdefault(parent.as_posix(), folder_member())


def _read(member: Member) -> bytes:
    stream = member.open()
    return stream.read() if stream else b""


def _binary(stream: object) -> BinaryIO:
    return stream  # type: ignore[return-value]
