"""Archives that are mostly sound: a seeded stream of them, each with a few fields as no honest writer sets them.

Checksums of headers are made right again after each change, since a reader would otherwise see the fault at once.
"""

from __future__ import annotations

import struct
import tarfile
import zlib
from binascii import b2a_uu
from random import Random
from typing import TypeVar

from tests.unit.app.gates.archive_bytes import (
    GNU,
    POSIX,
    TAR_END,
    V7,
    ZipEntry,
    asi_unix,
    deflated,
    end_record,
    local_header,
    padded,
    pax_header,
    pax_record,
    record,
    tar_file,
    tar_header,
    unicode_path,
    zip64_locator,
    zip64_record,
    zip64_sizes,
    zip_bytes,
)

T = TypeVar("T")
ODD_PER_FIELD = 0.06
NAMES = ("a", "b", "d/x", "docs/readme.txt", "d/", "e/")
EVIL = ("../evil", "../../evil", "/evil", "d/../../evil", "./../evil", "..", "d", "a", "", ".", "a/")
RAW_NAMES = (
    "ü".encode(),
    b"caf\x82",
    b"..\xe9/evil",
    b"../\xe9",
    b"\xe9\\..\\evil",
    b"[.evil]a.b;1",
    b"../evil;1",
    b"..;1/evil",
    b".\x98.\x98/evil",
    b"\x98/evil",
    b".\xff.\xff/evil",
)
TEXTS = (b"", b"hello", b"hello world" * 60)
ZIPS = (zip_bytes(ZipEntry(b"../hidden")), zip_bytes(ZipEntry(b"inside")))
CPIO = struct.pack("<13H", 0o070707, 1, 1, 0o100644, 0, 0, 1, 0, 0, 0, 6, 0, 4) + b"evil\0\0EVIL"
UUENCODED = b"begin 644 x\n" + b2a_uu(CPIO) + b"`\nend\n"
UNKNOWN = {"crc": 0, "packed": 0, "size": 0}


def odd(random: Random, ordinary: T, *others: T, chance: float = ODD_PER_FIELD) -> T:
    """Mostly the ordinary value."""
    return random.choice(others) if others and random.random() < chance else ordinary


def some_name(random: Random) -> str:
    return odd(random, random.choice(NAMES), *EVIL)


def hostile_tar(random: Random) -> bytes:
    """A tar; whole members may hide in the content of others."""
    data = b"".join(_tar_member(random) for _ in range(random.randint(1, 3)))
    evil = tar_file("../hidden")
    end = odd(
        random, TAR_END, b"", bytes(512), bytes(512) + evil + TAR_END, TAR_END + evil, TAR_END + b"junk"
    )
    return _mutated_tar(random, data) + end


def _tar_member(random: Random) -> bytes:
    name = some_name(random)
    content = b"" if name.endswith("/") else random.choice((*TEXTS, tar_file("../hidden", b"x"), *ZIPS))
    ordinary = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
    kind = odd(random, ordinary, *(bytes([c]) for c in b"\x00015267LKxgXSDVMA~"))
    magic = random.choice((POSIX, POSIX, GNU, V7))
    fields = {
        "magic": odd(random, magic, b"ustar\0\0\0", b"ustar!00", b"ustar\x0001", b"tsar\0\x0000", b"ustar   "),
        "prefix": odd(random, b"docs" if magic == POSIX and random.random() < 0.3 else b"",
                      b"docs", b"..", b"/", b"docs\0..", b"14700000000", b"p" * 155),
        "raw": odd(random, name.encode(), name.encode() + b"\0../evil", b"n" * 100, b"LZIP\0\x0c", b"070701",
                   UUENCODED),
        "mtime": odd(random, b"00000000000", b"", b"junk", b"\x80" + bytes(11), b"\xff" * 12, b"-1"),
        "link": odd(random, b"", b"/etc/passwd", b"../evil"),
        "major": odd(random, b"", b"0000000", b"junk", b"\xff" * 8),
    }  # fmt: skip
    header = tar_header(name, _tar_size(random, len(content)), kind, **fields)
    if random.random() < ODD_PER_FIELD:
        header = _signed(header)
    before = b"".join(_description(random, len(content)) for _ in range(odd(random, 0, 1, 2, 3, chance=0.4)))
    return before + header + padded(content)


def _tar_size(random: Random, size: int) -> bytes | int:
    others: list[bytes | int] = [
        size + 512, 0, 512,
        b"%012o" % size, b"%11o " % size, b" %o" % size, b"\t%o" % size, b"%o junk" % size, b"\0%o" % size,
        b"%o\0777" % size, b"0o%o" % size, b"-%o" % size, b"\xff" * 12, b" " * 12, b"%o8" % size,
        b"\x80" + size.to_bytes(11, "big"), b"\x81" + size.to_bytes(11, "big"), b"\x80\1" + size.to_bytes(10, "big"),
    ]  # fmt: skip
    return odd(random, size, *others)


def _description(random: Random, size: int) -> bytes:
    """A header that only describes the next one."""
    path = some_name(random)
    other = some_name(random)
    choices = (
        pax_header({"path": path}),
        pax_header({"mtime": "1.5"}),
        tar_file("././@LongLink", path.encode() + b"\0", tarfile.GNUTYPE_LONGNAME, magic=GNU),
        pax_header({"comment": "x"}, tarfile.XGLTYPE),
        pax_header({"size": str(size)}),
    )
    rare = (
        pax_header({"size": random.choice(("0", "512", "010", "1e2", "", "-1"))}),
        pax_header({"path": path}, random.choice((tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE))),
        pax_header({"linkpath": other}),
        pax_header({"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": other}),
        pax_header({"GNU.sparse.size": "5", "GNU.sparse.numblocks": "1", "GNU.sparse.map": "0,5"}),
        pax_header({"SCHILY.realsize": "512"}),
        pax_header({"SUN.holesdata": " 0 512"}),
        pax_header({"hdrcharset": random.choice(("BINARY", "ISO-IR 8859 1 1998")), "path": path}),
        tar_file("x", pax_record("path", path) + pax_record("path", other), tarfile.XHDTYPE),
        tar_file("x", pax_record("path\0", path), tarfile.XHDTYPE),
        tar_file("x", pax_record(" path", path), tarfile.XHDTYPE),
        tar_file("x", pax_record("path", path) + bytes(3), tarfile.XHDTYPE),
        tar_file("x", pax_record("path", path)[:-1], tarfile.XHDTYPE),
        tar_file("x", b"99 path=a\n", tarfile.XHDTYPE),
        tar_file(other, pax_record("path", path), tarfile.XHDTYPE),
        tar_file("x", pax_record("path", path), tarfile.XHDTYPE, raw=UUENCODED),
        tar_file("k", other.encode() + b"\0", tarfile.GNUTYPE_LONGLINK, magic=GNU),
        tar_file("l", path.encode() + b"\0../evil\0", tarfile.GNUTYPE_LONGNAME, magic=GNU),
        tar_file("l", b"", tarfile.GNUTYPE_LONGNAME, magic=GNU),
    )
    return random.choice(choices if random.random() < 0.7 else rare)


def _resummed(block: bytes) -> bytes:
    blank = block[:148] + b" " * 8 + block[156:]
    return block[:148] + b"%06o\0 " % sum(blank) + block[156:]


def _signed(block: bytes) -> bytes:
    blank = block[:148] + b" " * 8 + block[156:]
    return block[:148] + b"%06o\0 " % (sum(struct.unpack("512b", blank)) & 0o777777) + block[156:]


def _mutated_tar(random: Random, data: bytes) -> bytes:
    """Now and then a byte or two of a header are others, with the checksum made right again."""
    if random.random() < 0.6:
        return data
    changed = bytearray(data)
    headers = [at for at in range(0, len(data), 512) if _resummed(data[at : at + 512]) == data[at : at + 512]]
    for _ in range(random.randint(1, 2) if headers else 0):
        at = random.choice(headers)
        changed[at + random.randrange(512)] = random.choice(b"\0\0 /.0159AZax\x7f\x80\xff")
        changed[at : at + 512] = _resummed(bytes(changed[at : at + 512]))
    return bytes(changed)


def hostile_zip(random: Random) -> bytes:
    """A zip; whole entries may hide in the data of others."""
    entries = [_zip_entry(random) for _ in range(random.randint(1, 3))]
    data = odd(
        random, b"", b"junk", local_header(**ZipEntry(b"../hidden").fields()) + ZipEntry().stored, chance=0.02
    )
    records, wide = b"", random.random() < 0.1
    for entry in entries:
        offset = {"offset": len(data), "attributes": entry.attributes}
        data += local_header(**{**entry.fields(), **entry.local}) + entry.stored + entry.after
        records += record(**{**entry.fields(), **offset, **entry.record})
    data += odd(random, b"", b"junk", records, chance=0.02)
    count, at = len(entries), len(data) + len(records)
    end = end_record(odd(random, count, 0, 1, chance=0.02), len(records), len(data), _comment(random))
    if wide:
        place = odd(random, at, at - 1, 0, at + 8)
        between = odd(random, b"", bytes(8), zip64_record(count, len(records), len(data)))
        end = zip64_record(count, len(records), len(data)) + between + zip64_locator(place) + end
    return _mutated_zip(random, data + records + end)


def _comment(random: Random) -> bytes:
    nothing = end_record(0, 0, 0)
    return odd(random, b"", b"comment", nothing, nothing + b"x", b"x" + nothing + b"x" * 5, b"PK\5\6")


def _zip_entry(random: Random) -> ZipEntry:
    name = odd(random, some_name(random).encode(), *RAW_NAMES)
    text = b"" if name.endswith(b"/") else random.choice(TEXTS)
    method = random.choice((0, 8))
    entry = ZipEntry(name, text, method)
    if random.random() < 0.3:
        _streamed(random, entry)
    other = some_name(random).encode()
    entry.attributes = odd(random, 0, 0o100644 << 16, 0o120777 << 16, 0o040755 << 16, 0x10, 0o010644 << 16)
    entry.flags |= odd(random, 0, 1, 0x20, 0x40, 0x800, 0x2000, 2, 4)
    entry.extra = odd(
        random, b"", unicode_path(name, other), unicode_path(b"x", other), unicode_path(name, name),
        struct.pack("<HH", 0x5455, 9), struct.pack("<HHBL", 0x6C78, 5, 4, 0o120777 << 16), bytes(3),
        zip64_sizes(len(text), len(entry.stored)), asi_unix(0o120777), asi_unix(0o100644),
    )  # fmt: skip
    entry.local |= odd(
        random, {}, {"name": other}, {"method": 8 - method}, {"flags": entry.flags ^ 8}, {"flags": entry.flags ^ 1},
        {"packed": 5}, {"size": 5}, {"packed": 0xFFFFFFFF}, {"crc": 5}, UNKNOWN, {"extra": unicode_path(name, other)},
        {"packed": 3, "size": 0xFFFFFFFF, "extra": zip64_sizes(len(text), len(entry.stored))},
        {"packed": 0xFFFFFFFF, "size": 0xFFFFFFFF, "extra": zip64_sizes(len(text), len(entry.stored))},
        {"extra": struct.pack("<HHBL", 0x6C78, 5, 4, 0o120777 << 16)},
    )  # fmt: skip
    if b"\x98" in name:
        entry.record["made_by"] = random.choice((0x0014, 0x0614, 0x0B32))
    entry.record |= odd(
        random, {}, {"name": other}, {"flags": entry.flags ^ 8}, {"disk": 1}, {"size": 5}, {"packed": 5}
    )
    return entry


def _streamed(random: Random, entry: ZipEntry) -> None:
    """Bit 3, with whole entries in the data at times."""
    entry.flags |= 8
    if random.random() < 0.3:
        hidden = ZipEntry(b"../hidden", method=0)
        first = entry.data
        entry.data = (
            first
            + struct.pack("<4sLLL", b"PK\7\x08", zlib.crc32(first), len(first), len(first))
            + local_header(**hidden.fields())
            + hidden.stored
        )
        entry.packed = odd(
            random, entry.data if entry.method == 0 else deflated(entry.data), entry.data, chance=0.1
        )
    entry.local |= odd(random, UNKNOWN, {})
    packed = len(entry.stored)
    numbers = (zlib.crc32(entry.data), packed, len(entry.data))
    narrow, wide = struct.pack("<LLL", *numbers), struct.pack("<LQQ", *numbers)
    signature = b"PK\7\x08"
    entry.after = odd(
        random, signature + narrow, narrow, signature + wide, wide, b"", signature + signature + narrow
    )


def _mutated_zip(random: Random, data: bytes) -> bytes:
    """Now and then a byte or two of the headers are others."""
    if random.random() < 0.6:
        return data
    changed = bytearray(data)
    starts = [at for at in range(len(data) - 4) if data[at : at + 2] == b"PK" and data[at + 2] < 8]
    for _ in range(random.randint(1, 2)):
        at = random.choice(starts) + random.randrange(46)
        if at < len(changed):
            changed[at] = random.choice(b"\0\0\1\2\3\4\x08\x10/.0ax\x7f\x80\xff")
    return bytes(changed)
