"""extraction_gate against archives built to exhaust: ratios, overlaps, nesting, lying sizes, hostile headers."""

from __future__ import annotations

import gzip
import struct
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from stack.app.gates.extraction import extract, inspect
from stack.app.gates.policy import DEFAULT_POLICY
from tests.unit.app.gates.gate_support import (
    NOISE,
    PLAIN,
    code_of,
    decide,
    make_tar,
    make_zip,
    overlapping_zip,
    peak_memory,
    rejection,
    save,
    tar_member,
    zip_record,
)

ZEROS = bytes(10_000_000)


@pytest.mark.parametrize(
    "data",
    [
        make_zip([("z", ZEROS)]),
        make_zip([("z", ZEROS)], zipfile.ZIP_BZIP2),
        make_zip([("z", ZEROS)], zipfile.ZIP_LZMA),
        make_zip([(f"z{i}", ZEROS[:200_000]) for i in range(30)]),
        make_tar([("z", ZEROS)], "w:gz"),
        make_tar([("z", ZEROS)], "w:bz2"),
        make_tar([("z", ZEROS)], "w:xz"),
        make_tar([("ok", b"1")]).ljust(5_000_000, b"\0"),
    ],
    ids=["deflate", "bzip2", "lzma", "many", "tar.gz", "tar.bz2", "tar.xz", "trailer"],
)
def test_the_whole_ratio(tmp_path: Path, data: bytearray) -> None:
    assert decide(tmp_path, data) == "E_BOMB_RATIO"


def test_one_entry_hidden_among_honest_ones(tmp_path: Path) -> None:
    assert decide(tmp_path, make_zip([("noise", NOISE), ("z", ZEROS[:1_000_000])])) == "E_ENTRY_RATIO"


def test_a_small_file_may_pack_as_well_as_it_likes(tmp_path: Path) -> None:
    assert decide(tmp_path, make_zip([("z", ZEROS[:262_144])])) == "ok"


def test_entries_that_overlap(tmp_path: Path) -> None:
    assert decide(tmp_path, overlapping_zip(NOISE, ["a", "a", "a"])) == "E_BOMB_RATIO"


def test_an_entry_that_runs_into_the_directory(tmp_path: Path) -> None:
    data = make_zip([("a", NOISE[:100])], zipfile.ZIP_STORED)
    struct.pack_into("<LL", data, zip_record(data) + 20, 120, 120)
    assert decide(tmp_path, data) == "E_BOMB_RATIO"


def nest(data: bytes | bytearray, levels: int) -> bytes:
    for _ in range(levels):
        data = make_zip([("inner.zip", bytes(data))], zipfile.ZIP_STORED)
    return bytes(data)


@pytest.mark.parametrize(
    "inner", [make_zip([("z", ZEROS)]), make_tar([("z", ZEROS)], "w:xz"), gzip.compress(ZEROS)]
)
def test_a_bomb_inside(tmp_path: Path, inner: bytes) -> None:
    assert decide(tmp_path, nest(inner, 1)) == "E_BOMB_RATIO"
    assert decide(tmp_path, make_tar([("ok", b"1"), ("inner", bytes(inner))])) == "E_BOMB_RATIO"


def test_a_bomb_behind_a_link_inside(tmp_path: Path) -> None:
    link = tar_member("l", type=tarfile.SYMTYPE, linkname="/x")
    assert (
        decide(tmp_path, make_zip([("i.tar.xz", bytes(make_tar([(link, b""), ("z", ZEROS)], "w:xz")))]))
        == "E_BOMB_RATIO"
    )


def test_nesting_has_an_end(tmp_path: Path) -> None:
    assert decide(tmp_path, nest(make_zip([("x", b"1")]), 4)) == "E_BOMB_RATIO"
    assert decide(tmp_path, nest(make_zip([("x", b"1")]), 3)) == "ok"


def test_ordinary_archives_inside(tmp_path: Path) -> None:
    inner = [
        ("a.docx", bytes(make_zip(PLAIN))),
        ("l.gz", gzip.compress(NOISE)),
        ("t.tgz", bytes(make_tar(PLAIN, "w:gz"))),
    ]
    damaged = [("cut.zip", bytes(make_zip(PLAIN))[:2000]), ("odd.gz", b"\x1f\x8b\x08" + NOISE[:600])]
    assert decide(tmp_path, make_zip(inner + damaged)) == "ok"


def lying_zip(declared: int, content: bytes = b"hello world" * 100) -> bytearray:
    data = make_zip([("a", content)])
    struct.pack_into("<L", data, zip_record(data) + 24, declared)
    return data


@pytest.mark.parametrize(
    ("declared", "code"), [(5, "E_FILE_SIZE_STREAM"), (50_000, "E_FILE_SIZE_STREAM"), (2**31, "E_BOMB_RATIO")]
)
def test_a_size_that_lies(tmp_path: Path, declared: int, code: str) -> None:
    assert decide(tmp_path, lying_zip(declared)) == code


def test_a_bomb_that_declares_a_small_size_stops_at_it(tmp_path: Path) -> None:
    archive = save(tmp_path, lying_zip(10, ZEROS))
    refused = rejection(extract, archive, tmp_path / "out", DEFAULT_POLICY.archive, DEFAULT_POLICY.path)
    assert refused.error_code == "E_FILE_SIZE_STREAM"


def test_declared_too_large(tmp_path: Path) -> None:
    policy = replace(DEFAULT_POLICY.archive, max_file_bytes=1000)
    assert decide(tmp_path, make_zip([("a", NOISE[:1001])]), policy) == "E_FILE_SIZE"


def test_a_wrong_checksum(tmp_path: Path) -> None:
    data = make_zip([("a", NOISE[:1000])], zipfile.ZIP_STORED)
    data[500] ^= 1
    assert decide(tmp_path, data) == "E_FILE_SIZE_STREAM"


def test_a_hundred_thousand_entries_are_refused_without_reading_them(tmp_path: Path) -> None:
    data = make_zip([(f"f{i}", b"") for i in range(100_000)], zipfile.ZIP_STORED)
    archive = save(tmp_path, data)
    del data
    decisions: list[str] = []
    peak = peak_memory(
        lambda: decisions.append(code_of(inspect, archive, DEFAULT_POLICY.archive, DEFAULT_POLICY.path))
    )
    assert decisions == ["E_ENTRY_BUDGET"]
    assert peak < 2_000_000


def test_an_entry_count_that_lies(tmp_path: Path) -> None:
    policy = replace(DEFAULT_POLICY.archive, max_entries=50)
    data = make_zip([(f"f{i}", b"") for i in range(100)], zipfile.ZIP_STORED)
    struct.pack_into("<HH", data, data.rindex(b"PK\5\6") + 8, 3, 3)
    assert decide(tmp_path, data, policy) == "E_ENTRY_BUDGET"
    assert decide(tmp_path, data) == "E_SPECIAL_TYPE"


def test_many_entries_in_a_tar(tmp_path: Path) -> None:
    policy = replace(DEFAULT_POLICY.archive, max_entries=500)
    assert (
        decide(tmp_path, make_tar([(f"f{i}", b"") for i in range(501)], "w:gz"), policy) == "E_ENTRY_BUDGET"
    )


@pytest.mark.parametrize(
    "kind",
    [
        tarfile.SYMTYPE,
        tarfile.LNKTYPE,
        tarfile.CHRTYPE,
        tarfile.BLKTYPE,
        tarfile.FIFOTYPE,
        tarfile.CONTTYPE,
        tarfile.GNUTYPE_SPARSE,
        b"Z",
    ],
)
def test_special_members_of_a_tar(tmp_path: Path, kind: bytes) -> None:
    member = tar_member("special", type=kind, linkname="/etc/passwd")
    assert decide(tmp_path, make_tar([("ok", b"1"), (member, b"")])) == "E_SPECIAL_TYPE"


@pytest.mark.parametrize("mode", [0o120777, 0o020666, 0o060666, 0o010666, 0o140777])
def test_special_members_of_a_zip(tmp_path: Path, mode: int) -> None:
    info = zipfile.ZipInfo("special")
    info.create_system, info.external_attr = 3, mode << 16
    assert decide(tmp_path, make_zip([(info, b"/etc/passwd")])) == "E_SPECIAL_TYPE"


def patched_zip(offset: int, value: int) -> bytearray:
    """A one-entry zip with a 16-bit field of local header and directory record changed."""
    data = make_zip([("a", NOISE[:100])], zipfile.ZIP_STORED)
    struct.pack_into("<H", data, offset, value)
    struct.pack_into("<H", data, zip_record(data) + offset + 2, value)
    return data


@pytest.mark.parametrize(
    "data",
    [patched_zip(6, 1), patched_zip(6, 0x40), patched_zip(8, 9), patched_zip(8, 93), patched_zip(8, 99)],
    ids=["encrypted", "strong", "deflate64", "zstd", "aes"],
)
def test_entries_that_cannot_be_looked_into(tmp_path: Path, data: bytearray) -> None:
    assert decide(tmp_path, data) == "E_SPECIAL_TYPE"


def test_what_one_tool_reads_and_another_does_not(tmp_path: Path) -> None:
    data = make_zip([("innocent.txt", b"1")])
    renamed = bytes(data).replace(b"innocent.txt", b"../../bad.sh", 1)
    prefixed = b"MZ" + bytes(data)
    twice = bytes(data) + bytes(make_zip([("other", b"2")]))
    assert [decide(tmp_path, each) for each in (renamed, prefixed, twice)] == ["E_SPECIAL_TYPE"] * 3


PAX = {
    "negative": ({"size": "-512"}, "E_SPECIAL_TYPE"),
    "no number": ({"size": "many"}, "E_SPECIAL_TYPE"),
    "huge": ({"size": "9" * 30}, "E_FILE_SIZE"),
    "path": ({"path": "../../etc/cron.d/x"}, "E_TRAVERSAL"),
    "NUL": ({"path": "a\0b"}, "E_TRAVERSAL"),
    "sparse": (
        {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "99999999999"},
        "E_SPECIAL_TYPE",
    ),
    "large": ({"comment": "x" * 20_000}, "E_SPECIAL_TYPE"),
    "plain": ({"comment": "x" * 2000, "mtime": "1.5"}, "ok"),
}


@pytest.mark.parametrize(("headers", "code"), PAX.values(), ids=PAX.keys())
def test_pax_headers(tmp_path: Path, headers: dict[str, str], code: str) -> None:
    member = tar_member("a", pax_headers=headers)
    assert decide(tmp_path, make_tar([(member, b"1\n0\n1\n".ljust(1024, b"x"))])) == code


def raw_header(**fields: object) -> bytes:
    return tar_member("p", **fields).tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize(
    "data",
    [
        raw_header(type=tarfile.XHDTYPE) * 3000,
        raw_header(type=tarfile.GNUTYPE_LONGNAME, size=2**40) + bytes(4096),
        raw_header(size=-1) + bytes(1024),
        raw_header() + b"damaged header" * 100 + bytes(1024),
        raw_header(size=10) + b"x" * 5,
        raw_header(type=tarfile.DIRTYPE, size=512) + raw_header() + bytes(1024),
        raw_header(type=tarfile.SYMTYPE, size=512) + raw_header() + bytes(1024),
        raw_header(type=tarfile.XHDTYPE, size=8)
        + b"99 a=b\n\n".ljust(512, b"\0")
        + raw_header()
        + bytes(1024),
        raw_header(type=tarfile.XHDTYPE, size=8)
        + b"-8 a=b\n\n".ljust(512, b"\0")
        + raw_header()
        + bytes(1024),
        raw_header(),
    ],
    ids=[
        "chain",
        "long name",
        "negative",
        "damaged",
        "cut",
        "folder",
        "link",
        "long pax",
        "signed pax",
        "no end",
    ],
)
def test_hostile_tar_headers(tmp_path: Path, data: bytes) -> None:
    assert decide(tmp_path, data) in ("E_SPECIAL_TYPE", "E_FILE_SIZE_STREAM")


def test_garbage_after_a_compressed_stream(tmp_path: Path) -> None:
    assert decide(tmp_path, bytes(make_tar(PLAIN, "w:gz")) + b"garbage") == "E_FILE_SIZE_STREAM"


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
def test_memory_stays_bounded_however_well_data_packs(tmp_path: Path, mode: str) -> None:
    policy = replace(DEFAULT_POLICY.archive, max_ratio=1e9)
    archive = save(tmp_path, make_tar([("z", bytes(60_000_000))], mode))
    assert peak_memory(lambda: extract(archive, tmp_path / "out", policy, DEFAULT_POLICY.path)) < 12_000_000
    assert (tmp_path / "out" / "z").stat().st_size == 60_000_000
