"""What a volume held before another version opened it: kept whole, and back whole, wherever that is interrupted."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import pytest

from stack.engine import keeping_program, upgrading_program
from stack.engine.keeping import _program

BLOCK = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


def written(root: Path, files: dict[str, bytes]) -> None:
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)


def held(root: Path) -> dict[str, bytes]:
    """All files, also those that are not the owner's."""
    return {str(one.relative_to(root)): one.read_bytes() for one in root.rglob("*") if one.is_file()}


def replaced(root: Path, files: dict[str, bytes]) -> None:
    """A program of another version has made all of it its own."""
    for one in root.iterdir():
        if one.name not in keeping_program.OURS and not one.name.startswith(keeping_program.MOVED):
            keeping_program.discard(one)
    written(root, files)


def run(verb: str, root: Path, kind: str = "") -> int:
    return upgrading_program.main(verb, str(root), kind)


FILES = {"a": b"1", "deep/b": b"2"}
DATABASE = {f"{BLOCK}/meta.json": b"{}", f"{BLOCK}/chunks/000001": b"samples", "wal/00000000": b""}


@pytest.mark.parametrize(("kind", "files"), [("files", FILES), ("tsdb", DATABASE), ("dump", FILES)])
def test_what_was_kept_comes_back_and_nothing_else(
    tmp_path: Path, kind: str, files: dict[str, bytes]
) -> None:
    written(tmp_path, files)
    (tmp_path / "deep").mkdir(exist_ok=True)
    tmp_path.chmod(0o750)
    assert run("keep", tmp_path, kind) == 0
    replaced(tmp_path, {"new": b"n", "a": b"changed"})
    for _ in range(2):
        assert run("give_back", tmp_path) == 0
        assert held(tmp_path) == files
    assert tmp_path.stat().st_mode & 0o777 == 0o750


def test_a_program_that_writes_into_old_files_does_not_change_what_is_kept(tmp_path: Path) -> None:
    written(tmp_path, FILES)
    run("keep", tmp_path, "files")
    with (tmp_path / "a").open("r+b") as file:
        file.write(b"9")
    run("give_back", tmp_path)
    assert held(tmp_path) == FILES


def test_a_database_is_kept_with_what_its_log_has(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "x.db")) as database:
        database.execute("pragma journal_mode=wal")
        database.execute("create table t (a)")
        database.execute("insert into t values (7)")
        database.commit()
        assert run("keep", tmp_path, "files") == 0
    replaced(tmp_path, {"x.db": b"of another form"})
    run("give_back", tmp_path)
    with closing(sqlite3.connect(tmp_path / "x.db")) as database:
        assert database.execute("select a from t").fetchall() == [(7,)]


def test_what_a_repair_moved_aside_stays(tmp_path: Path) -> None:
    written(tmp_path, {**FILES, f"{keeping_program.MOVED}1/x": b"m"})
    run("keep", tmp_path, "files")
    run("give_back", tmp_path)
    assert held(tmp_path) == {**FILES, f"{keeping_program.MOVED}1/x": b"m"}


def test_another_owner_begins_with_what_was_written_down(tmp_path: Path) -> None:
    written(tmp_path, {"packets/PG_VERSION": b"17", keeping_program.DUMP: b"dump"})
    assert run("keep", tmp_path, "dump") == 0
    for _ in range(2):
        assert run("from_dump", tmp_path) == 0
        shown = {k: v for k, v in held(tmp_path).items() if not k.startswith(keeping_program.BEFORE)}
        assert shown == {keeping_program.DUMPED: b"dump"}
    written(tmp_path, {"packets/PG_VERSION": b"18"})
    run("give_back", tmp_path)
    assert held(tmp_path) == {"packets/PG_VERSION": b"17"}


def test_nothing_is_removed_for_a_dump_that_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(tmp_path, FILES)
    assert run("from_dump", tmp_path) == 1
    run("keep", tmp_path, "dump")
    assert run("from_dump", tmp_path) == 1
    assert "nothing was written down" in capsys.readouterr().err
    run("give_back", tmp_path)
    assert held(tmp_path) == FILES


def test_once_proven_nothing_is_left_of_it(tmp_path: Path) -> None:
    written(tmp_path, FILES)
    run("keep", tmp_path, "files")
    keeping_program.unstage(tmp_path)
    assert held(tmp_path) == FILES


@pytest.mark.parametrize("verb", ["rename", "unlink", "rmdir"])
@pytest.mark.parametrize("turn", range(6))
def test_interrupted_anywhere_going_back_can_be_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str, turn: int
) -> None:
    written(tmp_path, FILES)
    run("keep", tmp_path, "files")
    replaced(tmp_path, {"new": b"n", "more/x": b"m"})
    real, left = getattr(os, verb), [turn]

    def dying(*told: object, **more: object) -> object:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return real(*told, **more)

    with monkeypatch.context() as patch:
        patch.setattr(os, verb, dying)
        with suppress(KeyboardInterrupt):
            upgrading_program.give_back(tmp_path)
    upgrading_program.give_back(tmp_path)
    assert held(tmp_path) == FILES


def test_it_goes_to_the_engine_with_the_others() -> None:
    compile(_program(), "program", "exec")
    assert '"give_back"' in _program()
