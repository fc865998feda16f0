"""Files and folders that an interruption cannot leave half made."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from stack.common.files import clear_unfinished, exclusive, folder_once, read_json, write_atomically


def test_a_failed_fill_leaves_nothing(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        folder_once(tmp_path / "site", fail)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_filled_once(tmp_path: Path) -> None:
    filled: list[Path] = []
    for _ in range(2):
        folder_once(tmp_path / "cache/site", filled.append)
    assert len(filled) == 1


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep/memory.json"
    write_atomically(path, b'{"a": 1}')
    write_atomically(path, b'{"a": 2}')
    assert read_json(path) == {"a": 2}
    assert [p.name for p in path.parent.iterdir()] == ["memory.json"]


def test_a_second_holder_waits_and_says_so(tmp_path: Path) -> None:
    waiting, order = threading.Event(), list[str]()

    def second() -> None:
        with exclusive(tmp_path / "lock", waiting.set):
            order.append("second")

    thread = threading.Thread(target=second)
    with exclusive(tmp_path / "lock", lambda: order.append("waited")):
        thread.start()
        assert waiting.wait(30)
        order.append("first")
    thread.join(30)
    assert order == ["first", "second"]


def test_what_a_killed_process_left_is_cleared(tmp_path: Path) -> None:
    (tmp_path / ".unfinished-abc/deep").mkdir(parents=True)
    (tmp_path / ".unfinished-abc.txt").touch()
    (tmp_path / "site-1").mkdir()
    clear_unfinished(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["site-1"]
