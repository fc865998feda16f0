"""Reads a tar (POSIX.1-2001 pax, ustar, GNU, v7) as a stream, block by block.

The walk is done here and not by the standard library, since hostile headers must be judged before anything is read
on their word: metadata is small and counts as content does, sizes are not negative (CVE-2025-8194), what has no
content declares none, and a damaged header is a fault, not the end.

What another reader would take for something else is refused as well: a second source of a name or a size, a pax
size that contradicts the header's (CVE-2025-62518), names or sizes for all members at once, data after the end
marker. Names that a reader without pax would use must not leave the root either.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from typing import BinaryIO, Final

from stack.app.gates.archives.budget import Budget, Member, reject, unsound
from stack.app.gates.archives.inflate import CHUNK
from stack.app.gates.archives.tar_header import (
    BLOCK,
    LARGEST_OCTAL,
    Header,
    decides,
    is_sparse,
    parse,
    pax_number,
    pax_records,
)
from stack.app.gates.traversal import refuse_traversal

_MAX_METADATA: Final = 16 * 1024
_MAX_CHAIN: Final = 8
_MAX_TRAILER: Final = 1024 * 1024
_PAX: Final = (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE)
_METADATA: Final = (*_PAX, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_PLAIN: Final = (tarfile.REGTYPE, tarfile.AREGTYPE)
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
    except (ValueError, EOFError) as fault:
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
        """The next member; None at the end marker. Raises ValueError or EOFError."""
        self._skip()
        records: dict[str, str] | None = None
        for _ in range(_MAX_CHAIN + 1):
            block = self._exact(BLOCK)
            if not any(block):
                if records is not None:
                    raise ValueError("a header that describes no member")
                return None
            header = parse(block)
            if header.kind not in _METADATA:
                return self._member(header, records or {})
            if records is not None:
                raise ValueError("several headers that describe one member")
            _refuse_unused(header.name)
            records = self._metadata(header)
        raise ValueError("too many headers for one member")

    def _metadata(self, header: Header) -> dict[str, str] | None:
        """What a header that only describes the next one says of it; None for one that describes all."""
        if header.size > _MAX_METADATA:
            raise ValueError(f"a header declares {header.size} bytes")
        self._budget.metadata(self._name, header.size)
        data = self._exact(header.size + -header.size % BLOCK)[: header.size]
        if header.kind == tarfile.GNUTYPE_LONGNAME:
            path = data.rstrip(b"\0")
            if b"\0" in path:
                raise ValueError("a long name with something behind its end")
            return {"path": path.decode("utf-8", "surrogateescape")}
        records = pax_records(data)
        if header.kind in _PAX:
            return records
        if any(map(decides, records)):
            raise ValueError("a global header with a name, a size or a sparse file's map")
        return None

    def _member(self, header: Header, records: dict[str, str]) -> Member:
        name = records.get("path", header.name)
        if "path" in records:
            _refuse_unused(header.name)
        size = pax_number(records["size"]) if "size" in records else header.size
        if size != header.size and size <= LARGEST_OCTAL:
            raise ValueError(f"two sizes for one member, {header.size} and {size}")
        kind = _kind(header, name)
        if size and kind in _WITHOUT_CONTENT:
            raise ValueError(f"a header declares {size} bytes for something without content")
        self._left, self._padding = size, -size % BLOCK
        return Member(
            name=name,
            folder=kind == tarfile.DIRTYPE,
            size=size,
            chunks=lambda: self._content(name),
            special=_why_special(kind, any(map(is_sparse, records))),
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


def _refuse_unused(name: str) -> None:
    """Raises ValueError when a name that counts for readers without pax or long names leaves the root.

    Or when it may be the start of packed data: libarchive unpacks a file whose first line is that of uuencode.
    """
    if _CONTROL.search(name):
        raise ValueError("a header's name with control characters")
    if name:
        refuse_traversal(name)


def _kind(header: Header, name: str) -> bytes:
    """The type of a member. A v7 folder is a file whose name ends with a slash. Raises ValueError."""
    if header.kind not in _PLAIN or not (name.endswith("/") or header.name.endswith("/")):
        return header.kind
    if header.kind == tarfile.AREGTYPE and name.endswith("/") and header.name.endswith("/"):
        return tarfile.DIRTYPE
    if name.endswith("/") or header.kind == tarfile.AREGTYPE:
        raise ValueError("a name that is a file to some and a folder to others")
    return header.kind


def _why_special(kind: bytes, sparse: bool) -> str | None:
    if sparse or kind == tarfile.GNUTYPE_SPARSE:
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
    if size < BLOCK:
        unsound("E_SPECIAL_TYPE", name, "the archive is cut off within its end marker; pack it again")
