"""extraction_gate measures what is inside archives inside archives, also where those lie or are damaged."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import threading
import zipfile
from pathlib import Path

import pytest

from stack.app.cancel import NESTED
from stack.app.gates.extraction import inspect
from stack.app.gates.policy import DEFAULT_POLICY
from tests.unit.app.gates.archive_bytes import (
    TAR_END,
    TEXT,
    ZipEntry,
    pax_header,
    tar_file,
    tar_header,
    zip_bytes,
)
from tests.unit.app.gates.gate_support import NOISE, decide, make_tar, make_zip, save

ZEROS = bytes(10_000_000)
BOMB = bytes(make_zip([("z", ZEROS)]))
SMALL = {"size": 10}
HUGE = {"size": 2**31}
UNKNOWN_TYPE = b"Z"


def sparse_in(pack: str) -> bytes:
    member = pax_header({"GNU.sparse.major": "1"}) + tar_file("z", ZEROS) + TAR_END
    return lzma.compress(member) if pack == "xz" else bz2.compress(member)


REFUSED = {
    "a small size is declared": zip_bytes(ZipEntry(b"z", ZEROS, local=SMALL, record=SMALL)),
    "behind damaged data": zip_bytes(
        ZipEntry(b"a", record={"crc": 1}, local={"crc": 1}), ZipEntry(b"z", ZEROS)
    ),
    "behind an encrypted entry": zip_bytes(ZipEntry(b"a", flags=1), ZipEntry(b"z", ZEROS)),
    "before trailing junk": BOMB + b"junk",
    "under another local name": zip_bytes(ZipEntry(b"z", ZEROS, local={"name": b"y"})),
    "with other local sizes": zip_bytes(ZipEntry(b"z", ZEROS, local={"size": 5})),
    "with a gap": zip_bytes(ZipEntry(b"z", ZEROS), gap=b"gap"),
    "of an unknown method": zip_bytes(ZipEntry(b"z", method=9, packed=b"?", local=HUGE, record=HUGE)),
    "as a sparse file, xz": sparse_in("xz"),
    "as a sparse file, bzip2": sparse_in("bz2"),
    "as an unknown type": bz2.compress(tar_file("z", ZEROS, UNKNOWN_TYPE) + TAR_END),
    "cut off": gzip.compress(tar_file("z", ZEROS)),
    "cut off, alone": gzip.compress(ZEROS)[:-5],
    "in headers": gzip.compress(
        b"".join(pax_header({"comment": "x" * 16_000}) + tar_file(str(i), b"") for i in range(2500)) + TAR_END
    ),
    "in a plain tar": bytes(make_tar([("i.zip", BOMB)])),
    "in a zip in a tar": bytes(make_tar([("i.zip", bytes(make_zip([("j.zip", BOMB)])))])),
}


@pytest.mark.parametrize("inner", REFUSED.values(), ids=REFUSED.keys())
def test_a_bomb_inside_that_hides(tmp_path: Path, inner: bytes) -> None:
    for folder, data in (
        ("zip", make_zip([("i", inner)], 0)),
        ("tar", make_tar([("ok", b"1"), ("i", inner)])),
    ):
        (tmp_path / folder).mkdir()
        assert decide(tmp_path / folder, data) in ("E_BOMB_RATIO", "E_ENTRY_RATIO", "E_FILE_SIZE")


def packed(inner: bytes, times: int) -> bytes:
    for _ in range(times):
        inner = bytes(make_tar([("noise", NOISE), ("inner", inner)], "w:xz"))
    return inner


def test_xz_in_xz_in_xz_is_too_much_memory(tmp_path: Path) -> None:
    lzma_zip = bytes(make_zip([("a", NOISE), ("b", TEXT)], zipfile.ZIP_LZMA))
    for folder, data, code in (
        ("two", packed(b"x", 2), "ok"),
        ("zips", packed(lzma_zip, 1), "ok"),
        ("three", packed(b"x", 3), "E_BOMB_RATIO"),
        ("zip", packed(lzma_zip, 2), "E_BOMB_RATIO"),
        ("side", make_tar([(str(i), packed(b"x", 1)) for i in range(4)]), "ok"),
    ):
        (tmp_path / folder).mkdir()
        assert decide(tmp_path / folder, data) == code


def test_an_inner_dictionary_without_measure(tmp_path: Path) -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 30}]
    inner = lzma.compress(tar_file() + TAR_END, filters=filters)
    assert decide(tmp_path, make_tar([("i.tar.xz", inner)])) == "E_SPECIAL_TYPE"


def test_a_size_is_allowed_inside_as_it_is_outside(tmp_path: Path) -> None:
    inner = tar_header("z", 200 << 20) + TEXT
    assert decide(tmp_path, make_tar([("i.tar", inner)])) == "E_FILE_SIZE"


def test_one_at_a_time_looks_into_nested_archives(tmp_path: Path) -> None:
    """Each may need a dictionary of 64 MiB more."""
    archive = save(tmp_path, make_tar([("inner.zip", bytes(make_zip([("a", b"1")])))]))
    decided = threading.Event()

    def ask() -> None:
        inspect(archive, DEFAULT_POLICY.archive, DEFAULT_POLICY.path)
        decided.set()

    with NESTED.held():
        asking = threading.Thread(target=ask)
        asking.start()
        assert not decided.wait(0.1)
    assert decided.wait(30)
    asking.join()


PLAIN = {
    "a folder of zeros": bytes(200_000),
    "a disk image of zeros": bytes(3_000_000),
    "a compressed file of zeros": gzip.compress(bytes(200_000)),
    "a zip with junk": zip_bytes(ZipEntry()) + b"junk",
    "a zip with a wrong size": zip_bytes(ZipEntry(record=SMALL)),
    "half a tar": tar_file("a", NOISE)[:1000],
    "a tar without its end": tar_file(),
    "no zip at all": b"PK\3\4" + NOISE,
    "a zip that ends too soon": b"PK\3\4" + struct.pack("<L", 1),
}


@pytest.mark.parametrize("inner", PLAIN.values(), ids=PLAIN.keys())
def test_what_is_no_sound_archive_is_plain_data(tmp_path: Path, inner: bytes) -> None:
    assert decide(tmp_path, make_tar([("noise", NOISE), ("inner", inner)])) == "ok"
