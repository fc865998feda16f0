"""Zips and tars put together field by field, for what no honest tool writes, and what some odd tool does."""

from __future__ import annotations

import struct
import tarfile
import zlib
from dataclasses import dataclass, field
from typing import Any

LOCAL = struct.Struct("<4s5H3L2H")
RECORD = struct.Struct("<4s6H3L5H2L")
END = struct.Struct("<4s4H2LH")
TEXT = b"hello world" * 20
TAR_END = bytes(1024)


def deflated(data: bytes) -> bytes:
    """As inside a zip."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


@dataclass
class ZipEntry:
    """One entry; ``local`` and ``record`` override fields of its local header and of its directory record."""

    name: bytes = b"a"
    data: bytes = TEXT
    method: int = 8
    flags: int = 0
    packed: bytes | None = None
    extra: bytes = b""
    attributes: int = 0
    after: bytes = b""
    local: dict[str, Any] = field(default_factory=dict)
    record: dict[str, Any] = field(default_factory=dict)

    @property
    def stored(self) -> bytes:
        """Its data as it is in the file."""
        if self.packed is not None:
            return self.packed
        return deflated(self.data) if self.method == 8 else self.data

    def fields(self) -> dict[str, Any]:
        """What both headers say."""
        return {
            "name": self.name,
            "method": self.method,
            "flags": self.flags,
            "crc": zlib.crc32(self.data),
            "packed": len(self.stored),
            "size": len(self.data),
            "extra": self.extra,
        }


def local_header(name: bytes, extra: bytes, **of: int) -> bytes:
    """APPNOTE 4.3.7."""
    numbers = (of["crc"], of["packed"], of["size"])
    return (
        LOCAL.pack(b"PK\3\4", 20, of["flags"], of["method"], 0, 33, *numbers, len(name), len(extra))
        + name
        + extra
    )


def record(name: bytes, extra: bytes, **of: int) -> bytes:
    """APPNOTE 4.3.12."""
    head = (
        of.get("made_by", 0x031E),
        20,
        of["flags"],
        of["method"],
        0,
        33,
        of["crc"],
        of["packed"],
        of["size"],
    )
    rest = (len(name), len(extra), 0, of.get("disk", 0), 0, of["attributes"], of["offset"])
    return RECORD.pack(b"PK\1\2", *head, *rest) + name + extra


def end_record(count: int, size: int, offset: int, comment: bytes = b"") -> bytes:
    """APPNOTE 4.3.16."""
    return END.pack(b"PK\5\6", 0, 0, count, count, size, offset, len(comment)) + comment


def zip_bytes(*entries: ZipEntry, before: bytes = b"", gap: bytes = b"", comment: bytes = b"") -> bytes:
    """A zip of these entries, with bytes before the first and before the directory."""
    data, records = before, b""
    for entry in entries:
        offset = {"offset": len(data), "attributes": entry.attributes}
        data += local_header(**{**entry.fields(), **entry.local}) + entry.stored + entry.after
        records += record(**{**entry.fields(), **offset, **entry.record})
    data += gap
    return data + records + end_record(len(entries), len(records), len(data), comment)


def zip64_record(count: int, size: int, offset: int) -> bytes:
    """The zip64 end record (APPNOTE 4.3.14)."""
    return struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, offset)


def zip64_locator(at: int) -> bytes:
    """The locator of a zip64 end record (APPNOTE 4.3.15)."""
    return struct.pack("<4sLQL", b"PK\6\7", 0, at, 1)


def zip64_bytes(
    end: bytes, locator_at: int | None = None, offset: int | None = None, between: bytes = b""
) -> bytes:
    """A zip of one entry with a zip64 end record; ``end`` is what the classic end record says, and ``between``
    stands between the zip64 record and its locator."""
    plain = zip_bytes(ZipEntry())
    at = plain.index(b"PK\1\2")
    size = len(plain) - END.size - at
    wide = zip64_record(1, size, at if offset is None else offset) + between
    return plain[: at + size] + wide + zip64_locator(at + size if locator_at is None else locator_at) + end


def unicode_path(raw: bytes, name: bytes) -> bytes:
    """The extra field 0x7075 (APPNOTE 4.6.9) with the checksum of ``raw``."""
    return struct.pack("<HHBL", 0x7075, 5 + len(name), 1, zlib.crc32(raw)) + name


def asi_unix(mode: int) -> bytes:
    """The extra field 0x756E (ASi Unix, in Info-ZIP's list of extra fields): a mode, and no name of a link's target."""
    data = struct.pack("<HLHH", mode, 0, 0, 0)
    return struct.pack("<HHL", 0x756E, 4 + len(data), zlib.crc32(data)) + data


def zip64_sizes(size: int, packed: int) -> bytes:
    """The extra field 0x0001 (APPNOTE 4.5.3) of a local header."""
    return struct.pack("<HHQQ", 1, 16, size, packed)


def padded(data: bytes) -> bytes:
    """To whole blocks of a tar."""
    return data + bytes(-len(data) % 512)


POSIX, GNU, V7 = b"ustar\x0000", b"ustar  \0", bytes(8)


def tar_header(
    name: str = "a", size: bytes | int = 0, kind: bytes = tarfile.REGTYPE, **fields: bytes
) -> bytes:
    """A ustar header; a size given as bytes is the field as it stands, and so are ``fields`` (magic, prefix,
    raw for the name, link, checksum, mtime and major)."""
    info = tarfile.TarInfo(name)
    info.type = kind
    block = bytearray(info.tobuf(tarfile.USTAR_FORMAT))
    block[124:136] = (b"%011o\0" % size) if isinstance(size, int) else size.ljust(12, b"\0")
    for key, start, length in (
        ("raw", 0, 100), ("mtime", 136, 12), ("link", 157, 100),
        ("magic", 257, 8), ("major", 329, 8), ("prefix", 345, 155),
    ):  # fmt: skip
        if key in fields:
            block[start : start + length] = fields[key].ljust(length, b"\0")
    block[148:156] = b" " * 8
    block[148:156] = fields.get("checksum") or b"%06o\0 " % sum(block)
    return bytes(block)


def tar_file(name: str = "a", data: bytes = TEXT, kind: bytes = tarfile.REGTYPE, **fields: bytes) -> bytes:
    """A header and its content."""
    return tar_header(name, len(data), kind, **fields) + padded(data)


def pax_record(key: str, value: str) -> bytes:
    """One record of an extended header."""
    line = f" {key}={value}\n".encode()
    size = len(line) + 1
    while size != len(line) + len(str(size)):
        size = len(line) + len(str(size))
    return str(size).encode() + line


def pax_header(records: dict[str, str], kind: bytes = tarfile.XHDTYPE) -> bytes:
    """An extended header (POSIX.1-2001)."""
    return tar_file("pax", b"".join(pax_record(*each) for each in records.items()), kind)
