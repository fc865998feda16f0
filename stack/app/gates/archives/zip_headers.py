"""A zip entry's two headers: the local one before its data (APPNOTE 4.3.7) and its record in the directory.

Front-to-back readers believe the first, others the second (CWE-436): strictly, both say the same, and there is
nothing in the file that only one of them lists. It must never read content.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO, Final

_HEADER: Final = struct.Struct("<4s2xHH4x3L2H")
_SIGNATURE: Final = b"PK\x03\x04"
_UTF8: Final = 0x800
_DESCRIPTOR: Final = 0x8
_DESCRIPTOR_SIGNATURE: Final = b"PK\x07\x08"
_LONGEST_DESCRIPTOR: Final = 24
_ENCRYPTED: Final = 0x1 | 0x40 | 0x2000
_ZIP64: Final = 0x0001
_ZIP64_SIZES: Final = struct.Struct("<QQ")
_UNICODE_PATH: Final = 0x7075
_TOO_SMALL: Final = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Local:
    """A local header: ``numbers`` are checksum, packed and unpacked size; ``place`` is where its data starts.

    ``descriptor`` is what stands between its data and the next header.
    """

    name: bytes
    flags: int
    method: int
    numbers: tuple[int, int, int]
    unicode_path: bytes | None
    place: int
    descriptor: bytes = b""


def entry_name(info: zipfile.ZipInfo) -> str:
    """The name as its writer meant it. Raises ValueError when there are two.

    It is flagged as UTF-8, or in a Unicode path field (APPNOTE 4.6.9), or UTF-8 without a word, as Info-ZIP and
    macOS write it, or CP437.
    """
    try:
        plain: str | None = _raw_name(info).decode("utf-8")
    except UnicodeDecodeError:
        plain = None
    path = _unicode_path(info)
    if path is not None and plain not in (None, path):
        raise ValueError(f"{info.filename!r} has another name in its extra field")
    return path or plain or info.orig_filename


def local_header(source: BinaryIO, info: zipfile.ZipInfo, end: int) -> Local:
    """The local header of an entry, which lies before ``end``. Raises zipfile.BadZipFile."""
    if info.header_offset + _HEADER.size > end:
        raise zipfile.BadZipFile(f"the local header of {info.filename!r} lies outside the file")
    source.seek(info.header_offset)
    signature, flags, method, crc, packed, size, name_size, extra_size = _HEADER.unpack(
        source.read(_HEADER.size)
    )
    if signature != _SIGNATURE:
        raise zipfile.BadZipFile(f"no local header of {info.filename!r}")
    name = source.read(name_size)
    extra = dict(_extra_fields(source.read(extra_size)))
    if _TOO_SMALL in (packed, size) and len(extra.get(_ZIP64, b"")) >= _ZIP64_SIZES.size:
        size, packed = _ZIP64_SIZES.unpack_from(extra[_ZIP64])
    place = info.header_offset + _HEADER.size + name_size + extra_size
    return Local(name, flags, method, (crc, packed, size), extra.get(_UNICODE_PATH), place)


def refuse_difference(info: zipfile.ZipInfo, local: Local) -> None:
    """Raises zipfile.BadZipFile unless both headers tell the same name, method and encryption."""
    same = (
        local.name == _raw_name(info)
        and local.method == info.compress_type
        and not (local.flags ^ info.flag_bits) & _ENCRYPTED
        and local.unicode_path in (None, dict(_extra_fields(info.extra)).get(_UNICODE_PATH))
    )
    if not same:
        raise zipfile.BadZipFile(f"the local header of {info.filename!r} differs from the directory")


def with_descriptors(
    source: BinaryIO, infos: Sequence[zipfile.ZipInfo], headers: Sequence[Local], end: int
) -> list[Local]:
    """The headers, each with what follows its data. Raises zipfile.BadZipFile for bytes that belong to no entry."""
    order = sorted(range(len(infos)), key=lambda i: infos[i].header_offset)
    starts = [*(infos[i].header_offset for i in order), end]
    if starts[0] != 0:
        raise zipfile.BadZipFile("there is data before the first entry")
    result = list(headers)
    for i, following in zip(order, starts[1:], strict=True):
        stop = headers[i].place + infos[i].compress_size
        if stop == following:
            continue
        if not headers[i].flags & _DESCRIPTOR or following - stop > _LONGEST_DESCRIPTOR:
            raise zipfile.BadZipFile(f"there is data after {infos[i].filename!r} that belongs to no entry")
        source.seek(stop)
        result[i] = replace(headers[i], descriptor=source.read(following - stop))
    return result


def same_numbers(info: zipfile.ZipInfo, local: Local) -> bool:
    """Whether checksum and sizes in the local header and in the descriptor are the directory's (APPNOTE 4.3.9)."""
    told = (info.CRC, info.compress_size, info.file_size)
    unknown = (0, _TOO_SMALL) if local.flags & _DESCRIPTOR else ()
    if any(here not in (there, *unknown) for here, there in zip(local.numbers, told, strict=True)):
        return False
    narrow = struct.pack("<3L", *(number & 0xFFFFFFFF for number in told))
    wide = struct.pack("<LQQ", *told)
    return local.descriptor.removeprefix(_DESCRIPTOR_SIGNATURE) in (b"", narrow, wide) or (
        local.descriptor in (narrow, wide)
    )


def _raw_name(info: zipfile.ZipInfo) -> bytes:
    return info.orig_filename.encode("utf-8" if info.flag_bits & _UTF8 else "cp437")


def _unicode_path(info: zipfile.ZipInfo) -> str | None:
    """The name in a Unicode path field; a field for a name that has changed since is stale, and does not count."""
    field = dict(_extra_fields(info.extra)).get(_UNICODE_PATH)
    if field is None or field[:5] != struct.pack("<BL", 1, zlib.crc32(_raw_name(info))):
        return None
    return field[5:].decode("utf-8")


def _extra_fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(data):
        kind, size = struct.unpack_from("<HH", data, at)
        yield kind, data[at + 4 : at + 4 + size]
        at += 4 + size
