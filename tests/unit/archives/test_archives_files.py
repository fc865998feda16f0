"""An archive is what was put in; whatever else lies at its place is refused, and nothing half written is left."""

from __future__ import annotations

import hashlib
import os
import tarfile
from pathlib import Path

import pytest

from stack.archives.manifest import FORMAT, NAME
from stack.archives.reading import archives_in, open_archive
from stack.archives.writing import UNFINISHED, writing
from stack.common.errors import ArchiveRefused, UsageError
from tests.unit.archives.archive_samples import file, forged, manifest, member, tar_of, written, zipped


def test_what_was_put_in_comes_out_and_other_tools_read_it(tmp_path: Path) -> None:
    data = tar_of(file("a", os.urandom(3_000_000)))
    archive = open_archive(written(tmp_path / "a.backup.tar", data))
    told: list[int] = []
    archive.verify(told.append)
    (one,) = archive.manifest.members
    assert b"".join(archive.content(one)) == data and told[-1] == one.content == len(data)
    assert (archive.manifest.stack, archive.manifest.kept.sample) == ("monitoring", 5.0)
    with tarfile.open(archive.path) as tar:
        assert tar.getnames() == ["prometheus.tar.zst", NAME, "manifest.sha256"]
        inside = tar.extractfile(one.name)
        assert inside and hashlib.sha256(inside.read()).hexdigest() == one.sha256
    assert archive.path.stat().st_mode & 0o777 == 0o600


def test_a_file_that_was_cut_anywhere_is_refused(tmp_path: Path) -> None:
    whole = written(tmp_path / "a.backup.tar").read_bytes()
    cut = tmp_path / "cut.backup.tar"
    for length in range(0, len(whole) - 1024, 256):
        cut.write_bytes(whole[:length])
        with pytest.raises(ArchiveRefused):
            open_archive(cut).verify()


def test_a_byte_that_was_changed_anywhere_is_refused_or_means_nothing(tmp_path: Path) -> None:
    path = written(tmp_path / "a.backup.tar")
    whole = path.read_bytes()
    before = open_archive(path)
    content = [b"".join(before.content(one)) for one in before.manifest.members]
    refused = 0
    for at in range(0, len(whole), 37):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x41]) + whole[at + 1 :])
        try:
            found = open_archive(path)
            assert [b"".join(found.content(one)) for one in found.manifest.members] == content, at
            assert found.manifest == before.manifest
        except ArchiveRefused:
            refused += 1
    assert refused > 30


def test_what_unpacks_to_more_than_the_manifest_says_is_refused_at_once(tmp_path: Path) -> None:
    raw = zipped(b"\0" * 50_000_000)
    path = forged(tmp_path / "bomb", {"app.tar.zst": raw}, manifest([member("app.tar.zst", raw, 1000)]))
    archive = open_archive(path)
    got = archive.content(archive.manifest.members[0])
    with pytest.raises(ArchiveRefused, match="it unpacks to more than the 1000 bytes it should"):
        next(got)


def test_other_bytes_under_the_name_of_a_member_are_refused(tmp_path: Path) -> None:
    good, evil = zipped(b"good"), zipped(b"evil")
    path = forged(tmp_path / "evil", {"app.tar.zst": evil}, manifest([member("app.tar.zst", good, 4)]))
    archive = open_archive(path)
    with pytest.raises(ArchiveRefused, match=r"app\.tar\.zst: its SHA-256 is not that of the manifest"):
        archive.verify()


@pytest.mark.parametrize(
    "name", ["../app.tar.zst", "/etc/passwd", "app.sh", "App.tar.zst", "x" * 200 + ".age"]
)
def test_members_that_no_backup_writes_are_refused(tmp_path: Path, name: str) -> None:
    raw = zipped(b"x")
    path = forged(tmp_path / "odd", {name: raw}, manifest([member(name, raw, 1)]))
    with pytest.raises(ArchiveRefused, match="which no backup writes"):
        open_archive(path)


def test_links_and_members_beside_the_manifest_are_refused(tmp_path: Path) -> None:
    raw = zipped(b"x")
    told = manifest([member("app.tar.zst", raw, 1)])
    with pytest.raises(ArchiveRefused, match=r"extra.tar.zst is not as its manifest says"):
        open_archive(forged(tmp_path / "more", {"app.tar.zst": raw, "extra.tar.zst": raw}, told))
    link = tarfile.TarInfo("app.tar.zst")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/shadow"
    (tmp_path / "link").write_bytes(tar_of((link, b"")))
    with pytest.raises(ArchiveRefused, match=r"it holds 'app\.tar\.zst', which no backup writes"):
        open_archive(tmp_path / "link")


def test_another_format_is_told_by_its_number(tmp_path: Path) -> None:
    path = forged(tmp_path / "new", {}, b'{"format": 2, "whatever": []}')
    with pytest.raises(
        ArchiveRefused, match=f"has format 2, this version reads format {FORMAT}: use the version"
    ):
        open_archive(path)
    with pytest.raises(ArchiveRefused, match=r"manifest\.json: Input data was truncated"):
        open_archive(forged(tmp_path / "none", {}, b"{"))
    with pytest.raises(ArchiveRefused, match="is not there"):
        open_archive(tmp_path / "nowhere")
    (tmp_path / "text").write_text("hello")
    with pytest.raises(ArchiveRefused, match="is no whole backup"):
        open_archive(tmp_path / "text")
    (tmp_path / "empty").write_bytes(tar_of())
    with pytest.raises(ArchiveRefused, match=r"it has no manifest\.json"):
        open_archive(tmp_path / "empty")


def test_of_one_that_fails_nothing_is_left_and_what_was_there_stays(tmp_path: Path) -> None:
    path = written(tmp_path / "a.backup.tar")
    before = path.read_bytes()
    with pytest.raises(ZeroDivisionError), writing(path) as writer:
        writer.add("app.tar.zst", [b"x", b"%d" % (1 // 0)])
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_what_killed_commands_left_goes_and_what_a_live_one_writes_stays(tmp_path: Path) -> None:
    dead = tmp_path / f"{UNFINISHED}4194399-x"
    live = tmp_path / f"{UNFINISHED}{os.getpid()}-y"
    dead.write_text("half")
    live.write_text("half")
    written(tmp_path / "a.backup.tar")
    assert not dead.exists() and live.exists()


def test_the_backups_of_a_folder_are_listed_oldest_first_and_others_left_out(tmp_path: Path) -> None:
    written(tmp_path / "b.backup.tar", created="2026-01-01 00:00:00 UTC")
    written(tmp_path / "a.backup.tar", created="2026-01-02 00:00:00 UTC")
    (tmp_path / "c.backup.tar").write_text("no backup")
    written(tmp_path / "other.tar")
    assert [one.path.name for one in archives_in(tmp_path)] == ["b.backup.tar", "a.backup.tar"]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(UsageError, match=r"file/a\.tar cannot be written: .*: -o FILE names another place"):
        written(tmp_path / "file" / "a.tar")
