"""Reads a tar (POSIX.1-2001 pax, ustar, GNU, v7) as a stream, block by block.

The standard library parses single header blocks; the walk from one to the next is done here, since hostile
headers must be judged before anything is read on their word: metadata is small and counts as content does, sizes
are not negative (CVE-2025-8194), what has no content declares none, and a damaged header is a fault, not the end.

What another reader would take for something else is refused as well: a pax size that contradicts the header's
(CVE-2025-62518), names or sizes for all members at once, numbers that are not octal, data after the end marker.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from typing import BinaryIO, Final

from stack.app.gates.archives.budget import Budget, reject, unsound
from stack.app.gates.archives.inflate import CHUNK
from stack.app.gates.archives.member import Member
from stack.app.gates.archives.pax import pax_number, pax_records

_BLOCK: Final = 512
_MAX_METADATA: Final = 16 * 1024
_MAX_CHAIN: Final = 8
_MAX_TRAILER: Final = 1024 * 1024
_PAX: Final = (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE)
_METADATA: Final = (*_PAX, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
_PLAIN: Final = (tarfile.REGTYPE, tarfile.AREGTYPE)
_SIZE: Final = slice(124, 136)
_LARGEST_OCTAL: Final = 8**11 - 1
_WITHOUT_CONTENT: Final = (
    tarfile.DIRTYPE,
    tarfile.SYMTYPE,
    tarfile.LNKTYPE,
    tarfile.CHRTYPE,
    tarfile.BLKTYPE,
    tarfile.FIFOTYPE,
)


def tar_members(source: BinaryIO, name: str, budget: Budget) -> Iterator[Member]:
    """The members in order. Raises Rejected; E_SPECIAL_TYPE also for a file that is no sound tar."""
    walk = _Walk(source, name, budget)
    while (member := _next(walk, name)) is not None:
        budget.entry(member.name)
        yield member
    _read_trailer(source, name)


def _next(walk: _Walk, name: str) -> Member | None:
    try:
        return walk.next()
    except (tarfile.HeaderError, ValueError, EOFError) as fault:
        unsound("E_SPECIAL_TYPE", name, f"not a sound tar archive ({fault}); pack it again")


class _Walk:
    """The position in a tar: which blocks are read, and how much of the current member is not."""

    def __init__(self, source: BinaryIO, name: str, budget: Budget) -> None:
        self._source = source
        self._name = name
        self._budget = budget
        self._left = 0
        self._padding = 0

    def next(self) -> Member | None:
        """The next member; None at the end marker. Raises ValueError, EOFError or tarfile.HeaderError."""
        self._skip()
        records: dict[str, str] = {}
        described = False
        for _ in range(_MAX_CHAIN + 1):
            block = self._exact(_BLOCK)
            if not any(block):
                if described:
                    raise ValueError("a header that describes no member")
                return None
            info = _header(block)
            if info.type not in _METADATA:
                return self._member(info, records)
            records |= self._metadata(info)
            described = described or info.type != tarfile.XGLTYPE
        raise ValueError("too many headers for one member")

    def _metadata(self, info: tarfile.TarInfo) -> dict[str, str]:
        """What a header that only describes the next one says of it."""
        if not 0 <= info.size <= _MAX_METADATA:
            raise ValueError(f"a header declares {info.size} bytes")
        self._budget.metadata(self._name, info.size)
        data = self._exact(info.size + -info.size % _BLOCK)[: info.size]
        if info.type == tarfile.GNUTYPE_LONGNAME:
            return {"path": data.partition(b"\0")[0].decode("utf-8", "surrogateescape")}
        if info.type == tarfile.XGLTYPE and any(_decides(key) for key in pax_records(data)):
            raise ValueError("a global header with a name, a size or a sparse file's map")
        return pax_records(data) if info.type in _PAX else {}

    def _member(self, info: tarfile.TarInfo, records: dict[str, str]) -> Member:
        name = records.get("path", info.name)
        size = pax_number(records["size"]) if "size" in records else info.size
        if size != info.size and size <= _LARGEST_OCTAL:
            raise ValueError(f"two sizes for one member, {info.size} and {size}")
        kind = info.type
        if kind in _PLAIN and name.endswith("/"):
            kind = tarfile.DIRTYPE
        if size < 0 or (size and kind in _WITHOUT_CONTENT):
            raise ValueError(f"a header declares {size} bytes for something without content")
        self._left, self._padding = size, -size % _BLOCK
        sparse = kind == tarfile.GNUTYPE_SPARSE or any(key.startswith("GNU.sparse") for key in records)
        return Member(
            name=name,
            folder=kind == tarfile.DIRTYPE,
            size=size,
            chunks=lambda: self._content(name),
            special=_why_special(kind, sparse),
        )

    def _content(self, name: str) -> Iterator[bytes]:
        try:
            while self._left:
                chunk = self._exact(min(CHUNK, self._left))
                self._left -= len(chunk)
                yield chunk
        except EOFError as fault:
            unsound("E_FILE_SIZE_STREAM", name, f"{fault}; pack it again")

    def _skip(self) -> None:
        """Past what is left of the current member."""
        while self._left:
            self._left -= len(self._exact(min(CHUNK, self._left)))
        self._exact(self._padding)
        self._padding = 0

    def _exact(self, size: int) -> bytes:
        data = self._source.read(size)
        if len(data) < size:
            raise EOFError("the archive is cut off")
        return data


def _header(block: bytes) -> tarfile.TarInfo:
    """One header block. Raises tarfile.HeaderError, and ValueError for a size that only Python takes for octal."""
    size = block[_SIZE]
    if size[0] < 0x80 and size.strip(b"\0 ").strip(b"01234567"):
        raise ValueError(f"a size that is no number, {size!r}")
    return tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")


def _decides(key: str) -> bool:
    """Whether a pax record says what a member is, rather than who made it and when."""
    return key in ("path", "linkpath", "size") or key.startswith("GNU.sparse")


def _why_special(kind: bytes, sparse: bool) -> str | None:
    if sparse:
        return "sparse files are not allowed; pack them as plain files"
    if kind not in (*_PLAIN, tarfile.DIRTYPE):
        return "only files and folders are allowed, no links, devices or FIFOs"
    return None


def _read_trailer(source: BinaryIO, name: str) -> None:
    """To the end, which is a second block of zeros at least, so that a compressed stream's checksum is verified."""
    size = 0
    while chunk := source.read(CHUNK):
        size += len(chunk)
        if chunk.strip(b"\0"):
            unsound("E_SPECIAL_TYPE", name, "data after the archive's end; pack it again")
        if size > _MAX_TRAILER:
            reject("E_BOMB_RATIO", name, "too many zeros after the archive's end")
    if size < _BLOCK:
        unsound("E_SPECIAL_TYPE", name, "the archive is cut off within its end marker; pack it again")
