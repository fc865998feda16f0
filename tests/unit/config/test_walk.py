"""Folders that people keep: links count, and what cannot be followed or read is named. Nothing is unbounded."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stack.config import walk as module
from stack.config.walk import walk
from stack.model.left_out import LeftOut


def found(root: Path) -> tuple[dict[str, bytes], dict[str, LeftOut]]:
    listed = list(walk(root, "own"))
    files = dict(one for one in listed if not isinstance(one, LeftOut))
    return files, {one.path: one for one in listed if isinstance(one, LeftOut)}


def test_files_folders_and_links_to_both_count(tmp_path: Path) -> None:
    elsewhere, root = tmp_path / "elsewhere", tmp_path / "own"
    (elsewhere / "deep").mkdir(parents=True)
    (elsewhere / "deep" / "a.yml").write_bytes(b"a")
    (root / "team one").mkdir(parents=True)
    (root / "team one" / "ü.yml").write_bytes(b"b")
    (root / "folder").symlink_to(elsewhere)
    (root / "again").symlink_to(elsewhere)
    (root / "file.yml").symlink_to(elsewhere / "deep" / "a.yml")
    files, left_out = found(root)
    assert files == {
        "own/again/deep/a.yml": b"a",
        "own/file.yml": b"a",
        "own/folder/deep/a.yml": b"a",
        "own/team one/ü.yml": b"b",
    }
    assert not left_out


def test_what_cannot_be_followed_or_read_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_bytes(b"a")
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "up").symlink_to(tmp_path)
    (tmp_path / "self").symlink_to("self")
    (tmp_path / "gone.yml").symlink_to("nowhere.yml")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_bytes(b"x")
    os.mkfifo(tmp_path / "pipe.yml")
    (tmp_path / "\udcff").mkdir()
    files, left_out = found(tmp_path)
    assert files == {"own/a.yml": b"a"}
    told = {path: (one.why, one.weight) for path, one in left_out.items()}
    assert told == {
        "own/.git": ("its name begins with a dot", "quiet"),
        "own/gone.yml": ("a link that leads nowhere, to nowhere.yml", "fault"),
        "own/inner/up": ("a link back to a folder that it lies in", "fault"),
        "own/pipe.yml": ("neither a file nor a folder", "unused"),
        "own/self": ("a link that leads back to itself", "fault"),
        "own/\udcff": ("its name is not UTF-8", "fault"),
    }


def test_two_links_that_lead_to_each_other(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    (one / "to").symlink_to(two)
    (two / "to").symlink_to(one)
    _, left_out = found(tmp_path)
    assert set(left_out) == {"own/one/to/to", "own/two/to/to"}


def test_a_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "own").write_text("")
    _, left_out = found(tmp_path / "own")
    assert left_out["own"].hint == "a folder is needed here"


def test_a_link_to_nowhere_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "own").symlink_to(tmp_path / "nowhere")
    _, left_out = found(tmp_path / "own")
    assert left_out["own"].weight == "fault"


def test_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    (tmp_path / "b").write_bytes(b"1")
    (tmp_path / "c" / "d").mkdir(parents=True)
    monkeypatch.setattr(module, "MAX_BYTES", 4)
    monkeypatch.setattr(module, "MAX_DEPTH", 1)
    files, left_out = found(tmp_path)
    assert files == {"own/b": b"1"}
    assert str(left_out["own/a"]) == "own/a: 5 bytes"
    assert left_out["own/c/d"].why == "more than 1 folders deep"
    monkeypatch.setattr(module, "MAX_FILES", 1)
    assert found(tmp_path)[1]["own"].why == "more than 1 files"


def test_an_unreadable_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(b"")

    def refuse(*args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert found(tmp_path)[1]["own/a"] == LeftOut(
        "own/a", "Permission denied", "mend its permissions", "fault"
    )


def test_a_name_is_told_on_one_line() -> None:
    assert str(LeftOut("own/a\nb\udcff ü", "x")) == "own/a\\nb\\udcff \\xfc: x"
    assert str(LeftOut("own/ü 1", "x")) == "own/ü 1: x"
