"""What a client remembers: private, whole, and kind to a lost folder; and a secret that never shows itself."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from stack.common.errors import StackError
from stack.config.cache import Cache
from stack.config.secret import Secret


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / ".stack" / "demo")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_is_written_is_private_with_all_folders_above_it(cache: Cache) -> None:
    path = cache.write("compose/password", "word")
    assert [mode(p) for p in (path, path.parent, cache.folder, cache.folder.parent)] == [
        0o600,
        0o700,
        0o700,
        0o700,
    ]


@pytest.mark.parametrize("shown", [str, repr, "{}".format, "%s".__mod__, lambda s: f"{s:>40}"])
def test_a_secret_does_not_show_itself(shown: object) -> None:
    assert callable(shown)
    assert "hunter2" not in shown(Secret("hunter2"))


def test_records_survive_and_a_broken_one_reads_as_none(cache: Cache) -> None:
    cache.record("verdicts.json", {"a": 1})
    assert cache.read("verdicts.json") == {"a": 1}
    cache.write("verdicts.json", "{half")
    assert cache.read("verdicts.json") is None
    assert cache.read("never-written.json") is None


def test_a_text_is_read_without_white_space_and_a_lost_or_foreign_one_is_empty(cache: Cache) -> None:
    cache.write("secrets/password", " word\n")
    assert cache.text("secrets/password") == "word"
    (cache.folder / "secrets" / "password").write_bytes(b"\xff\xfe")
    assert cache.text("secrets/password") == ""
    assert cache.text("secrets/other") == ""


def test_nothing_half_written_stays(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.write("record", "old")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(StackError, match="No space left on device: free space"):
        cache.write("record", "new")
    assert (cache.folder / "record").read_text() == "old"


def test_a_record_that_cannot_be_stored_costs_a_memory_only(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "replace", read_only)
    cache.record("verdicts.json", [1])
    assert cache.read("verdicts.json") is None
