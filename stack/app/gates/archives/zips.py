"""Reads a zip (APPNOTE 6.3) from its central directory, strictly: the directory is counted before it is
parsed, every byte of the file belongs to one entry at most (overlapping entries make Fifield's "better zip
bomb", CVE-2019-13232), and sizes and checksums must be what the directory says.

Encrypted entries and unknown methods are special: they cannot be looked into. It must never trust a local
header's sizes.
"""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import BinaryIO, Final

from stack.app.gates.archives.budget import Budget, reject
from stack.app.gates.archives.inflate import CHUNK, Decompressor, Read, bzip2, inflate, raw_deflate, zip_lzma
from stack.app.gates.archives.member import Member

_END: Final = b"PK\x05\x06"
_END_SIZE: Final = 22
_LOCATOR: Final = b"PK\x06\x07"
_END64: Final = b"PK\x06\x06"
_HEADER: Final = struct.Struct("<4s22xHH")
_RECORD: Final = struct.Struct("<4s24xHHH12x")
_UTF8: Final = 0x800
_BYTES_PER_ENTRY: Final = 1024
_UNREADABLE: Final = 0x1 | 0x20 | 0x40 | 0x2000
_STREAMS: Final[dict[int, Callable[[], Decompressor]]] = {
    zipfile.ZIP_DEFLATED: raw_deflate,
    zipfile.ZIP_BZIP2: bzip2,
}
_FAULTS: Final = (zipfile.BadZipFile, struct.error, ValueError, NotImplementedError, OverflowError, EOFError)


def zip_members(source: BinaryIO, name: str, budget: Budget) -> Iterator[Member]:
    """The entries in directory order. Raises Rejected; E_SPECIAL_TYPE also for a file that is no sound zip."""
    try:
        infos, end = _directory(source, budget)
        places = _places(source, infos, end)
    except _FAULTS as fault:
        reject("E_SPECIAL_TYPE", name, f"not a sound zip archive ({fault}); pack it again")
    budget.declared_total(sum(info.file_size for info in infos))
    for info, place in zip(infos, places, strict=True):
        yield _member(source, info, place)


def _directory(source: BinaryIO, budget: Budget) -> tuple[list[zipfile.ZipInfo], int]:
    """The central directory's entries and where it starts, parsed only once their number is known to be allowed."""
    count, size, offset = _end_record(source)
    if count > budget.entries_left or size > budget.policy.max_entries * _BYTES_PER_ENTRY:
        budget.entry("the archive's directory", max(count, budget.entries_left + 1))
    source.seek(offset)
    if _count(source.read(size), budget) != count:
        raise zipfile.BadZipFile("the directory does not have the declared number of entries")
    with zipfile.ZipFile(source) as archive:
        infos = archive.infolist()
        if archive.start_dir != offset or len(infos) != count:
            raise zipfile.BadZipFile("there is more than one directory")
    budget.entry("the archive's directory", count)
    return infos, offset


def _end_record(source: BinaryIO) -> tuple[int, int, int]:
    """Number of entries, size and offset of the directory, from the end record or its zip64 form."""
    size = source.seek(0, 2)
    start = max(0, size - _END_SIZE - 65535)
    source.seek(start)
    tail = source.read()
    at = len(tail) - _END_SIZE
    if at < 0 or not (tail.startswith(_END, at) and tail.endswith(b"\0\0")):
        at = tail.rfind(_END)
    if at < 0:
        raise zipfile.BadZipFile("no end record")
    count, directory, offset = struct.unpack_from("<HLL", tail, at + 10)
    locator = tail[max(0, at - 20) : at]
    if locator.startswith(_LOCATOR):
        source.seek(struct.unpack_from("<Q", locator, 8)[0])
        record = source.read(56)
        if not record.startswith(_END64):
            raise zipfile.BadZipFile("no zip64 end record")
        count, directory, offset = struct.unpack_from("<QQQ", record, 32)
    if offset + directory > size:
        raise zipfile.BadZipFile("the directory lies outside the file")
    return count, directory, offset


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


def _places(source: BinaryIO, infos: list[zipfile.ZipInfo], end: int) -> list[int]:
    """Where each entry's data starts. Refuses entries that share bytes of the file or run into ``end``."""
    places = [_place(source, info) for info in infos]
    spans = sorted(
        (info.header_offset, place + info.compress_size, info.filename)
        for info, place in zip(infos, places, strict=True)
    )
    for (_, stop, name), (start, _, _) in pairwise([*spans, (end, end, "")]):
        if start < stop:
            reject("E_BOMB_RATIO", name, "entries overlap (CVE-2019-13232)")
    return places


def _place(source: BinaryIO, info: zipfile.ZipInfo) -> int:
    source.seek(info.header_offset)
    header: tuple[bytes, int, int] = _HEADER.unpack(source.read(_HEADER.size))
    signature, name_size, extra_size = header
    encoding = "utf-8" if info.flag_bits & _UTF8 else "cp437"
    if signature != b"PK\x03\x04" or source.read(name_size).decode(encoding) != info.orig_filename:
        raise zipfile.BadZipFile(f"the local header of {info.filename!r} differs from the directory")
    return info.header_offset + _HEADER.size + name_size + extra_size


def _member(source: BinaryIO, info: zipfile.ZipInfo, place: int) -> Member:
    mode = info.external_attr >> 16
    folder = info.orig_filename.endswith("/") or stat.S_ISDIR(mode)
    return Member(
        name=info.orig_filename,
        folder=folder,
        size=info.file_size,
        chunks=lambda: _content(source, info, place),
        compressed=info.compress_size,
        special=_why_special(info, mode, folder),
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


def _content(source: BinaryIO, info: zipfile.ZipInfo, place: int) -> Iterator[bytes]:
    read = _window(source, place, info.compress_size)
    checksum = 0
    for chunk in _expanded(info, read):
        checksum = zlib.crc32(chunk, checksum)
        yield chunk
    if checksum != info.CRC:
        reject("E_FILE_SIZE_STREAM", info.orig_filename, "the checksum is wrong; pack it again")


def _expanded(info: zipfile.ZipInfo, read: Read) -> Iterator[bytes]:
    if info.compress_type == zipfile.ZIP_STORED:
        yield from iter(lambda: read(CHUNK), b"")
    elif info.compress_type == zipfile.ZIP_LZMA:
        properties = read(int.from_bytes(read(4)[2:], "little"))
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
