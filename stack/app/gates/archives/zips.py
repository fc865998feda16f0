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

from stack.app.gates.archives.budget import Budget, reject, unsound
from stack.app.gates.archives.inflate import CHUNK, Decompressor, Read, bzip2, inflate, raw_deflate, zip_lzma
from stack.app.gates.archives.member import Member
from stack.app.gates.archives.zip_end import Directory, find_directory
from stack.app.gates.archives.zip_headers import (
    Local,
    entry_name,
    local_header,
    refuse_difference,
    same_numbers,
    with_descriptors,
)

_RECORD: Final = struct.Struct("<4s24xHHH12x")
_BYTES_PER_ENTRY: Final = 1024
_UNREADABLE: Final = 0x1 | 0x20 | 0x40 | 0x2000
_STREAMS: Final[dict[int, Callable[[], Decompressor]]] = {
    zipfile.ZIP_DEFLATED: raw_deflate,
    zipfile.ZIP_BZIP2: bzip2,
}
_FAULTS: Final = (zipfile.BadZipFile, struct.error, ValueError, NotImplementedError, OverflowError, EOFError)


def zip_members(source: BinaryIO, name: str, budget: Budget, strict: bool = True) -> Iterator[Member]:
    """The entries in directory order. Raises Rejected; E_SPECIAL_TYPE also for a file that is no sound zip.

    Without ``strict`` a zip is read that some tools would refuse and others would not.
    """
    try:
        directory = find_directory(source, strict)
        infos = _listed(source, directory, budget)
        headers = [local_header(source, info, directory.offset) for info in infos]
        _refuse_overlap(infos, headers, directory.offset)
        names = [entry_name(info) if strict else info.orig_filename for info in infos]
        if strict:
            headers = _agreed(source, infos, headers, directory.offset)
    except _FAULTS as fault:
        unsound("E_SPECIAL_TYPE", name, f"not a sound zip archive ({fault}); pack it again")
    budget.declared_total(sum(info.file_size for info in infos))
    for info, local, given in zip(infos, headers, names, strict=True):
        yield _member(info, given, partial(_content, source, info, local, budget))


def _listed(source: BinaryIO, directory: Directory, budget: Budget) -> list[zipfile.ZipInfo]:
    """The directory's entries, parsed only once their number is known to be allowed."""
    count, size = directory.count, directory.size
    if count > budget.entries_left or size > budget.policy.max_entries * _BYTES_PER_ENTRY:
        budget.entry("the archive's directory", max(count, budget.entries_left + 1))
    source.seek(directory.offset)
    if _count(source.read(size), budget) != count:
        raise zipfile.BadZipFile("the directory does not have the declared number of entries")
    with zipfile.ZipFile(source) as archive:
        infos = archive.infolist()
        if archive.start_dir != directory.offset or len(infos) != count:
            raise zipfile.BadZipFile("there is more than one directory")
    budget.entry("the archive's directory", count)
    return infos


def _count(directory: bytes, budget: Budget) -> int:
    count = at = 0
    while at < len(directory):
        signature, *lengths = _RECORD.unpack_from(directory, at)
        if signature != b"PK\x01\x02":
            raise zipfile.BadZipFile("a damaged directory")
        at += _RECORD.size + sum(lengths)
        count += 1
        if count > budget.entries_left:
            budget.entry("the archive's directory", count)
    return count


def _refuse_overlap(infos: list[zipfile.ZipInfo], headers: list[Local], end: int) -> None:
    """Refuses entries that share bytes of the file or run into ``end``."""
    spans = sorted(
        (info.header_offset, local.place + info.compress_size, info.filename)
        for info, local in zip(infos, headers, strict=True)
    )
    for (_, stop, name), (start, _, _) in pairwise([*spans, (end, end, "")]):
        if start < stop:
            reject("E_BOMB_RATIO", name, "entries overlap (CVE-2019-13232)")


def _agreed(source: BinaryIO, infos: list[zipfile.ZipInfo], headers: list[Local], end: int) -> list[Local]:
    for info, local in zip(infos, headers, strict=True):
        refuse_difference(info, local)
    return with_descriptors(source, infos, headers, end)


def _member(info: zipfile.ZipInfo, name: str, content: Callable[[], Iterator[bytes]]) -> Member:
    mode = info.external_attr >> 16
    folder = info.orig_filename.endswith("/") or stat.S_ISDIR(mode)
    special = _why_special(info, mode, folder)
    return Member(
        name=name,
        folder=folder,
        size=info.file_size,
        chunks=content if special is None else lambda: iter(()),
        compressed=info.compress_size,
        special=special,
    )


def _why_special(info: zipfile.ZipInfo, mode: int, folder: bool) -> str | None:
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "only files and folders are allowed, no links or devices"
    if folder and info.file_size:
        return "a folder must have no content"
    if info.flag_bits & _UNREADABLE:
        return "encrypted or patched entries cannot be checked"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_LZMA, *_STREAMS):
        return f"compression method {info.compress_type} cannot be checked; use deflate"
    return None


def _content(source: BinaryIO, info: zipfile.ZipInfo, local: Local, budget: Budget) -> Iterator[bytes]:
    read = _window(source, local.place, info.compress_size)
    checksum = 0
    for chunk in _expanded(info, read, budget):
        checksum = zlib.crc32(chunk, checksum)
        yield chunk
    if checksum != info.CRC:
        unsound("E_FILE_SIZE_STREAM", info.orig_filename, "the checksum is wrong; pack it again")
    if not same_numbers(info, local):
        unsound("E_FILE_SIZE_STREAM", info.orig_filename, "its headers declare several sizes; pack it again")


def _expanded(info: zipfile.ZipInfo, read: Read, budget: Budget) -> Iterator[bytes]:
    if info.compress_type == zipfile.ZIP_STORED:
        yield from iter(lambda: read(CHUNK), b"")
    elif info.compress_type == zipfile.ZIP_LZMA:
        properties = read(int.from_bytes(read(4)[2:], "little"))
        with budget.dictionary(info.orig_filename):
            yield from inflate(info.orig_filename, read, lambda: zip_lzma(properties))
    else:
        yield from inflate(info.orig_filename, read, _STREAMS[info.compress_type])


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
