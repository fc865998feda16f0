"""Archives for tests: whole ones, and ones as somebody would forge them."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterable
from pathlib import Path

from msgspec.structs import replace

from stack.archives.manifest import NAME, SUMS, Kept, Manifest, Member
from stack.archives.writing import writing
from stack.archives.zstd import packed

MADE = "2026-11-26 12:00:00 UTC"


def tar_of(*entries: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """A tar of these entries as they are."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for entry, content in entries:
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def file(name: str, content: bytes = b"x", mode: int = 0o644) -> tuple[tarfile.TarInfo, bytes]:
    """A file for a tar."""
    entry = tarfile.TarInfo(name)
    entry.mode, entry.uid, entry.gid = mode, 65534, 65534
    return entry, content


def folder(name: str, mode: int = 0o755) -> tuple[tarfile.TarInfo, bytes]:
    """A folder for a tar."""
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.uid, entry.gid = tarfile.DIRTYPE, mode, 65534, 65534
    return entry, b""


def manifest(members: Iterable[Member], **told: object) -> Manifest:
    """A manifest of these members."""
    made = Manifest("monitoring", MADE, "0.2.0", tuple(members), {"prometheus": "3.13.5"}, Kept(sample=5.0))
    return replace(made, **told)


def written(path: Path, content: bytes = b"", name: str = "prometheus", **told: object) -> Path:
    """A whole archive of one component's data."""
    data = content or tar_of(folder("."), file("wal/00000000", b"w" * 70000))
    with writing(path) as writer:
        writer.add(f"{name}.tar.zst", [data[:1000], data[1000:]], component=name)
        writer.finish(manifest(writer.members, **told))
    return path


def forged(path: Path, parts: dict[str, bytes], document: Manifest | bytes) -> Path:
    """An archive with these members and this manifest, whatever it says; its hash is right."""
    told = document if isinstance(document, bytes) else document.dump()
    sums = f"{hashlib.sha256(told).hexdigest()}  {NAME}\n".encode()
    path.write_bytes(tar_of(*(file(name, data) for name, data in {**parts, NAME: told, SUMS: sums}.items())))
    return path


def zipped(content: bytes) -> bytes:
    """Packed as a member is."""
    return b"".join(packed([content]))


def member(name: str, raw: bytes, content: int) -> Member:
    """What a manifest says of a member."""
    return Member(name, len(raw), hashlib.sha256(raw).hexdigest(), content, name.partition(".")[0])
