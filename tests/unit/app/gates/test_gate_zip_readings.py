"""extraction_gate and zips that two readers would read differently (CWE-436), and those that only look so."""

from __future__ import annotations

import bz2
import io
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest

from stack.app.gates.extraction import extract
from stack.app.gates.policy import DEFAULT_POLICY
from tests.unit.app.gates.archive_bytes import (
    END,
    TEXT,
    ZipEntry,
    asi_unix,
    deflated,
    end_record,
    local_header,
    record,
    unicode_path,
    zip64_bytes,
    zip64_locator,
    zip64_record,
    zip64_sizes,
    zip_bytes,
)
from tests.unit.app.gates.gate_support import decide, peak_memory, save

CRC, PACKED = zlib.crc32(TEXT), len(deflated(TEXT))
HIDDEN = local_header(**ZipEntry(b"hidden").fields()) + ZipEntry().stored
UNKNOWN = {"crc": 0, "packed": 0, "size": 0}
WIDE = {"packed": 0xFFFFFFFF, "size": 0xFFFFFFFF}
STREAMED64 = {"crc": 0, **WIDE, "extra": zip64_sizes(0, 0)}


def descriptor(
    layout: str, signature: bytes = b"PK\7\x08", size: int = len(TEXT), packed: int = PACKED
) -> bytes:
    return signature + struct.pack(layout, CRC, packed, size)


def disguise(head: bytes) -> bytes:
    """The first block of a zip with a tar's checksum in the right place."""
    block = bytearray(head)
    block[100:148] = bytes(48)
    block[124:135] = b"00000000000"
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def streamed(after: bytes, local: dict[str, Any] = UNKNOWN) -> bytes:
    """As a writer makes it that cannot seek: numbers follow the data."""
    return zip_bytes(ZipEntry(flags=8, local=local, after=after), ZipEntry(b"b"))


def second_end(records: bytes) -> bytes:
    """A second directory and end record, disguised as the comment of the first."""
    first = bytearray(zip_bytes(ZipEntry()))
    comment = records + end_record(bool(records), len(records), len(first))
    struct.pack_into("<H", first, len(first) - 2, len(comment))
    return bytes(first) + comment


def wide_record(**numbers: int) -> bytes:
    """A directory record whose sizes and offset are in its extra field."""
    values = {"size": len(TEXT), "packed": PACKED, "offset": 0} | numbers
    extra = struct.pack("<HHQQQ", 1, 24, values["size"], values["packed"], values["offset"])
    return zip_bytes(ZipEntry(record={**WIDE, "offset": 0xFFFFFFFF, "extra": extra}))


def hiding(
    method: int, numbers: dict[str, int], flags: int = 8, record: dict[str, int] | None = None
) -> bytes:
    """A stored entry whose data holds the end of another one, and a second entry, as a streaming reader sees it."""
    first = b"harmless"
    fake = struct.pack("<4sLLL", b"PK\7\x08", zlib.crc32(first), len(first), len(first))
    evil = ZipEntry(b"../../etc/passwd", method=0)
    inner = first + fake + local_header(**evil.fields()) + evil.stored
    told = (zlib.crc32(inner), len(inner), len(inner))
    after = struct.pack("<4sLLL", b"PK\7\x08", *told) if flags else b""
    return zip_bytes(ZipEntry(b"a", inner, method, flags, local=numbers, after=after, record=record or {}))


def two_zip64_records(count: int) -> bytes:
    """The locator leads to a small directory, but the record just before it, which zipfile reads, is of a large one."""
    entry = ZipEntry(b"a")
    data = local_header(**entry.fields()) + entry.stored
    one = record(**entry.fields(), attributes=0, offset=0)
    many = one * count
    small_at = len(data) + len(one)
    head = data + one + zip64_record(1, len(one), len(data)) + many
    return (
        head
        + zip64_record(count, len(many), len(head) - len(many))
        + zip64_locator(small_at)
        + end_record(0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)
    )


def extra(kind: int, data: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def one_of_two_in_zip64() -> bytes:
    """A packed size of its own beside the one in the zip64 field: libarchive believes the first."""
    return zip_bytes(
        ZipEntry(local={"size": 0xFFFFFFFF, "packed": 5, "extra": zip64_sizes(len(TEXT), PACKED)})
    )


FAR = (2**43, 2**45, 2**62, 2**63 - 1, 2**63, 2**64 - 1)
SPECIAL = {
    "a fake descriptor in stored data": hiding(0, UNKNOWN),
    "a fake descriptor, sizes that are there": hiding(0, {}),
    "a fake descriptor, bit 3 in the directory only": hiding(0, {"flags": 0}),
    "a fake descriptor, bit 3 in the local header only": hiding(0, UNKNOWN, record={"flags": 0}),
    "a wide descriptor without zip64": streamed(descriptor("<LQQ")),
    "a narrow descriptor with zip64": streamed(descriptor("<LLL"), STREAMED64),
    "bit 3 without a descriptor": zip_bytes(ZipEntry(flags=8)),
    "bit 3 without a descriptor or sizes": zip_bytes(ZipEntry(flags=8, local=UNKNOWN)),
    "empty, stored, bit 3, no signature": zip_bytes(ZipEntry(b"a", b"", 0, 8, after=bytes(12))),
    "UTF-8 in one": zip_bytes(ZipEntry("ü".encode(), local={"flags": 0x800})),
    "two zip64 records": two_zip64_records(3),
    "a zip64 record with more data": zip64_bytes(end_record(1, 47, 0xFFFFFFFF), between=bytes(8)),
    "two zip64 fields": zip_bytes(
        ZipEntry(local={**WIDE, "extra": zip64_sizes(7, 7) + zip64_sizes(len(TEXT), PACKED)})
    ),
    "a version of a VMS file": zip_bytes(ZipEntry(b"a;1")),
    "an empty Unicode path": zip_bytes(ZipEntry(b"a", extra=unicode_path(b"a", b""))),
    "two Unicode paths": zip_bytes(
        ZipEntry(b"a", extra=unicode_path(b"a", b"a") + unicode_path(b"a", b"../b"))
    ),
    "an extra field that is cut off": zip_bytes(ZipEntry(extra=struct.pack("<HH", 0x5455, 9))),
    "attributes in a local header": zip_bytes(
        ZipEntry(local={"extra": extra(0x6C78, b"\x04" + (0o120777 << 16).to_bytes(4, "little"))})
    ),
    "a link by its ASi field": zip_bytes(ZipEntry(b"l", b"../evil", 0, extra=asi_unix(0o120777))),
    "a link by the directory's ASi field": zip_bytes(
        ZipEntry(b"l", b"../evil", 0, record={"extra": asi_unix(0o120777)})
    ),
    "a name that climbs where unzip leaves letters out": zip_bytes(
        ZipEntry(b".\x98.\x98/evil", record={"made_by": 0x0014})
    ),
    "an absolute name where unzip leaves letters out": zip_bytes(ZipEntry(b"\x98/evil")),
    "a second disk for one entry": zip_bytes(ZipEntry(record={"disk": 1})),
    "a folder by its attributes only": zip_bytes(ZipEntry(attributes=0x10)),
    "a label of a disk, which unzip leaves out": zip_bytes(ZipEntry(attributes=0x08)),
    "a folder by its mode only": zip_bytes(ZipEntry(attributes=0o040755 << 16)),
    "a name in CP437 that climbs": zip_bytes(ZipEntry(b"../\xe9", extra=unicode_path(b"../\xe9", b"good"))),
    "an end record in the comment": zip_bytes(ZipEntry(), comment=b"c" + end_record(0, 0, 0) + b"c" * 9),
    "a tar header at the start": zip_bytes(ZipEntry(b"x" * 600)).replace(
        b"x" * 482, disguise(zip_bytes(ZipEntry(b"x" * 600))[:512])[30:], 1
    ),
    "a file system at its place": zip_bytes(
        ZipEntry(b"a", bytes(32768 - 31) + b"\1CD001\1" + bytes(2041), 0)
    ),
    "another method": zip_bytes(ZipEntry(local={"method": 0})),
    "encrypted in one": zip_bytes(ZipEntry(local={"flags": 1})),
    "another name": zip_bytes(ZipEntry(local={"name": b"../x"})),
    "data before": zip_bytes(ZipEntry(), before=HIDDEN),
    "data between": zip_bytes(ZipEntry(after=HIDDEN), ZipEntry(b"b")),
    "data after": zip_bytes(ZipEntry(), gap=HIDDEN),
    "few bytes after": zip_bytes(ZipEntry(), gap=b"0123456789ab"),
    "nothing listed": HIDDEN + end_record(0, 0, len(HIDDEN)),
    "trailing junk": zip_bytes(ZipEntry()) + b"junk",
    "much trailing junk": zip_bytes(ZipEntry()) + b"x" * 70_000,
    "second directory": second_end(record(**ZipEntry(b"evil").fields(), attributes=0, offset=0)),
    "second end": second_end(b""),
    "several disks": zip_bytes(ZipEntry())[: -END.size] + END.pack(b"PK\5\6", 1, 1, 1, 1, 47, PACKED + 31, 0),
    "two counts": zip_bytes(ZipEntry())[: -END.size] + END.pack(b"PK\5\6", 0, 0, 0, 1, 47, PACKED + 31, 0),
    "two end records": zip64_bytes(end_record(0, 0, 0)),
    "two names": zip_bytes(ZipEntry(b"a.txt", extra=unicode_path(b"a.txt", b"b.sh"))),
    "two names, one in an unknown charset": zip_bytes(
        ZipEntry(b"\xe9.txt", extra=unicode_path(b"\xe9.txt", "é.sh".encode()))
    ),
    "two places, one in an unknown charset": zip_bytes(
        ZipEntry(b"\xe9/a/b", extra=unicode_path(b"\xe9/a/b", "éa/b".encode()))
    ),
    "another climbs": zip_bytes(ZipEntry(b"a", extra=unicode_path(b"a", b"../../x"))),
    "a local one climbs": zip_bytes(ZipEntry(b"a", local={"extra": unicode_path(b"a", b"../../x")})),
    "a name that is no text": zip_bytes(ZipEntry(b"\xff", extra=unicode_path(b"\xff", b"\xff"))),
    **{f"far locator {far:x}": zip64_bytes(end_record(1, 47, 0), locator_at=far) for far in FAR},
    **{f"far directory {far:x}": zip64_bytes(end_record(1, 47, 0xFFFFFFFF), offset=far) for far in FAR},
    **{f"far entry {far:x}": wide_record(offset=far) for far in FAR},
}
STREAM = {
    "another size": zip_bytes(ZipEntry(local={"size": 5})),
    "a huge size": zip_bytes(ZipEntry(local={"size": 2**31})),
    "another packed size": zip_bytes(ZipEntry(local={"packed": 5})),
    "another checksum": zip_bytes(ZipEntry(local={"crc": 5})),
    "a packed size beside zip64": one_of_two_in_zip64(),
    "another zip64 size": zip_bytes(ZipEntry(local={**WIDE, "extra": zip64_sizes(7, PACKED)})),
    "a descriptor that lies": streamed(descriptor("<LLL", size=7)),
    "small in the directory": zip_bytes(ZipEntry(record={"size": 5})),
    "small in both": zip_bytes(ZipEntry(local={"size": 5}, record={"size": 5})),
    "large in both": zip_bytes(ZipEntry(local={"size": 500}, record={"size": 500})),
    "data of a folder": zip_bytes(
        ZipEntry(b"d/", b"", 0, packed=b"x" * 1000, local={"size": 0}, record={"size": 0})
    ),
}
SOUND = {
    "streamed": streamed(descriptor("<LLL")),
    "streamed, empty and stored": zip_bytes(ZipEntry(b"a", b"", 0, 8, after=b"PK\7\x08" + bytes(12))),
    "streamed, bzip2": zip_bytes(
        ZipEntry(
            method=12,
            packed=bz2.compress(TEXT),
            flags=8,
            local=UNKNOWN,
            after=descriptor("<LLL", packed=len(bz2.compress(TEXT))),
        )
    ),
    "zeros after the extra fields": zip_bytes(ZipEntry(extra=extra(0x5455, b"\0") + bytes(3))),
    "streamed, no signature": streamed(descriptor("<LLL", b"")),
    "streamed, zip64": streamed(descriptor("<LQQ"), STREAMED64),
    "streamed, zip64, no signature": streamed(descriptor("<LQQ", b""), STREAMED64),
    "numbers twice": zip_bytes(ZipEntry(flags=8, after=descriptor("<LLL"))),
    "zip64": zip64_bytes(end_record(0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)),
    "zip64 for one entry": wide_record(),
    "zip64 in the local header": zip_bytes(ZipEntry(local={**WIDE, "extra": zip64_sizes(len(TEXT), PACKED)})),
    "comment": zip_bytes(ZipEntry(), comment=b"c" * 65535),
    "comment of zeros": zip_bytes(ZipEntry(), comment=b"c\0\0"),
    "folder of some tools": zip_bytes(ZipEntry(b"d/", b""), ZipEntry(b"d/x")),
    "executable": zip_bytes(ZipEntry(attributes=0o100755 << 16)),
    "stale Unicode path": zip_bytes(ZipEntry(b"a.txt", extra=unicode_path(b"old.txt", b"o.txt"))),
}


@pytest.mark.parametrize("data", SPECIAL.values(), ids=SPECIAL.keys())
def test_two_readings_are_refused(tmp_path: Path, data: bytes) -> None:
    assert decide(tmp_path, data) == "E_SPECIAL_TYPE"


@pytest.mark.parametrize("data", STREAM.values(), ids=STREAM.keys())
def test_numbers_that_the_data_denies(tmp_path: Path, data: bytes) -> None:
    assert decide(tmp_path, data) == "E_FILE_SIZE_STREAM"


@pytest.mark.parametrize("data", SOUND.values(), ids=SOUND.keys())
def test_one_reading_is_accepted(tmp_path: Path, data: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
    assert decide(tmp_path, data) == "ok"


def test_no_directory_is_parsed_before_its_entries_are_counted(tmp_path: Path) -> None:
    data = two_zip64_records(150_000)
    assert peak_memory(lambda: decide(tmp_path, data)) < 30_000_000
    assert decide(tmp_path, data) == "E_SPECIAL_TYPE"


@pytest.mark.parametrize("count", [2, 100])
def test_entries_whose_headers_are_quoted_by_the_one_before(tmp_path: Path, count: int) -> None:
    data, records = b"", b""
    last = ZipEntry(b"0", bytes(100_000))
    tail = local_header(**last.fields()) + last.stored
    sizes, heads = [(last, len(tail))], len(tail) - len(last.stored)
    for number in range(1, count):
        head = tail[:heads]
        quoting = struct.pack("<BHH", 0, len(head), len(head) ^ 0xFFFF) + head + sizes[-1][0].stored
        entry = ZipEntry(b"%d" % number, head + sizes[-1][0].data, packed=quoting)
        own = local_header(**entry.fields())
        tail, heads = own + struct.pack("<BHH", 0, len(head), len(head) ^ 0xFFFF) + tail, len(own)
        sizes.append((entry, len(tail)))
    data = tail
    for entry, size in sizes:
        records += record(**entry.fields(), attributes=0, offset=len(data) - size)
    assert decide(tmp_path, data + records + end_record(count, len(records), len(data))) == "E_BOMB_RATIO"


LONG = "とても長い名前のファイル" * 6 + ".txt"
NAMES = [
    ("flagged", ZipEntry("ü/日本.txt".encode(), flags=0x800), "ü/日本.txt"),
    ("Info-ZIP and macOS, not flagged", ZipEntry("ü/日本.txt".encode()), "ü/日本.txt"),
    ("not flagged, 255 bytes only as UTF-8", ZipEntry(LONG.encode()), LONG),
    ("CP437", ZipEntry(b"caf\x82.txt"), "café.txt"),
    (
        "Unicode path",
        ZipEntry(b"caf\xe9.txt", extra=unicode_path(b"caf\xe9.txt", "café.txt".encode())),
        "café.txt",
    ),
    (
        "Unicode path of a charset whose letters hold ASCII",
        ZipEntry(
            "ポA.txt".encode("cp932"), extra=unicode_path("ポA.txt".encode("cp932"), "ポA.txt".encode())
        ),
        "ポA.txt",
    ),
    ("Unicode path, the same", ZipEntry(b"a.txt", extra=unicode_path(b"a.txt", b"a.txt")), "a.txt"),
]


@pytest.mark.parametrize(("entry", "name"), [each[1:] for each in NAMES], ids=[each[0] for each in NAMES])
def test_a_name_is_read_as_it_was_meant(tmp_path: Path, entry: ZipEntry, name: str) -> None:
    archive = save(tmp_path, zip_bytes(entry))
    found = extract(archive, tmp_path / "out", DEFAULT_POLICY.archive, DEFAULT_POLICY.path).value
    assert [each.path for each in found.entries] == [name]
    assert (tmp_path / "out" / name).read_bytes() == TEXT


@pytest.mark.parametrize("name", [b"\xc0\xae\xc0\xae/x", b".\xe0\x80\xae\xc0\xafx", b"a/\xf0\x80\x80\xae./x"])
def test_a_name_that_lax_decoders_of_utf8_take_for_a_climb(tmp_path: Path, name: bytes) -> None:
    assert decide(tmp_path, zip_bytes(ZipEntry(name))) == "E_SPECIAL_TYPE"


def test_a_name_in_another_charset_is_no_climb(tmp_path: Path) -> None:
    assert decide(tmp_path, zip_bytes(ZipEntry("\u8721\u70db.txt".encode("gbk")))) == "ok"
