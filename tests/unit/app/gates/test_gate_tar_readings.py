"""extraction_gate and tars that two readers would read differently (CWE-436), and those that only look so."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
import time
from pathlib import Path

import pytest

from tests.unit.app.gates.archive_bytes import TAR_END, TEXT, padded, pax_header, tar_file, tar_header
from tests.unit.app.gates.gate_support import decide, peak_memory

GLOBAL = tarfile.XGLTYPE
SOLARIS = tarfile.SOLARIS_XHDTYPE
LONG_NAME = tarfile.GNUTYPE_LONGNAME
ONE = tar_file() + TAR_END


def after(*records: dict[str, str], kind: bytes = tarfile.XHDTYPE, member: bytes = tar_file()) -> bytes:
    """A member behind extended headers."""
    return b"".join(pax_header(each, kind) for each in records) + member + TAR_END


SPECIAL = {
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
    "junk after the stream": gzip.compress(ONE) + b"junk",
    "junk after padding": gzip.compress(ONE) + bytes(200_000) + b"junk",
}
SOUND = {
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
