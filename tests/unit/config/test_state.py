"""Secrets, records and the lock: private, whole, and kind to a lost folder."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from stack.common.errors import Busy, StackError
from stack.config.secret import Secret


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / ".stack" / "demo")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_secret_is_made_once_and_kept_private(state: State) -> None:
    first = state.secret("password")
    assert len(first.reveal()) >= 24
    assert state.secret("password").reveal() == first.reveal()
    path = state.folder / "secrets" / "password"
    assert [mode(p) for p in (path, path.parent, state.folder, state.folder.parent)] == [
        0o600,
        0o700,
        0o700,
        0o700,
    ]


def test_two_secrets_differ(state: State) -> None:
    assert state.secret("one").reveal() != state.secret("two").reveal()


def test_an_empty_secret_file_is_replaced(state: State) -> None:
    state.write("secrets/password", "\n")
    assert state.secret("password").reveal()


@pytest.mark.parametrize("shown", [str, repr, "{}".format, "%s".__mod__, lambda s: f"{s:>40}"])
def test_a_secret_does_not_show_itself(shown: object) -> None:
    assert callable(shown)
    assert "hunter2" not in shown(Secret("hunter2"))


def test_records_survive_and_a_broken_one_reads_as_none(state: State) -> None:
    state.record("proof.json", {"a": 1})
    assert state.read("proof.json") == {"a": 1}
    state.write("proof.json", "{half")
    assert state.read("proof.json") is None
    assert state.read("never-written.json") is None


def test_nothing_half_written_stays(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    state.write("record", "old")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(StackError, match="No space left on device: free space"):
        state.write("record", "new")
    assert (state.folder / "record").read_text() == "old"


def test_the_lock_admits_one_and_names_the_holder(state: State) -> None:
    with state.lock():
        with pytest.raises(Busy, match=f"process {os.getpid()}") as error, state.lock():
            pass
        assert error.value.exit_code == 5
    with state.lock():
        assert (state.folder / "lock").read_text() == str(os.getpid())


def test_a_secret_that_is_no_text_is_named_and_never_replaced_in_silence(state: State) -> None:
    path = state.folder / "secrets" / "password"
    state.secret("password")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(StackError, match="secrets/password cannot be read: not text: mend"):
        state.secret("password")
    assert path.read_bytes() == b"\xff\xfe"
