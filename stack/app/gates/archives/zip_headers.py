"""A zip entry's two headers: its record in the directory (APPNOTE 4.3.12) and the local one before its data (4.3.7).

Readers from front to back believe the second, others the first (CWE-436): strictly, both say the same, and there is
nothing in the file that only one of them lists. It must never read content.
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO, Final

from stack.app.gates.traversal import refuse_traversal

UTF8: Final = 0x800
DESCRIPTOR: Final = 0x8
_RECORD: Final = struct.Struct("<4s4x2H4x3L4H2x2L")
_LOCAL: Final = struct.Struct("<4s2x2H4x3L2H")
_DESCRIPTOR_SIGNATURE: Final = b"PK\x07\x08"
_NARROW: Final = struct.Struct("<3L")
_WIDE: Final = struct.Struct("<LQQ")
_LONGEST_DESCRIPTOR: Final = len(_DESCRIPTOR_SIGNATURE) + _WIDE.size
_DEFLATE_EFFORT: Final = 0x6
_OVERLONG: Final = re.compile(rb"(?:[\xc0\xc1]|\xe0[\x80\x81]|\xf0\x80[\x80\x81])[\x80-\xbf]")
_VERSION: Final = re.compile(rb";[0-9]*\Z")
_ZIP64: Final = 0x0001
_UNICODE_PATH: Final = 0x7075
_ATTRIBUTES: Final = (
    0x6C78,
    0x756E,
)  # of which libarchive, from the local header alone, and unzip make links
_LEFT_OUT: Final = b"\x98\xff"  # by unzip, which takes the first for the second in a name of DOS
_TOO_SMALL: Final = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Record:
    """An entry as the directory tells it. ``numbers`` are checksum, packed and unpacked size."""

    name: bytes
    flags: int
    method: int
    numbers: tuple[int, int, int]
    disk: int
    attributes: int
    offset: int
    extra: Mapping[int, bytes]

    @property
    def packed(self) -> int:
        """Bytes of its data in the file."""
        return self.numbers[1]

    @property
    def size(self) -> int:
        """Bytes of its content."""
        return self.numbers[2]

    @property
    def shown(self) -> str:
        """Its name for a message."""
        return self.name.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Local:
    """A local header; its data starts at ``place``, and between that and the next header stands ``descriptor``."""

    name: bytes
    flags: int
    method: int
    numbers: tuple[int, int, int]
    extra: Mapping[int, bytes]
    place: int
    descriptor: bytes = b""


def directory_records(directory: bytes) -> Iterator[Record]:
    """The records of a central directory. Raises zipfile.BadZipFile or struct.error when it is damaged."""
    at = 0
    while at < len(directory):
        signature, flags, method, crc, packed, size, *lengths, disk, attributes, offset = _RECORD.unpack_from(
            directory, at
        )
        name_at = at + _RECORD.size
        extra_at = name_at + lengths[0]
        at = extra_at + lengths[1] + lengths[2]
        if signature != b"PK\x01\x02" or at > len(directory):
            raise zipfile.BadZipFile("a damaged directory")
        extra = _extra_fields(directory[extra_at : extra_at + lengths[1]])
        size, packed, offset = _widened((size, packed, offset), extra)
        name = directory[name_at:extra_at]
        yield Record(name, flags, method, (crc, packed, size), disk, attributes, offset, extra)


def local_header(source: BinaryIO, record: Record, end: int) -> Local:
    """The local header of an entry, which lies before ``end``. Raises zipfile.BadZipFile or struct.error."""
    if record.offset + _LOCAL.size > end:
        raise zipfile.BadZipFile(f"the local header of {record.shown!r} lies outside the file")
    source.seek(record.offset)
    signature, flags, method, crc, packed, size, name_size, extra_size = _LOCAL.unpack(
        source.read(_LOCAL.size)
    )
    if signature != b"PK\x03\x04":
        raise zipfile.BadZipFile(f"no local header of {record.shown!r}")
    name = source.read(name_size)
    extra = _extra_fields(source.read(extra_size))
    if _ZIP64 in extra:
        size, packed = _widened((size, packed), extra)
    place = record.offset + _LOCAL.size + name_size + extra_size
    return Local(name, flags, method, (crc, packed, size), extra, place)


def entry_name(record: Record) -> str:
    """The name as its writer meant it. Raises ValueError when there are two, or another reader's leaves the root.

    It is flagged as UTF-8, or in a Unicode path field (APPNOTE 4.6.9), or UTF-8 without a word, as Info-ZIP and
    macOS write it, or CP437.
    """
    field = record.extra.get(_UNICODE_PATH, b"")
    told = field[5:].decode("utf-8")
    if _UNICODE_PATH in record.extra and not told:
        raise ValueError(f"{record.shown!r} has an empty name in its extra field")
    valid = field[:5] == struct.pack("<BL", 1, zlib.crc32(record.name))
    oem = record.name.decode("cp437")
    try:
        plain: str | None = record.name.decode("utf-8")
    except UnicodeDecodeError:
        plain = None
    if plain is None and record.flags & UTF8:
        raise ValueError("a name that is no UTF-8, although its flag says so")
    if _VERSION.search(record.name):
        raise ValueError(f"unzip takes the end of {record.shown!r} for a version and leaves it out")
    if valid and (plain != told if plain is not None else not _same_but_for_charset(record.name, told)):
        raise ValueError(f"{record.shown!r} has another name in its extra field")
    name = plain or (told if valid else oem)
    others = {oem, told or oem, record.name.translate(None, _LEFT_OUT).decode("cp437")}
    lax = _OVERLONG.sub(_shortened, record.name)
    if b".." in lax:  # a slash alone may be half a letter of another charset
        others.add(lax.decode("cp437"))
    _refuse_other_readings(name, others)
    return name


def _same_but_for_charset(raw: bytes, told: str) -> bool:
    """Whether the ASCII characters of ``told`` stand in ``raw`` too, in their order, and no other dot or slash.

    All else may be part of a letter: in some charsets its second byte is one of ASCII, but none of these two.
    """
    rest = iter(raw)
    marks = all(raw.count(mark) == told.count(chr(mark)) for mark in b"./")
    return marks and all(ord(character) in rest for character in told if character.isascii())


def _shortened(overlong: re.Match[bytes]) -> bytes:
    """The ASCII character that lax decoders read there (RFC 3629, section 3)."""
    return bytes([(overlong[0][-2] << 6 | overlong[0][-1] & 0x3F) & 0x7F])


def _refuse_other_readings(name: str, others: set[str]) -> None:
    try:
        refuse_traversal(name)
    except ValueError:
        return  # filesystem_gate says so, with its own code
    for other in others:
        refuse_traversal(other)


def refuse_difference(record: Record, local: Local) -> None:
    """Raises zipfile.BadZipFile unless both headers tell the same name, method and flags."""
    same = (
        local.name == record.name
        and local.method == record.method
        and not (local.flags ^ record.flags) & ~_DEFLATE_EFFORT
        and local.extra.get(_UNICODE_PATH) in (None, record.extra.get(_UNICODE_PATH))
    )
    if not same or record.disk:
        raise zipfile.BadZipFile(f"the local header of {record.shown!r} differs from the directory")
    if any(kind in extra for kind in _ATTRIBUTES for extra in (local.extra, record.extra)):
        raise zipfile.BadZipFile(f"{record.shown!r} has attributes in an extra field")


def with_descriptors(
    source: BinaryIO, records: Sequence[Record], headers: Sequence[Local], end: int
) -> list[Local]:
    """The headers, each with what follows its data. Raises zipfile.BadZipFile for bytes that belong to no entry."""
    order = sorted(range(len(records)), key=lambda i: records[i].offset)
    starts = [*(records[i].offset for i in order), end]
    if starts[0] != 0:
        raise zipfile.BadZipFile("there is data before the first entry")
    result = list(headers)
    for i, following in zip(order, starts[1:], strict=True):
        stop = headers[i].place + records[i].packed
        source.seek(stop)
        junk = source.read(min(following - stop, _LONGEST_DESCRIPTOR + 1))
        result[i] = replace(headers[i], descriptor=junk)
        _refuse_junk(records[i], result[i])
    return result


def _refuse_junk(record: Record, local: Local) -> None:
    """Raises zipfile.BadZipFile unless what follows an entry is the descriptor that its flag promises.

    A reader from front to back finds the end of such an entry in its data, so the data must tell it (APPNOTE 4.4.4):
    stored data cannot, unless there is none and the descriptor's signature comes at once.
    """
    if not record.flags & DESCRIPTOR:
        if local.descriptor:
            raise zipfile.BadZipFile(f"there is data after {record.shown!r} that belongs to no entry")
        return
    size = len(_descriptor(record, local))
    if len(local.descriptor) not in (size, len(_DESCRIPTOR_SIGNATURE) + size):
        raise zipfile.BadZipFile(f"{record.shown!r} has no descriptor, or something else with it")
    signed = local.descriptor.startswith(_DESCRIPTOR_SIGNATURE)
    if record.method == zipfile.ZIP_STORED and (record.packed or not signed):
        raise zipfile.BadZipFile(
            f"{record.shown!r} is stored, so its end cannot be found without the directory"
        )


def same_numbers(record: Record, local: Local) -> bool:
    """Whether checksum and sizes in the local header and in the descriptor are the directory's (APPNOTE 4.3.9)."""
    unknown = 0 if local.flags & DESCRIPTOR else None
    if any(here not in (there, unknown) for here, there in zip(local.numbers, record.numbers, strict=True)):
        return False
    return local.descriptor.removeprefix(_DESCRIPTOR_SIGNATURE) in (b"", _descriptor(record, local))


def _descriptor(record: Record, local: Local) -> bytes:
    """What it must be but for the signature: sizes are wide if the local header has a zip64 field, or needs one."""
    wide = _ZIP64 in local.extra or max(record.numbers) > _TOO_SMALL
    return (_WIDE if wide else _NARROW).pack(*record.numbers)


def _widened(numbers: tuple[int, ...], extra: Mapping[int, bytes]) -> tuple[int, ...]:
    """Numbers that are too large for their field come from the zip64 field, in this order (APPNOTE 4.5.3)."""
    field = extra.get(_ZIP64, b"")
    if len(field) < 8 * numbers.count(_TOO_SMALL):
        raise zipfile.BadZipFile("a zip64 field that is too short")
    wide = iter(struct.unpack_from(f"<{numbers.count(_TOO_SMALL)}Q", field))
    return tuple(next(wide) if number == _TOO_SMALL else number for number in numbers)


def _extra_fields(data: bytes) -> dict[int, bytes]:
    """The fields by their id. Raises zipfile.BadZipFile for one that is cut off, or that matters and comes twice."""
    fields: dict[int, bytes] = {}
    at = 0
    while at + 4 <= len(data):
        kind, size = struct.unpack_from("<HH", data, at)
        if at + 4 + size > len(data) or (kind in fields and kind in (_ZIP64, _UNICODE_PATH)):
            raise zipfile.BadZipFile("an extra field that is cut off, or there twice")
        fields[kind] = data[at + 4 : at + 4 + size]
        at += 4 + size
    return fields
