"""What a member's tar may hold: a path that leads out, a link, a device or a name twice refuses all of it."""

from __future__ import annotations

import io
import tarfile

import pytest

from stack.archives.entries import below, packed_files, stream_of, unpacked_files
from stack.common.errors import ArchiveRefused
from tests.unit.archives.archive_samples import file, folder, tar_of


def pieces(data: bytes) -> list[bytes]:
    """In chunks that fit no block."""
    return [data[at : at + 777] for at in range(0, len(data), 777)]


def test_all_of_it_comes_below_the_folder_with_owners_and_without_odd_permissions() -> None:
    data = tar_of(folder(".", 0o750), folder("wal"), file("wal/0", b"w" * 2000, 0o4755), file("é" * 120, b""))
    out = b"".join(below(".staged", pieces(data), "a"))
    with tarfile.open(fileobj=io.BytesIO(out)) as tar:
        found = {one.name: (one.mode, one.uid, one.size) for one in tar}
        content = tar.extractfile(".staged/wal/0")
        assert content and content.read() == b"w" * 2000
    assert found == {
        ".staged": (0o750, 65534, 0),
        ".staged/wal": (0o755, 65534, 0),
        ".staged/wal/0": (0o755, 65534, 2000),
        f".staged/{'é' * 120}": (0o644, 65534, 0),
    }


@pytest.mark.parametrize(
    "name",
    ["../x", "a/../../x", "/etc/passwd", "wal/..", "a\\..\\b"],
    ids=["up", "deep", "root", "end", "back"],
)
def test_a_path_that_leads_out_is_refused(name: str) -> None:
    with pytest.raises(ArchiveRefused, match="leads out of its folder"):
        list(below("s", [tar_of(file(name))], "evil"))


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]
)
def test_links_and_devices_are_refused(kind: bytes) -> None:
    entry = tarfile.TarInfo("x")
    entry.type, entry.linkname = kind, "/etc/shadow"
    with pytest.raises(
        ArchiveRefused, match="'x' is neither file nor folder: no backup of this program has that"
    ):
        list(below("s", [tar_of((entry, b""))], "evil"))


def test_one_name_twice_is_refused() -> None:
    with pytest.raises(ArchiveRefused, match="is there twice"):
        list(below("s", [tar_of(file("a"), file("./a"))], "evil"))


def test_one_that_is_cut_is_refused() -> None:
    whole = tar_of(file("a", b"x" * 5000))
    for length in (100, 600, 3000):
        with pytest.raises(ArchiveRefused, match="is damaged"):
            list(below("s", pieces(whole[:length]), "cut"))


def test_files_are_packed_and_unpacked_with_their_permissions() -> None:
    packed = packed_files([("own/a.yml", b"a", 0o644), ("own/secrets/b", b"b", 0o600)])
    assert unpacked_files(pieces(packed), "x") == {"own/a.yml": (b"a", 0o644), "own/secrets/b": (b"b", 0o600)}


def test_a_stream_gives_what_its_chunks_hold() -> None:
    stream = stream_of([b"ab", b"", b"cde"])
    assert (stream.read(4), stream.read(), stream.read()) == (b"abcd", b"e", b"")
