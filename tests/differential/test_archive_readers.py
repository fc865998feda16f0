"""Archives as real readers see them: what the gate accepts, every reader unpacks inside the target and alike.

Readers run at their most trusting, and only on what the gate has accepted: a reader may refuse such an archive or stop
within it, but whatever it writes must be in the gate's own extraction, and if it does not complain, all of it.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import pytest

from stack.app.gates.extraction import extract
from stack.app.gates.policy import DEFAULT_POLICY
from stack.app.gates.types import Rejected
from tests.differential.hostile import hostile_tar, hostile_zip
from tests.differential.readers import (
    PACKED_TAR_READERS,
    TAR_READERS,
    ZIP_READERS,
    read_with,
    require_programs,
)
from tests.unit.app.gates.archive_bytes import TAR_END, ZipEntry, tar_file, zip_bytes

Make = Callable[[Random], bytes]


@pytest.fixture(autouse=True, scope="module")
def _programs() -> None:
    require_programs()


def accepted(data: bytes) -> dict[str, bytes] | None:
    """What the gate unpacks; None when it refuses."""
    with tempfile.TemporaryDirectory() as name:
        archive = Path(name) / "archive"
        archive.write_bytes(data)
        target = Path(name) / "out"
        try:
            extract(archive, target, DEFAULT_POLICY.archive, DEFAULT_POLICY.path)
        except Rejected:
            return None
        return {
            str(path.relative_to(target)): path.read_bytes() for path in target.rglob("*") if path.is_file()
        }


def plain(name: str) -> str:
    """A name without its character set, of which a zip often says nothing."""
    return re.sub(r"[^ -~]+", "?", name)


def same(ours: bytes | None, theirs: bytes, whole: bool) -> bool:
    """A reader that complains may have stopped within a file."""
    return ours is not None and (ours == theirs or (not whole and ours.startswith(theirs)))


def differences(data: bytes, suffix: str, readers: Sequence[str], expected: dict[str, bytes]) -> list[str]:
    """What is wrong with the readings of an accepted archive."""
    wrong = []
    for reader in {*ZIP_READERS, *TAR_READERS} - {*readers, "7z"}:
        outside = {name for name in read_with(reader, data, suffix).files if name.startswith(("..", "/"))}
        if outside:
            wrong.append(f"{reader}, which is for another format: {sorted(outside)}")
    ours = {plain(name): content for name, content in expected.items()}
    for reader in readers:
        reading = read_with(reader, data, suffix)
        theirs = {plain(name): content for name, content in reading.files.items()}
        other = {name for name, content in theirs.items() if not same(ours.get(name), content, reading.whole)}
        missing = ours.keys() - theirs.keys() if reading.whole else ()
        if other or missing:
            wrong.append(f"{reader}: {sorted(other)} are not as in the gate, {sorted(missing)} are missing")
    return wrong


@pytest.mark.parametrize("reader", ["python zipfile", "bsdtar", "bsdtar, streaming", "unzip"])
def test_a_reader_of_zips_would_show_a_member_that_climbs(reader: str) -> None:
    assert "../evil" in read_with(reader, zip_bytes(ZipEntry(b"../evil")), ".zip").files


@pytest.mark.parametrize("reader", PACKED_TAR_READERS)
def test_a_reader_of_tars_would_show_a_member_that_climbs(reader: str) -> None:
    assert "../evil" in read_with(reader, tar_file("../evil") + TAR_END, ".tar").files


CORPORA = {
    "tar": (hostile_tar, ".tar", TAR_READERS, 500),
    "tar.gz": (lambda random: gzip.compress(hostile_tar(random)), ".tar.gz", PACKED_TAR_READERS, 100),
    "tar.bz2": (lambda random: bz2.compress(hostile_tar(random)), ".tar.bz2", PACKED_TAR_READERS, 80),
    "tar.xz": (lambda random: lzma.compress(hostile_tar(random)), ".tar.xz", PACKED_TAR_READERS, 80),
    "zip": (hostile_zip, ".zip", ZIP_READERS, 450),
}


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(("make", "suffix", "readers", "count"), CORPORA.values(), ids=CORPORA.keys())
def test_what_is_accepted_reads_the_same_everywhere(
    make: Make, suffix: str, readers: Sequence[str], count: int, seed: int
) -> None:
    random = Random(f"{suffix} {seed}")
    read = 0
    for number in range(count):
        data = make(random)
        expected = accepted(data)
        if expected is None:
            continue
        read += 1
        wrong = differences(data, suffix, readers, expected)
        assert not wrong, f"archive {number} of seed {seed}: {wrong}\n{data.hex()}"
    assert count // 10 < read < count * 9 // 10
