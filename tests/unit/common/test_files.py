"""Files and folders that an interruption cannot leave half made."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest

from stack.common.files import (
    clear_unfinished,
    exclusive,
    folder_once,
    naming,
    read_json,
    unusable,
    write_atomically,
)


def failing(number: int, *names: str) -> OSError:
    """The error as the operating system gives it."""
    return OSError(number, os.strerror(number), *names)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM])
def test_a_disk_that_cannot_be_written_is_told_with_place_and_remedy(number: int, tmp_path: Path) -> None:
    with pytest.raises(OSError) as caught, naming(tmp_path / "x"):
        raise failing(number)
    told = unusable(caught.value)
    assert told is not None
    assert told.message == f"{tmp_path}/x cannot be used: {os.strerror(number)}"
    assert "STACK_HOME, STACK_CACHE, TMPDIR" in told.hint
    nameless = unusable(failing(number))
    assert nameless is not None and nameless.message.startswith("a temporary file in /")


def test_an_error_that_knows_its_file_keeps_it() -> None:
    with pytest.raises(OSError) as caught, naming(Path("other")):
        raise failing(errno.ENOSPC, "/its/own")
    assert caught.value.filename == "/its/own"
    assert unusable(failing(errno.ENOENT, "x")) is None


def test_a_full_disk_under_an_atomic_write_names_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, target: Path) -> Path:
        raise failing(errno.ENOSPC)

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError) as caught:
        write_atomically(tmp_path / "kept", b"x")
    assert caught.value.filename == str(tmp_path / "kept")
    assert list(tmp_path.iterdir()) == []


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
