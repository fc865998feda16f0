"""extraction_gate and tars that two readers would read differently (CWE-436), and those that only look so."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import tarfile
import time
import zlib
from pathlib import Path

import pytest

from tests.unit.app.gates.archive_bytes import (
    GNU,
    POSIX,
    TAR_END,
    TEXT,
    V7,
    ZipEntry,
    deflated,
    end_record,
    padded,
    pax_header,
    pax_record,
    tar_file,
    tar_header,
    zip64_bytes,
    zip_bytes,
)
from tests.unit.app.gates.gate_support import decide, peak_memory

GLOBAL = tarfile.XGLTYPE
SOLARIS = tarfile.SOLARIS_XHDTYPE
LONG_NAME = tarfile.GNUTYPE_LONGNAME
ONE = tar_file() + TAR_END


def after(*records: dict[str, str], kind: bytes = tarfile.XHDTYPE, member: bytes = tar_file()) -> bytes:
    """A member behind extended headers."""
    return b"".join(pax_header(each, kind) for each in records) + member + TAR_END


def long_name(name: bytes) -> bytes:
    """A GNU long name header."""
    return tar_file("././@LongLink", name, LONG_NAME, magic=GNU)


def signed_checksum() -> bytes:
    """A header whose checksum counts bytes as signed, as some tars of the 1980s did."""
    block = bytearray(tar_header("\xfc"))
    block[148:156] = b" " * 8
    return bytes(block[:148]) + b"%06o\0 " % sum(struct.unpack("512b", block)) + bytes(block[156:])


def tar_in_gzip() -> bytes:
    """A tar.gz whose first 512 bytes are the header of another tar, which GNU tar reads instead."""
    evil = tar_file("../evil") + TAR_END
    start = b"\x1f\x8b\x08\x04" + bytes(4) + b"\0\x03" + struct.pack("<H", 500 + len(evil))
    packed = deflated(ONE) + struct.pack("<LL", zlib.crc32(ONE), len(ONE))
    return tar_header(raw=start) + evil + packed


NESTED_TAR = tar_file("evil")
SECOND_SOURCES = {
    "long name, then pax path": long_name(b"a\0") + pax_header({"path": "../evil"}) + tar_file(),
    "pax path, then long name": pax_header({"path": "a"}) + long_name(b"../evil\0") + tar_file(),
    "two pax headers": pax_header({"path": "../evil"}) + pax_header({"path": "a"}) + tar_file(),
    "two pax headers, one harmless": pax_header({"path": "a"}) + pax_header({"mtime": "1"}) + tar_file(),
    "two long names": long_name(b"../evil\0") + long_name(b"a\0") + tar_file(),
    "pax and Solaris pax": pax_header({"path": "a"}) + pax_header({"path": "b"}, SOLARIS) + tar_file(),
    "pax, then a global header": pax_header({"path": "a"})
    + pax_header({"comment": "x"}, GLOBAL)
    + tar_file(),
    "pax size, then long name": pax_header({"size": "220"}) + long_name(b"a\0") + tar_file(),
    "a key twice": tar_file("x", pax_record("path", "../evil") + pax_record("path", "a"), tarfile.XHDTYPE)
    + tar_file(),
    "a long link for a file": tar_file("k", b"/etc/passwd\0", tarfile.GNUTYPE_LONGLINK) + tar_file(),
}
HEADERS = {
    "GNU header with a prefix": tar_file("/etc/cron.d/x", magic=GNU, prefix=b"docs"),
    "v7 header with a prefix": tar_file("/etc/cron.d/x", magic=V7, prefix=b"docs"),
    "GNU header with times where the prefix is": tar_file(magic=GNU, prefix=b"14700000000\0"),
    "GNU header that only Python would prefix": tar_file(magic=GNU, prefix=b"/etc/cron.d"),
    "v7 header that only Python would prefix": tar_file(magic=V7, prefix=b".."),
    "a magic that half of the readers know": tar_file(magic=b"ustar!00", prefix=b"docs"),
    "a magic that nobody knows": tar_file(magic=b"tsar\0\x0000"),
    "a version that some do not know": tar_file(magic=b"ustar\0\0\0", prefix=b".."),
    "a name behind the name": tar_file(raw=b"a\0../evil"),
    "another archive behind the name": tar_file(raw=b"LZIP\0\x0c" + b"x" * 90),
    **{
        f"a first line of {packer}": tar_file("x", pax_record("path", "a"), tarfile.XHDTYPE, raw=line)
        + tar_file()
        for packer, line in (
            ("uuencode", b"begin 644 x\n#86)C\n`\nend\n"),
            ("base64", b"begin-base64 644 x\nYWJj\n====\n"),
            ("compress", b"\x1f\x9d\x90abc"),
            ("a skipped frame of lz4", b"\x50\x2a\x4d\x18abc"),
        )
    },
    "a prefix behind the prefix": tar_file(prefix=b"d\0../evil"),
    "a checksum of signed bytes": signed_checksum(),
    "a checksum with junk": tar_file(checksum=tar_header("a", len(TEXT))[148:154] + b"xx"),
    "a date that is no number": tar_file(mtime=b"yesterday"),
    "a device that is no number": tar_file(major=b"x"),
    "a device in base-256": tar_file(major=b"\xff" * 8),
    "a size behind the size": tar_header(size=b"334\x00777") + padded(TEXT),
    "a size behind a NUL": tar_header(size=b"\x00334") + NESTED_TAR,
    "a size of blanks": tar_header(size=b" " * 12),
    "a size with a tab": tar_header(size=b"\t334") + padded(TEXT),
    "base-256 of more than 63 bits": tar_header(size=b"\x80\0\0\x01" + (220).to_bytes(8, "big"))
    + padded(TEXT),
    "base-256 in the first byte": tar_header(size=b"\x81" + (220).to_bytes(11, "big")) + padded(TEXT),
}
PAX = {
    "a NUL in the key": pax_record("path\0", "../evil"),
    "a blank before the key": pax_record(" path", "../evil"),
    "an empty path": pax_record("path", ""),
    "zeros after the records": pax_record("path", "a") + bytes(9),
    "the size of a sparse file": pax_record("SCHILY.realsize", "1"),
    "the holes of a sparse file": pax_record("SUN.holesdata", " 0 1"),
    "another character set": pax_record("hdrcharset", "ISO-IR 8859 1 1998"),
    "a length that starts with zero": b"0" + pax_record("path", "aaaa").replace(b"13", b"14"),
}
SLASHES = {
    "a file that is the folder itself": tar_file("d/."),
    "a file that ends with a slash": tar_header("a/"),
    "a file that pax makes a folder": pax_header({"path": "a/"}) + tar_header("a"),
    "a folder that pax makes a file": pax_header({"path": "a"}) + tar_header("a/", kind=tarfile.AREGTYPE),
}

SPECIAL = {
    "a zip at the end that climbs": tar_file("i.zip", zip_bytes(ZipEntry(b"../evil"))) + TAR_END,
    "a zip at the end with a link": tar_file("i.zip", zip_bytes(ZipEntry(attributes=0o120777 << 16)))
    + TAR_END,
    "a zip64 at the end": tar_file("i.zip", zip64_bytes(end_record(0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)))
    + TAR_END,
    "a zip at the end of stored gzip data": gzip.compress(
        tar_file("i", zip_bytes(ZipEntry(b"../evil"))) + TAR_END, 0
    ),
    "a tar in the extra field of gzip": tar_in_gzip(),
    "a CD image at its place": tar_file("a", bytes(32768 - 512) + b"\1CD001\1" + bytes(2041)) + TAR_END,
    **{name: data + TAR_END for name, data in (SECOND_SOURCES | HEADERS | SLASHES).items()},
    **{name: tar_file("x", data, tarfile.XHDTYPE) + tar_file() + TAR_END for name, data in PAX.items()},
    "a long name with a name behind it": long_name(b"a\0../evil\0") + tar_file() + TAR_END,
    "a header name that climbs, with a pax path": pax_header({"path": "a"}) + tar_file("../evil") + TAR_END,
    "a pax header whose own name climbs": tar_file("../evil", pax_record("path", "a"), tarfile.XHDTYPE)
    + tar_file()
    + TAR_END,
    "a second tar": ONE + tar_file("evil") + TAR_END,
    "a second tar.gz": gzip.compress(ONE) + gzip.compress(tar_file("evil") + TAR_END),
    "a member after one block of zeros": tar_file() + bytes(512) + tar_file("evil") + TAR_END,
    "junk after the end": ONE + b"junk",
    "half an end": tar_file() + bytes(512),
    "pax size too small": after({"size": "0"}, member=tar_file("x", tar_file("evil"))),
    "pax size too large": after({"size": "1024"}, member=tar_header("x") + tar_file("evil", b"")),
    "path of all": after({"path": "evil"}, kind=GLOBAL),
    "size of all": after({"size": "1024"}, kind=GLOBAL),
    "link of all": after({"linkpath": "/etc"}, kind=GLOBAL),
    "map of all": after({"GNU.sparse.map": "0,1"}, kind=GLOBAL),
    "pax without a member": pax_header({"path": "x"}) + TAR_END,
    "long name without a member": tar_file("l", b"x" * 200, LONG_NAME) + TAR_END,
    "underscore": tar_header(size=b"0000000_220") + padded(b"x" * 144) + TAR_END,
    "prefix": tar_header(size=b"0o000000220") + padded(b"x" * 144) + TAR_END,
    "sign": tar_header(size=b"+0000000220") + padded(b"x" * 144) + TAR_END,
    "minus": tar_header(size=b"-0000000001") + TAR_END,
    "base-256, negative": tar_header(size=b"\xff" * 12) + TAR_END,
    "a folder with content": tar_file("d/") + TAR_END,
    "zeros and more": bytes(1024) + b"junk".ljust(512, b"\0"),
    "one block of zeros": bytes(512),
    "a dictionary without measure": lzma.compress(
        ONE, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 30}]
    ),
    "a compressed text": gzip.compress(TEXT),
}
DAMAGED = {
    "zeros between two gzip streams": gzip.compress(ONE) + bytes(8) + gzip.compress(bytes(512)),
    "junk after the stream": gzip.compress(ONE) + b"junk",
    "junk after padding": gzip.compress(ONE) + bytes(200_000) + b"junk",
}
SOUND = {
    "a zip at the end": tar_file("i.zip", zip_bytes(ZipEntry(b"d/a"))) + TAR_END,
    "a ustar prefix": tar_file("x", prefix=b"docs") + TAR_END,
    "a name of 100 bytes and a prefix": tar_file("n" * 100, prefix=b"d" * 155) + TAR_END,
    "the version that Ant writes": tar_file(magic=b"ustar\0\0\0") + TAR_END,
    "GNU": tar_file(magic=GNU) + TAR_END,
    "v7": tar_file(magic=V7) + TAR_END,
    "POSIX": tar_file(magic=POSIX) + TAR_END,
    "GNU long name": long_name(b"dir/" * 30 + b"x\0") + tar_file(magic=GNU) + TAR_END,
    "a global and an own header": pax_header({"comment": "x"}, GLOBAL) + after({"path": "d/a"}),
    "a date before 1970": tar_file(mtime=b"\xff" * 12) + TAR_END,
    "fields that nobody filled in": tar_file(mtime=b"", major=b"") + TAR_END,
    "a charset that is UTF-8": after({"hdrcharset": "ISO-IR 10646 2000 UTF-8", "path": "d/ü"}),
    "git archive": after({"comment": "a" * 40}, kind=GLOBAL),
    "git archive of nothing": pax_header({"comment": "a" * 40}, GLOBAL) + bytes(10240),
    "times of all": after({"mtime": "1.5", "uname": "root"}, kind=GLOBAL),
    "pax size that agrees": after({"size": str(len(TEXT))}),
    "Solaris pax": after({"path": "d/ü"}, kind=SOLARIS),
    "xattrs": after({"SCHILY.xattr.user.x": "v" * 3000}),
    "size with blanks": tar_header(size=b"        334 ") + padded(TEXT) + TAR_END,
    "size in base-256": tar_header(size=bytes([0x80]) + len(TEXT).to_bytes(11, "big"))
    + padded(TEXT)
    + TAR_END,
    "folder by its slash": tar_header("d/", kind=tarfile.AREGTYPE) + tar_file("d/a") + TAR_END,
    "nothing": bytes(10240),
    "nothing, gzip": gzip.compress(bytes(10240)),
    "nothing, bzip2": bz2.compress(bytes(10240)),
    "nothing, xz": lzma.compress(bytes(10240)),
    "padding": gzip.compress(ONE) + bytes(200_000),
    "xz padding": lzma.compress(ONE) + bytes(8),
    "xz -9": lzma.compress(ONE, preset=9),
    "two bzip2 streams": bz2.compress(ONE[:300]) + bz2.compress(ONE[300:]),
    "records of 1 MiB": ONE.ljust(1 << 20, b"\0"),
}


@pytest.mark.parametrize("data", SPECIAL.values(), ids=SPECIAL.keys())
def test_two_readings_are_refused(tmp_path: Path, data: bytes) -> None:
    assert decide(tmp_path, data) == "E_SPECIAL_TYPE"


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_stream_that_is_not_sound(tmp_path: Path, data: bytes) -> None:
    assert decide(tmp_path, data) == "E_FILE_SIZE_STREAM"


@pytest.mark.parametrize("data", SOUND.values(), ids=SOUND.keys())
def test_one_reading_is_accepted(tmp_path: Path, data: bytes) -> None:
    assert decide(tmp_path, data) == "ok"


def test_a_tar_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    for size in range(0, len(ONE), 7):
        assert decide(tmp_path, ONE[:size]) in ("E_SPECIAL_TYPE", "E_FILE_SIZE_STREAM")


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, GLOBAL])
def test_headers_that_only_describe_count_as_content_does(tmp_path: Path, kind: bytes) -> None:
    text = {"comment": "x" * 16_000}
    members = b"".join(pax_header(text, kind) + tar_file(str(i), b"") for i in range(500))
    assert decide(tmp_path, gzip.compress(members + TAR_END)) == "E_BOMB_RATIO"


def test_keys_of_global_headers_are_not_collected(tmp_path: Path) -> None:
    headers = [{f"k{i}.{j}": "" for j in range(900)} for i in range(60)]
    members = b"".join(pax_header(each, GLOBAL) + tar_file(f"{i}", b"") for i, each in enumerate(headers))
    data = members + TAR_END
    started = time.monotonic()
    assert peak_memory(lambda: decide(tmp_path, data)) < 3_000_000
    assert time.monotonic() - started < 10


def test_streams_have_a_largest_number(tmp_path: Path) -> None:
    data = bz2.compress(ONE) + bz2.compress(b"") * 70_000
    assert decide(tmp_path, data) == "E_BOMB_RATIO"
