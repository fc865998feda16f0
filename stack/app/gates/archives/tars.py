"""Reads a tar (POSIX.1-2001 pax, ustar, GNU) as a stream, with the standard library's parser fenced in.

``_Header`` sees every header block before anything is read on its word: metadata blocks are small, sizes are
not negative (CVE-2025-8194) and a damaged header is a fault, not the end. Reading forward only keeps the parser
away from seeks. It must never call tarfile's own extraction.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from typing import Any, BinaryIO, Final, cast

from stack.app.gates.archives.budget import Budget, reject
from stack.app.gates.archives.inflate import CHUNK
from stack.app.gates.archives.member import Member

_BLOCK: Final = 512
_MAX_METADATA: Final = 16 * 1024
_MAX_CHAIN: Final = 8
_MAX_TRAILER: Final = 1024 * 1024
_METADATA: Final = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
_KINDS: Final = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE)
_FAULTS: Final = (tarfile.TarError, ValueError, OverflowError, EOFError, IndexError, KeyError)


def tar_members(source: BinaryIO, name: str, budget: Budget) -> Iterator[Member]:
    """The members in order. Raises Rejected; E_SPECIAL_TYPE also for a file that is no sound tar."""
    try:
        with tarfile.open(fileobj=source, mode="r|", tarinfo=_header(name, budget)) as archive:
            for info in archive:
                yield _member(archive, info)
    except _FAULTS as fault:
        reject("E_SPECIAL_TYPE", name, f"not a sound tar archive ({fault}); pack it again")
    _read_trailer(source, name)


def _header(name: str, budget: Budget) -> type[tarfile.TarInfo]:
    """A TarInfo that refuses hostile headers before their content is read."""
    chain = 0

    class Header(tarfile.TarInfo):
        @classmethod
        def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Any:
            nonlocal chain
            if len(buf) != _BLOCK:
                raise EOFError("the archive is cut off")
            if not any(buf):
                return super().frombuf(buf, encoding, errors)
            info = _sound(super().frombuf, buf, encoding, errors)
            chain = chain + 1 if info.type in _METADATA else 0
            if chain > _MAX_CHAIN:
                raise ValueError("too many headers for one member")
            if not chain:
                budget.entry(name)
            return info

    return Header


def _sound(parse: Any, *block: Any) -> tarfile.TarInfo:
    try:
        info = cast(tarfile.TarInfo, parse(*block))
    except tarfile.HeaderError as fault:
        raise ValueError(f"damaged header: {fault}") from None
    if info.size < 0 or (info.type in _METADATA and info.size > _MAX_METADATA):
        raise ValueError(f"a header declares {info.size} bytes")
    return info


def _member(archive: tarfile.TarFile, info: tarfile.TarInfo) -> Member:
    return Member(
        name=info.name,
        folder=info.isdir(),
        size=info.size,
        chunks=lambda: _content(archive, info),
        special=_why_special(info),
    )


def _why_special(info: tarfile.TarInfo) -> str | None:
    if info.issparse() or any(key.startswith("GNU.sparse") for key in info.pax_headers):
        return "sparse files are not allowed; pack them as plain files"
    if info.type not in _KINDS:
        return "only files and folders are allowed, no links, devices or FIFOs"
    return "a size must not be negative" if info.size < 0 else None


def _content(archive: tarfile.TarFile, info: tarfile.TarInfo) -> Iterator[bytes]:
    stream = archive.extractfile(info)
    if stream is None:
        return
    try:
        yield from iter(lambda: stream.read(CHUNK), b"")
    except _FAULTS as fault:
        reject("E_FILE_SIZE_STREAM", info.name, f"the archive is cut off ({fault})")


def _read_trailer(source: BinaryIO, name: str) -> None:
    """To the end, so that the compressed stream's checksum is verified."""
    size = 0
    while chunk := source.read(CHUNK):
        size += len(chunk)
        if size > _MAX_TRAILER:
            reject("E_BOMB_RATIO", name, "too much data after the archive's end")
