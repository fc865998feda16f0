"""Finds a zip's central directory from the end record (APPNOTE 4.3.16) and its zip64 form (4.3.14, 4.3.15).

Readers differ in which end record they take, in whether zip64 wins, and in whether they believe an offset or look
just before: there is one directory only, it ends where the end records begin, and all offsets agree. It must never
seek where the file has no bytes.
"""

from __future__ import annotations

import struct
import zipfile
from dataclasses import dataclass
from typing import BinaryIO, Final

_SIGNATURE: Final = b"PK\x05\x06"
_LOCATOR_SIGNATURE: Final = b"PK\x06\x07"
_LARGEST: Final = 16 * 1024 * 1024
_RECORD: Final = struct.Struct("<4s4H2LH")
_LOCATOR: Final = struct.Struct("<4sLQL")
_RECORD64: Final = struct.Struct("<4sQ4x2L4Q")
_LONGEST_COMMENT: Final = 65535


@dataclass(frozen=True, slots=True)
class Directory:
    """How many entries the central directory has, how many bytes, and where it starts."""

    count: int
    size: int
    offset: int


def find_directory(source: BinaryIO, strict: bool) -> Directory:
    """Where the directory is. Raises zipfile.BadZipFile; with ``strict`` also when another reader may disagree."""
    start, tail = _tail(source)
    at = _position(tail)
    _, disk, first, here, *numbers, _ = _RECORD.unpack_from(tail, at)
    found = wide = Directory(*numbers)
    end = start + at
    locator = tail[max(0, at - _LOCATOR.size) : at]
    if locator.startswith(_LOCATOR_SIGNATURE):
        end -= _LOCATOR.size + _RECORD64.size
        wide = _zip64(source, locator, end)
    if strict:
        _refuse_other_ends(tail, at)
        if (disk, first) != (0, 0) or here != found.count:
            raise zipfile.BadZipFile("it is one disk of several")
        _refuse_two_directories(found, wide)
    if wide.offset + wide.size != end:
        raise zipfile.BadZipFile("there is something between the directory and its end record")
    return wide


def trailing_directory(source: BinaryIO) -> bytes:
    """The directory just before the last end record, wherever that says it is.

    Raises zipfile.BadZipFile when there is none, ValueError when it is one that only zip64 or much memory can read.
    """
    start, tail = _tail(source)
    at = _position(tail)
    size = _RECORD.unpack_from(tail, at)[5]
    if tail.startswith(_LOCATOR_SIGNATURE, max(0, at - _LOCATOR.size)):
        raise ValueError("a zip64 end record")
    if size > start + at:
        raise zipfile.BadZipFile("the directory lies outside the file")
    if size > _LARGEST:
        raise ValueError("a very large directory")
    source.seek(start + at - size)
    return source.read(size)


def _tail(source: BinaryIO) -> tuple[int, bytes]:
    """The part of the file in which the end records are, and where it starts."""
    start = max(0, source.seek(0, 2) - _RECORD.size - _LONGEST_COMMENT - _LOCATOR.size)
    source.seek(start)
    return start, source.read()


def _position(tail: bytes) -> int:
    """Of the end record: at the very end if it has no comment, else the last."""
    last = len(tail) - _RECORD.size
    if last < 0:
        raise zipfile.BadZipFile("no end record")
    if tail.startswith(_SIGNATURE, last) and tail.endswith(b"\0\0"):
        return last
    at = tail.rfind(_SIGNATURE, 0, last + len(_SIGNATURE))
    if at < 0:
        raise zipfile.BadZipFile("no end record")
    return at


def _zip64(source: BinaryIO, locator: bytes, place: int) -> Directory:
    """The zip64 end record, which must be just before its locator: some readers look there, others where that says."""
    _, disk, offset, disks = _LOCATOR.unpack(locator)
    if offset != place or disk or disks > 1:
        raise zipfile.BadZipFile("the zip64 end record is not where its locator says")
    source.seek(offset)
    signature, size, disk, first, here, *numbers = _RECORD64.unpack(source.read(_RECORD64.size))
    if signature != b"PK\x06\x06" or size + 12 != _RECORD64.size:
        raise zipfile.BadZipFile("no zip64 end record, or one with more data")
    if disk or first or here != numbers[0]:
        raise zipfile.BadZipFile("it is one disk of several")
    return Directory(*numbers)


def _refuse_other_ends(tail: bytes, at: int) -> None:
    """The end record's comment ends the file, and no other record's does (CWE-436)."""
    found = tail.find(_SIGNATURE)
    ends = []
    while 0 <= found <= len(tail) - _RECORD.size:
        if found + _RECORD.size + _RECORD.unpack_from(tail, found)[-1] == len(tail):
            ends.append(found)
        found = tail.find(_SIGNATURE, found + 1)
    if ends != [at]:
        raise zipfile.BadZipFile("the end record is not the file's end, or there are several")


def _refuse_two_directories(found: Directory, wide: Directory) -> None:
    """A number is the same in both end records, unless the small one says that it is too small for it."""
    for small, large, too_small in (
        (found.count, wide.count, 0xFFFF),
        (found.size, wide.size, 0xFFFFFFFF),
        (found.offset, wide.offset, 0xFFFFFFFF),
    ):
        if small not in (large, too_small):
            raise zipfile.BadZipFile("two end records that contradict each other")
