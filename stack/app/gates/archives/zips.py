"""Reads a zip (APPNOTE 6.3) from its central directory, strictly: the directory is counted before it is
parsed, every byte of the file belongs to exactly one entry (overlapping entries make Fifield's "better zip
bomb", CVE-2019-13232), and sizes and checksums must be what both headers say.

Encrypted entries and unknown methods are special: they cannot be looked into. It must never trust a local
header's sizes.
"""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from typing import BinaryIO, Final

from stack.app.gates.archives.budget import Budget, Member, reject, unsound
from stack.app.gates.archives.inflate import CHUNK, Decompressor, Read, bzip2, inflate, raw_deflate, zip_lzma
from stack.app.gates.archives.zip_end import Directory, find_directory
from stack.app.gates.archives.zip_headers import (
    Local,
    Record,
    directory_records,
    entry_name,
    local_header,
    refuse_difference,
    same_numbers,
    with_descriptors,
)

_BYTES_PER_ENTRY: Final = 1024
_UNREADABLE: Final = 0x1 | 0x20 | 0x40 | 0x2000
_DOS_LABEL: Final = 0x08
_DOS_FOLDER: Final = 0x10
_STREAMS: Final[dict[int, Callable[[], Decompressor]]] = {
    zipfile.ZIP_DEFLATED: raw_deflate,
    zipfile.ZIP_BZIP2: bzip2,
}
_FAULTS: Final = (zipfile.BadZipFile, struct.error, ValueError, OverflowError, EOFError)


def zip_members(source: BinaryIO, name: str, budget: Budget, strict: bool = True) -> Iterator[Member]:
    """The entries in directory order. Raises Rejected; E_SPECIAL_TYPE also for a file that is no sound zip.

    Without ``strict`` a zip is read that some tools would refuse and others would not.
    """
    try:
        directory = find_directory(source, strict)
        records = _listed(source, directory, budget)
        headers = [local_header(source, record, directory.offset) for record in records]
        _refuse_overlap(records, headers, directory.offset)
        names = [entry_name(record) if strict else record.shown for record in records]
        if strict:
            headers = _agreed(source, records, headers, directory.offset)
    except _FAULTS as fault:
        unsound("E_SPECIAL_TYPE", name, f"not a sound zip archive ({fault}); pack it again")
    budget.declared_total(sum(record.size for record in records))
    for record, local, given in zip(records, headers, names, strict=True):
        yield _member(record, given, partial(_content, source, record, local, budget))


def _listed(source: BinaryIO, directory: Directory, budget: Budget) -> list[Record]:
    """The directory's entries, parsed only as far as their number is allowed."""
    count, size = directory.count, directory.size
    if count > budget.entries_left or size > budget.policy.max_entries * _BYTES_PER_ENTRY:
        budget.entry("the archive's directory", max(count, budget.entries_left + 1))
    source.seek(directory.offset)
    records: list[Record] = []
    for record in directory_records(source.read(size)):
        records.append(record)
        if len(records) > budget.entries_left:
            budget.entry("the archive's directory", len(records))
    if len(records) != count:
        raise zipfile.BadZipFile("the directory does not have the declared number of entries")
    budget.entry("the archive's directory", count)
    return records


def _refuse_overlap(records: list[Record], headers: list[Local], end: int) -> None:
    """Refuses entries that share bytes of the file or run into ``end``."""
    spans = sorted(
        (record.offset, local.place + record.packed, record.shown)
        for record, local in zip(records, headers, strict=True)
    )
    for (_, stop, name), (start, _, _) in pairwise([*spans, (end, end, "")]):
        if start < stop:
            reject("E_BOMB_RATIO", name, "entries overlap (CVE-2019-13232)")


def _agreed(source: BinaryIO, records: list[Record], headers: list[Local], end: int) -> list[Local]:
    for record, local in zip(records, headers, strict=True):
        refuse_difference(record, local)
    return with_descriptors(source, records, headers, end)


def _member(record: Record, name: str, content: Callable[[], Iterator[bytes]]) -> Member:
    folder = record.name.endswith(b"/")
    special = _why_special(record, folder)
    return Member(
        name=name,
        folder=folder,
        size=record.size,
        chunks=content if special is None else lambda: iter(()),
        compressed=record.packed,
        special=special,
    )


def _why_special(record: Record, folder: bool) -> str | None:
    mode = record.attributes >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR) or record.attributes & _DOS_LABEL:
        return "only files and folders are allowed, no links, devices or labels"
    if not folder and (stat.S_ISDIR(mode) or record.attributes & _DOS_FOLDER):
        return "a folder's name must end with a slash"
    if folder and record.size:
        return "a folder must have no content"
    if record.flags & _UNREADABLE:
        return "encrypted or patched entries cannot be checked"
    if record.method not in (zipfile.ZIP_STORED, zipfile.ZIP_LZMA, *_STREAMS):
        return f"compression method {record.method} cannot be checked; use deflate"
    return None


def _content(source: BinaryIO, record: Record, local: Local, budget: Budget) -> Iterator[bytes]:
    read = _window(source, local.place, record.packed)
    checksum = 0
    for chunk in _expanded(record, read, budget):
        checksum = zlib.crc32(chunk, checksum)
        yield chunk
    if checksum != record.numbers[0]:
        unsound("E_FILE_SIZE_STREAM", record.shown, "the checksum is wrong; pack it again")
    if not same_numbers(record, local):
        unsound("E_FILE_SIZE_STREAM", record.shown, "its headers declare several sizes; pack it again")


def _expanded(record: Record, read: Read, budget: Budget) -> Iterator[bytes]:
    if record.method == zipfile.ZIP_STORED:
        yield from iter(lambda: read(CHUNK), b"")
    elif record.method == zipfile.ZIP_LZMA:
        properties = read(int.from_bytes(read(4)[2:], "little"))
        with budget.dictionary(record.shown):
            yield from inflate(record.shown, read, lambda: zip_lzma(properties))
    else:
        yield from inflate(record.shown, read, _STREAMS[record.method])


def _window(source: BinaryIO, start: int, size: int) -> Read:
    """Reads ``size`` bytes from ``start`` on, whatever else moves the file's position meanwhile."""
    at, end = start, start + size

    def read(wanted: int) -> bytes:
        nonlocal at
        source.seek(at)
        data = source.read(min(wanted, end - at))
        at += len(data)
        return data

    return read
