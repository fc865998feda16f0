"""An archive as it is read: its hashes must bear out all of it, and nothing grows beyond what its manifest says."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from stack.archives.manifest import MOST_BYTES, NAME, SUMS, Manifest, Member, parse
from stack.archives.writing import Told
from stack.archives.zstd import Truncated, unpacked
from stack.common.errors import ArchiveRefused

CHUNK = 1 << 20
MOST_MEMBERS = 256
SUFFIX = ".backup.tar"
"""How the names end that backups get where the user names none."""


class Archive(Struct, frozen=True):
    """An archive whose manifest is whole; its members are judged as they are read.

    ``places``: where each lies in the file and how long it is, in bytes.
    """

    path: Path
    manifest: Manifest
    places: dict[str, tuple[int, int]]

    def content(self, member: Member, told: Told | None = None) -> Iterator[bytes]:
        """A member unpacked; ArchiveRefused at the latest at its end where it is not what the manifest says."""
        digest = hashlib.sha256()
        seen = 0
        try:
            raw = self._raw(member, digest.update)
            for piece in raw if member.name.endswith(".age") else unpacked(raw):
                seen += len(piece)
                if seen > member.content:
                    raise self._damaged(
                        member, f"it unpacks to more than the {member.content} bytes it should"
                    )
                if told:
                    told(seen)
                yield piece
        except Truncated as error:
            raise self._damaged(member, str(error)) from error
        if digest.hexdigest() != member.sha256:
            raise self._damaged(member, "its SHA-256 is not that of the manifest")
        if seen != member.content:
            raise self._damaged(member, f"it unpacks to {seen} bytes instead of {member.content}")

    def verify(self, told: Told | None = None) -> None:
        """Reads all of it; ``told`` hears of bytes unpacked in all."""
        before = 0
        for member in self.manifest.members:
            for piece in self.content(member):
                before += len(piece)
                if told:
                    told(before)

    def _raw(self, member: Member, seen: Callable[[bytes], None]) -> Iterator[bytes]:
        at, left = self.places[member.name]
        with self.path.open("rb") as file:
            file.seek(at)
            while left:
                chunk = file.read(min(CHUNK, left))
                if not chunk:
                    raise Truncated("the file ends within it")
                seen(chunk)
                left -= len(chunk)
                yield chunk

    def _damaged(self, member: Member, why: str) -> ArchiveRefused:
        return ArchiveRefused(f"{self.path} is damaged: {member.name}: {why}", hint="use another backup")


def open_archive(path: Path) -> Archive:
    """The archive at ``path``; ArchiveRefused where it is none, is damaged, or of another format."""
    try:
        places, documents = _listed(path)
    except (tarfile.TarError, EOFError) as error:
        raise ArchiveRefused(f"{path} is no whole backup: {error}", hint="use another backup") from error
    except FileNotFoundError as error:
        raise ArchiveRefused(f"{path} is not there", hint="monitoring-stack backup list FOLDER") from error
    except OSError as error:
        raise ArchiveRefused(f"{path} cannot be read: {error.strerror}") from error
    if NAME not in documents or SUMS not in documents:
        raise ArchiveRefused(f"{path} is no whole backup: it has no {NAME}", hint="use another backup")
    digest = hashlib.sha256(documents[NAME]).hexdigest()
    if documents[SUMS].split()[:1] != [digest.encode()]:
        raise ArchiveRefused(f"{path} is damaged: {NAME} does not have the SHA-256 that {SUMS} says")
    manifest = parse(documents[NAME], str(path))
    told = {one.name: one.size for one in manifest.members}
    lie = {name: size for name, (_, size) in places.items()}
    if told != lie:
        odd = sorted(name for name in {*told, *lie} if told.get(name) != lie.get(name))
        raise ArchiveRefused(
            f"{path} is damaged: {odd[0]} is not as its manifest says", hint="use another backup"
        )
    return Archive(path, manifest, places)


def _listed(path: Path) -> tuple[dict[str, tuple[int, int]], dict[str, bytes]]:
    """Where each member lies, and the two documents."""
    places: dict[str, tuple[int, int]] = {}
    documents: dict[str, bytes] = {}
    with path.open("rb") as file, tarfile.open(fileobj=file, mode="r:") as tar:
        for member in tar:
            if not member.isreg() or member.name in places or member.name in documents:
                raise tarfile.TarError(f"it holds {member.name!r}, which no backup writes")
            if len(places) > MOST_MEMBERS or (member.name in (NAME, SUMS) and member.size > MOST_BYTES):
                raise tarfile.TarError("it holds more than any backup")
            if member.name in (NAME, SUMS):
                stream = tar.extractfile(member)
                documents[member.name] = stream.read() if stream else b""
            else:
                places[member.name] = (member.offset_data, member.size)
    return places, documents


def archives_in(folder: Path) -> tuple[Archive, ...]:
    """The backups that lie in a folder, oldest first; what is none, or cannot be read, is left out."""
    found = []
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        with suppress(ArchiveRefused):
            found.append(open_archive(path))
    return tuple(sorted(found, key=lambda one: (one.manifest.created, one.path.name)))
