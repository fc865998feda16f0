"""Archives: order, owners, modes, links; and nothing outside the root."""

from __future__ import annotations

import io
import tarfile

import pytest

from stack.engine import archive
from stack.model.spec import ConfigFile


def members(data: bytes) -> list[tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return tar.getmembers()


def test_folders_come_first_and_links_last_in_their_order() -> None:
    data = archive.pack(
        [ConfigFile("v1/b/y", b"2"), ConfigFile("a", b"1")], [("current", "v1"), ("alias", "a")]
    )
    assert [m.name for m in members(data)] == ["v1", "v1/b", "a", "v1/b/y", "current", "alias"]


def test_owner_mode_and_time_are_kept() -> None:
    (folder, file) = members(archive.pack([ConfigFile("s/key", b"k", mode=0o400, uid=472)], mtime=1234.9))
    assert (file.uid, file.gid, file.mode, file.mtime, file.size) == (472, 0, 0o400, 1234, 1)
    assert (folder.isdir(), folder.uid, folder.mode) == (True, 0, 0o755)


def test_the_same_files_give_the_same_bytes() -> None:
    one, two = ConfigFile("a", b"1"), ConfigFile("b/c", b"2")
    assert archive.pack([one, two]) == archive.pack([two, one])


@pytest.mark.parametrize("size", [0, 1, 8192, 8193, 100_000])
def test_nothing_follows_the_end(size: int) -> None:
    """The two empty blocks that end an archive are its last: a reader that stops there has read it all."""
    data = archive.pack([ConfigFile("a", b"x" * size)])
    assert data.endswith(b"\0" * 1024)
    assert len(data) == 512 + (size + 511) // 512 * 512 + 1024
    assert [m.size for m in members(data)] == [size]


@pytest.mark.parametrize("path", ["/etc/x", "../x", "a/../../x", "", "a\0b"])
def test_a_path_outside_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="no path inside"):
        archive.pack([ConfigFile(path, b"")])
    with pytest.raises(ValueError, match="no path inside"):
        archive.pack([], [(path, "target")])


def test_a_file_a_link_and_a_folder_read_back() -> None:
    assert archive.unpack_file(archive.pack([ConfigFile("a", b"text")])) == b"text"
    assert archive.unpack_file(archive.pack([], [("current", "v1")])) == "v1"
    assert archive.unpack_file(archive.pack([ConfigFile("folder/a", b"")])) is None
    assert archive.unpack_file(archive.pack([])) is None


def test_long_and_unusual_names_survive() -> None:
    path = "ü" * 60 + "/" + "x" * 120
    assert members(archive.pack([ConfigFile(path, b"")]))[-1].name == path


def test_owners_that_an_engine_does_not_tell_are_unknown() -> None:
    packed = archive.pack([ConfigFile("a", b"1", mode=0o400, uid=7)])
    assert archive.unpack_tree(io.BytesIO(packed))["a"].uid == 7
    assert archive.unpack_tree(io.BytesIO(packed), owners=False)["a"].uid is None
