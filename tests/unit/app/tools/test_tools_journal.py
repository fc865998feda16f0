"""The queue on disk keeps order, bounds and lines, over crashes and damage."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stack.app.tools.journal import Journal, JournalError, Position


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.journal"))


def drain(journal: Journal, most: int = 3) -> list[bytes]:
    """Everything that waits, acknowledged batch by batch."""
    lines: list[bytes] = []
    while True:
        batch = journal.read(most)
        if not batch.lines and not batch.damaged:
            return lines
        lines += batch.lines
        journal.acknowledge(batch.end)


def reopened(journal: Journal, folder: Path) -> Journal:
    journal.close()
    return Journal(folder)


def test_lines_come_in_order_and_again_until_acknowledged(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for line in (b"one", b"two", b"three"):
        assert journal.append(line)
    assert journal.read(2).lines == journal.read(2).lines == (b"one", b"two")
    journal.acknowledge(journal.read(2).end)
    assert journal.read(2).lines == (b"three",)
    assert journal.acknowledged < journal.end
    assert drain(journal) == [b"three"]
    assert (journal.acknowledged, journal.bytes_waiting) == (journal.end, 0)


@pytest.mark.parametrize("acknowledged", [0, 1, 2, 3])
def test_what_was_not_acknowledged_is_there_after_a_restart(tmp_path: Path, acknowledged: int) -> None:
    journal = Journal(tmp_path)
    lines = [b"0", b"1", b"2"]
    for line in lines:
        journal.append(line)
    if acknowledged:
        journal.acknowledge(journal.read(acknowledged).end)
    again = reopened(journal, tmp_path)
    again.append(b"new")
    assert drain(again) == [*lines[acknowledged:], b"new"]


def test_files_are_cut_and_deleted_once_done(tmp_path: Path) -> None:
    journal = Journal(tmp_path, file_bytes=50)
    for number in range(20):
        journal.append(b"%d" % number)
    assert len(files(tmp_path)) > 3
    assert drain(journal) == [b"%d" % number for number in range(20)]
    assert len(files(tmp_path)) == 1


def test_restarts_leave_no_pile_of_files(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for _ in range(5):
        journal = reopened(journal, tmp_path)
    drain(journal)
    assert len(files(tmp_path)) == 1


def test_a_full_journal_takes_no_more_until_there_is_room(tmp_path: Path) -> None:
    journal = Journal(tmp_path, max_bytes=100, file_bytes=40)
    taken = [journal.append(b"x" * 11) for _ in range(8)]
    assert taken == [True] * 4 + [False] * 4, "each line takes 21 bytes"
    assert sum(path.stat().st_size for path in files(tmp_path)) <= 100
    assert drain(journal) == [b"x" * 11] * 4
    assert journal.append(b"x" * 11)


def test_one_process_at_a_time(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    with pytest.raises(JournalError, match="another process uses it: stop that one or choose"):
        Journal(tmp_path)
    reopened(journal, tmp_path)


def test_a_folder_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(JournalError, match=r"audit queue .*: make the folder writable"):
        Journal(tmp_path / "file" / "below")


def test_a_line_torn_by_a_crash_is_cut_off(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append(b"whole")
    journal.close()
    with files(tmp_path)[0].open("ab") as file:
        file.write(b"0123abcd to")
    again = Journal(tmp_path)
    again.append(b"next")
    batch = again.read(5)
    assert (batch.lines, batch.damaged) == ((b"whole",), 0)
    assert drain(again) == [b"whole", b"next"]


@pytest.mark.parametrize("damage", [b"?", b"\n", b"\x00"])
def test_a_damaged_line_is_left_out_and_counted(tmp_path: Path, damage: bytes) -> None:
    journal = Journal(tmp_path)
    for line in (b"one", b"two", b"three"):
        journal.append(line)
    path = files(tmp_path)[0]
    content = path.read_bytes()
    spot = content.index(b"two")
    path.write_bytes(content[:spot] + damage + content[spot + 1 :])
    batch = journal.read(10)
    assert batch.lines == (b"one", b"three")
    assert batch.damaged >= 1
    assert batch.end == journal.end


@pytest.mark.parametrize("content", [b"", b"\x00" * 64, b"7 7 00000000\n", b"garbage"])
def test_a_damaged_acknowledgement_reads_everything_again(tmp_path: Path, content: bytes) -> None:
    journal = Journal(tmp_path)
    for line in (b"one", b"two"):
        journal.append(line)
    journal.acknowledge(journal.read(1).end)
    journal.close()
    (tmp_path / "acknowledged").write_bytes(content)
    assert drain(Journal(tmp_path)) == [b"one", b"two"]


def test_an_acknowledgement_beyond_what_is_there_loses_nothing_new(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append(b"stored")
    journal.acknowledge(journal.end)
    journal.close()
    for path in files(tmp_path):
        path.unlink()
    again = Journal(tmp_path)
    again.append(b"new")
    assert drain(again) == [b"new"]


def test_a_disk_that_refuses_half_way_leaves_no_half_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path)
    journal.append(b"before")
    real, calls = os.write, iter([3])

    def full(descriptor: int, data: bytes) -> int:
        for room in calls:
            return real(descriptor, data[:room])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space left"):
        journal.append(b"lost")
    monkeypatch.undo()
    journal.append(b"after")
    assert drain(journal) == [b"before", b"after"]


def test_a_closed_journal_is_left_alone(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.close()
    journal.close()
    with pytest.raises(OSError, match="is closed"):
        journal.append(b"x")
    with pytest.raises(OSError, match="is closed"):
        journal.acknowledge(Position(1, 0))


def test_sync_reaches_every_file_once_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path, file_bytes=30)
    for number in range(6):
        journal.append(b"line %d" % number)
    synced: list[str] = []
    real = os.fsync

    def spy(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", spy)
    journal.sync()
    assert synced == [*(path.name for path in files(tmp_path)), tmp_path.name]
    synced.clear()
    journal.sync()
    assert synced == [files(tmp_path)[-1].name, tmp_path.name]


ACTIONS = st.lists(
    st.one_of(
        st.binary(max_size=20).map(lambda raw: ("append", raw.replace(b"\n", b""))),
        st.tuples(st.just("read"), st.integers(1, 5)),
        st.tuples(st.just("acknowledge"), st.none()),
        st.tuples(st.just("restart"), st.none()),
    ),
    max_size=60,
)


@settings(max_examples=60, deadline=None)
@given(actions=ACTIONS)
def test_it_behaves_like_a_list(
    tmp_path_factory: pytest.TempPathFactory, actions: list[tuple[str, object]]
) -> None:
    folder = tmp_path_factory.mktemp("journal")
    journal = Journal(folder, file_bytes=64)
    waiting: list[bytes] = []
    batch = journal.read(1)
    for action, value in actions:
        if action == "append":
            assert isinstance(value, bytes)
            journal.append(value)
            waiting.append(value)
        elif action == "read":
            assert isinstance(value, int)
            batch = journal.read(value)
            assert list(batch.lines) == waiting[: len(batch.lines)]
            assert bool(batch.lines) == bool(waiting)
        elif action == "acknowledge":
            journal.acknowledge(batch.end)
            del waiting[: len(batch.lines)]
            batch = journal.read(0)
        else:
            journal.close()
            journal = Journal(folder, file_bytes=64)
            batch = journal.read(0)
    assert drain(journal) == waiting
    journal.close()


@pytest.mark.parametrize("content", [b"", b"garbage", b"00000000000000000007 name 00000000\n", b"\xff" * 100])
def test_a_damaged_note_of_a_gap_is_no_gap(tmp_path: Path, content: bytes) -> None:
    Journal(tmp_path).close()
    (tmp_path / "missing").write_bytes(content)
    assert Journal(tmp_path).missing[0] == 0


def test_a_file_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "copy of.journal").write_bytes(b"not ours\n")
    journal = Journal(tmp_path)
    journal.append(b"line")
    assert drain(journal) == [b"line"]
    assert (tmp_path / "copy of.journal").exists()


def test_notes_have_their_room_before_they_are_needed(tmp_path: Path) -> None:
    """On a disk that has filled meanwhile, a file that has no block yet gets none."""
    journal = Journal(tmp_path)
    rooms = [(tmp_path / name).stat().st_size for name in ("missing", "acknowledged")]
    assert journal.missing[0] == 0
    journal.note_missing(2**60, "0123456789abcdef")
    journal.acknowledge(journal.end)
    assert [(tmp_path / name).stat().st_size for name in ("missing", "acknowledged")] == rooms
    journal.close()
    assert Journal(tmp_path).missing == (2**60, "0123456789abcdef")
