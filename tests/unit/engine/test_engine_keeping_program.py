"""The program that works on a volume: whole as of one moment while its owner writes, replaced wholly or again."""

from __future__ import annotations

import io
import os
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

import pytest

from stack.engine import keeping_program as program
from stack.model import volumes

BLOCK = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
LATER = "01BX5ZZKBKACTAV9WEVGEMMVRZ"


def gathered(root: Path, kind: str = "files") -> dict[str, bytes | None]:
    """What comes of a volume, by path; folders have no content."""
    out = io.BytesIO()
    program.gather(root, kind, out)
    with tarfile.open(fileobj=io.BytesIO(out.getvalue())) as tar:
        found = {one.name: tar.extractfile(one) for one in tar}
        return {name: file.read() if file else None for name, file in found.items()}


def part(kind: int, content: bytes) -> bytes:
    """A part of a record of the write-ahead log."""
    return bytes([kind]) + len(content).to_bytes(2, "big") + b"crc!" + content


def database(root: Path) -> Path:
    """A time series database with one block and a log of two segments."""
    files = {
        f"{BLOCK}/meta.json": b"{}",
        f"{BLOCK}/chunks/000001": b"chunks",
        f"{LATER}.tmp-for-creation/meta.json": b"{}",
        "wal/checkpoint.00000001/00000000": b"checkpoint",
        "wal/checkpoint.00000003.tmp/00000000": b"half",
        "wal/00000002": part(1, b"old"),
        "wal/00000003": part(1, b"whole") + part(2, b"first of two"),
        "chunks_head/000001": b"head",
        "lock": b"",
        "queries.active": b"queries",
    }
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    return root


def test_names_are_those_that_others_know() -> None:
    assert (program.STAGED, program.DUMP) == (volumes.STAGED, volumes.DUMP)


def test_of_a_time_series_database_come_blocks_and_whole_records(tmp_path: Path) -> None:
    found = gathered(database(tmp_path), "tsdb")
    assert {name: content for name, content in found.items() if content is not None} == {
        f"{BLOCK}/meta.json": b"{}",
        f"{BLOCK}/chunks/000001": b"chunks",
        "wal/checkpoint.00000001/00000000": b"checkpoint",
        "wal/00000002": part(1, b"old"),
        "wal/00000003": part(1, b"whole"),
    }
    assert "." in found and not (tmp_path / program.ASIDE).exists()
    assert (tmp_path / "wal/00000003").stat().st_nlink == 1


def test_a_record_may_go_over_pages_and_only_its_end_makes_it_whole() -> None:
    first = part(2, b"f" * (program.PAGE - 2 * program.HEAD - 10))
    filler = b"\0" * (program.PAGE - len(first))
    last = part(4, b"l" * 100)
    log = first + filler + last
    assert program.whole_records(log) == len(log)
    assert program.whole_records(log + part(1, b"x")[:-1]) == len(log)
    assert program.whole_records(first + filler) == 0
    assert program.whole_records(b"") == program.whole_records(b"\1") == 0
    full = part(1, b"z" * (program.PAGE - program.HEAD))
    assert program.whole_records(full + part(1, b"next")) == len(full) + len(part(1, b"next"))


def test_a_compaction_in_its_midst_makes_it_begin_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = database(tmp_path)
    real, turns = program._cut_logs, iter(range(9))

    def compacting(root: Path, aside: Path) -> None:
        real(root, aside)
        if next(turns) == 0:
            (root / LATER).mkdir()
            (root / LATER / "meta.json").write_text("{}")
            program.discard(root / "wal/00000002")

    monkeypatch.setattr(program, "_cut_logs", compacting)
    found = gathered(root, "tsdb")
    assert f"{LATER}/meta.json" in found and "wal/00000002" not in found
    assert next(turns) == 2


def test_one_that_is_rewritten_all_the_time_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = iter(f"01ARZ3NDEKTSV4RRFFQ69G5F{n:02}" for n in range(99))
    monkeypatch.setattr(program, "_database", lambda root: [next(names)])
    monkeypatch.setattr(program, "link", lambda source, target: None)
    with pytest.raises(program.Unfit, match="rewrites its blocks all the time"):
        gathered(tmp_path, "tsdb")
    assert list(tmp_path.iterdir()) == []


def test_a_segment_that_comes_meanwhile_is_no_reason_to_begin_anew() -> None:
    assert program._steady(["wal/0"], ["wal/0", "wal/1"])
    assert not program._steady(["wal/0"], ["wal/1"])
    assert not program._steady(["wal/0"], ["wal/0", "wal/checkpoint.1"])
    assert not program._steady(["wal/0"], ["wal/0", BLOCK])


def test_a_database_of_sqlite_is_whole_with_what_is_only_in_its_log(tmp_path: Path) -> None:
    path = tmp_path / "data" / "grafana.db"
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as open_one:
        open_one.execute("PRAGMA journal_mode=WAL")
        open_one.execute("CREATE TABLE t (x)")
        open_one.execute("INSERT INTO t VALUES (1)")
        open_one.commit()
        open_one.execute("INSERT INTO t VALUES (2)")  # not committed
        assert (tmp_path / "data/grafana.db-wal").stat().st_size
        found = gathered(tmp_path)
    assert [name for name in found if "grafana" in name] == ["data/grafana.db"]
    copy = tmp_path / "copy"
    copy.write_bytes(found["data/grafana.db"] or b"")
    with closing(sqlite3.connect(copy)) as again:
        assert again.execute("SELECT x FROM t").fetchall() == [(1,)]


def test_a_damaged_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "grafana.db").write_bytes(program.SQLITE + b"garbage" * 1000)
    with pytest.raises(program.Unfit, match=r"grafana\.db: SQLite says: "):
        gathered(tmp_path)
    assert not (tmp_path / program.ASIDE).exists()


def test_other_files_come_as_they_are_and_links_do_not(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    (tmp_path / "a-wal").write_bytes(b"no database has this log")
    (tmp_path / "link").symlink_to("/etc/passwd")
    (tmp_path / "folder").symlink_to("/etc")
    (tmp_path / program.STAGED).mkdir()
    (tmp_path / f"{program.MOVED}1").mkdir()
    (tmp_path / f"{program.MOVED}1" / "cut").write_bytes(b"moved by a repair")
    (tmp_path / program.STAGED / "left").write_bytes(b"of a killed restore")
    assert gathered(tmp_path) == {".": None, "a": b"a", "a-wal": b"no database has this log"}


def test_a_dump_comes_alone_and_goes(tmp_path: Path) -> None:
    (tmp_path / "packets").mkdir()
    (tmp_path / program.DUMP).write_bytes(b"dump")
    assert gathered(tmp_path, "dump") == {".": None, "restore.dump": b"dump"}
    assert [one.name for one in tmp_path.iterdir()] == ["packets"]


def staged(root: Path) -> Path:
    """A volume with old files and what is to replace them."""
    for path in ("old", "both", "deep/old", f"{program.STAGED}/both", f"{program.STAGED}/new/file"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path)
    (root / program.STAGED).chmod(0o750)
    return root


def files(root: Path) -> dict[str, str]:
    return {str(one.relative_to(root)): one.read_text() for one in root.rglob("*") if one.is_file()}


NEW = {"both": f"{program.STAGED}/both", "new/file": f"{program.STAGED}/new/file"}


def test_what_is_adopted_replaces_everything_however_often_it_is_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, done = Path.rename, []

    def killed(self: Path, target: Path) -> Path:
        """Dies before each renaming once."""
        if self.name not in done:
            done.append(self.name)
            raise KeyboardInterrupt
        return real(self, target)

    monkeypatch.setattr(Path, "rename", killed)
    root = staged(tmp_path / "v")
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            program.adopt(root)
    program.adopt(root)
    program.adopt(root)
    assert files(root) == NEW and root.stat().st_mode & 0o777 == 0o750
    assert done == [program.STAGED, "both", "new"]


def test_what_is_not_wanted_leaves_everything_as_it_was(tmp_path: Path) -> None:
    root = staged(tmp_path)
    program.unstage(root)
    program.unstage(root)
    assert files(root) == {"old": "old", "both": "both", "deep/old": "deep/old"}


def test_main_says_at_its_end_that_all_was_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sync", lambda: None)
    staged(tmp_path)
    assert program.main("adopt", str(tmp_path)) == 0
    assert capsys.readouterr().err == "whole\n" and files(tmp_path) == NEW
    assert program.main("adopt", str(tmp_path / "nowhere")) == 0
    assert program.main("unstage", "/proc/1/nowhere") == 0
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setattr(program, "gather", lambda *args: (_ for _ in ()).throw(program.Unfit("why")))
    monkeypatch.setattr(program, "_end_with_the_client", lambda root: None)
    assert program.main("gather", str(tmp_path), "files") == 1
    assert capsys.readouterr().err.endswith("why\n")
