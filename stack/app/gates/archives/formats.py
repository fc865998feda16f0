"""Tells an archive's format by its first bytes, never by its name, and opens the reader for it.

A tar may be plain or inside gzip, bzip2 or xz. A file that is two archives at once is refused: which of them a reader
opens is its own choice (CWE-436). It must never read more than one chunk to make up its mind.
"""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from typing import BinaryIO, Final, cast

from stack.app.gates.archives.budget import Budget, Member, Unsound, reject, unsound
from stack.app.gates.archives.inflate import Decompressor, bzip2, gzip, inflate, xz
from stack.app.gates.archives.tar_header import has_checksum
from stack.app.gates.archives.tars import tar_members
from stack.app.gates.archives.zip_end import trailing_directory
from stack.app.gates.archives.zip_headers import Record, directory_records
from stack.app.gates.archives.zips import zip_members
from stack.app.gates.traversal import refuse_traversal

HEAD: Final = 512
_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
_COMPRESSED: Final[tuple[tuple[bytes, Callable[[], Decompressor]], ...]] = (
    (b"\x1f\x8b\x08", gzip),
    (b"BZh", bzip2),
    (b"\xfd7zXZ\0", xz),
)
_MOST_RECORDS: Final = 10_000
_ISO_9660: Final = (32769, b"CD001")  # libarchive prefers it to zip


def is_archive(head: bytes) -> bool:
    """Whether a file that starts so would be opened by a reader; ``head`` should have 512 bytes."""
    return head.startswith(_ZIP) or has_checksum(head) or _stream(head) is not None


def members(source: BinaryIO, name: str, budget: Budget, nested: bool = False) -> Iterator[Member]:
    """The members of an archive of any known format. Raises Rejected E_SPECIAL_TYPE for anything else.

    With ``nested`` a compressed file that is no tar is a member too, and a zip that only some tools would open
    is opened, since it is measured and not unpacked.
    """
    source.seek(0)
    head = source.read(HEAD)
    new = _stream(head)
    source.seek(0)
    if head.startswith(_ZIP):
        yield from zip_members(source, name, budget, strict=not nested)
    elif new is not None:
        with budget.dictionary(name) if new is xz else nullcontext():
            yield from _compressed(Chunks(inflate(name, source.read, new, many=True)), name, budget, nested)
    elif has_checksum(head) or (_is_empty_tar(head) and not nested):
        yield from tar_members(source, name, budget)
    else:
        reject("E_SPECIAL_TYPE", name, "use zip, tar, tar.gz, tar.bz2 or tar.xz")
    if not nested:
        first = "zip" if head.startswith(_ZIP) else "packed" if new else "tar"
        _refuse_second_format(source, head, name, first)


def _compressed(stream: Chunks, name: str, budget: Budget, nested: bool) -> Iterator[Member]:
    head = stream.peek(HEAD)
    if nested:
        if has_checksum(head):
            with suppress(Unsound):
                yield from tar_members(cast(BinaryIO, stream), name, budget)
        rest = iter(lambda: stream.read(io.DEFAULT_BUFFER_SIZE), b"")
        yield Member(name, folder=False, size=0, chunks=lambda: rest, exact=False)
    elif has_checksum(head) or _is_empty_tar(head):
        yield from tar_members(cast(BinaryIO, stream), name, budget)
    else:
        reject("E_SPECIAL_TYPE", name, "a compressed file that holds no tar; use zip or tar")


def _is_empty_tar(head: bytes) -> bool:
    """Nothing but the end marker, as ``tar -T /dev/null`` writes it."""
    return len(head) == HEAD and not any(head)


def _stream(head: bytes) -> Callable[[], Decompressor] | None:
    return next((new for magic, new in _COMPRESSED if head.startswith(magic)), None)


class Chunks:
    """A generator of chunks as a file that can only be read forward."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._kept = b""

    def peek(self, size: int) -> bytes:
        """The next ``size`` bytes, or fewer at the end, without using them up."""
        while len(self._kept) < size and (chunk := next(self._chunks, b"")):
            self._kept += chunk
        return self._kept[:size]

    def read(self, size: int) -> bytes:
        """``size`` bytes, or fewer at the end."""
        data = self.peek(size)
        self._kept = self._kept[len(data) :]
        return data


def _refuse_second_format(source: BinaryIO, head: bytes, name: str, first: str) -> None:
    """Raises Rejected when a file of the format ``first`` (zip, tar or packed) may be opened as another one too.

    A tar may hold a zip near its end, which unzip would open, as long as that stays inside its target as well.
    """
    source.seek(_ISO_9660[0])
    iso = source.read(len(_ISO_9660[1])) == _ISO_9660[1]
    if iso or (first != "tar" and has_checksum(head)) or (first != "zip" and _has_unsafe_zip(source)):
        unsound("E_SPECIAL_TYPE", name, "two archives in one file; pack it again")


def _has_unsafe_zip(source: BinaryIO) -> bool:
    """Whether the file ends with a zip that leaves its target; what is before such a zip, readers skip."""
    try:
        records = enumerate(directory_records(trailing_directory(source)))
        return any(number == _MOST_RECORDS or _leaves(record) for number, record in records)
    except (zipfile.BadZipFile, struct.error):
        return False
    except ValueError:
        return True


def _leaves(record: Record) -> bool:
    try:
        refuse_traversal(record.name.decode("cp437"))
    except ValueError:
        return True
    return stat.S_IFMT(record.attributes >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR)
