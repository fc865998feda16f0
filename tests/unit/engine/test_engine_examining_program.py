"""What is damaged in a volume is found by its form, and just that is moved aside; what is whole is never named."""

from __future__ import annotations

import json
import os
import sqlite3
import struct
from contextlib import closing
from pathlib import Path

import pytest

from stack.engine import examining_program as program
from stack.engine.keeping import _program

NOW = 1_764_158_400.0
BLOCK = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


def block(root: Path, name: str = BLOCK, ends: float = NOW) -> Path:
    """A whole block with two chunks."""
    folder = root / name
    (folder / "chunks").mkdir(parents=True)
    (folder / "meta.json").write_text(json.dumps({"ulid": name, "minTime": 0, "maxTime": int(ends * 1000)}))
    table = struct.pack(">6Q", 5, 6, 7, 8, 9, 10)
    index = (
        program.INDEX_MAGIC + b"\x02" + b"symbols" * 9 + table + struct.pack(">I", program.checksum(table))
    )
    (folder / "index").write_bytes(index)
    chunk = bytes([200, 1, 1]) + b"d" * 200 + b"crc!"
    (folder / "chunks/000001").write_bytes(program.CHUNKS_MAGIC + b"\x01\0\0\0" + chunk + b"\x02\x01ddcrc!")
    return folder


def found(root: Path, kind: str = "tsdb", *, deep: bool = True) -> list[tuple[str, list[str]]]:
    return [(path, moved) for path, _, moved in program.examine(root, kind, NOW, deep)]


def cut(path: Path, by: int = 1) -> None:
    path.write_bytes(path.read_bytes()[:-by])


def test_the_checksum_is_that_of_the_standard() -> None:
    assert program.checksum(b"123456789") == 0xE3069283


def test_whole_blocks_are_not_named(tmp_path: Path) -> None:
    block(tmp_path)
    (tmp_path / "wal").mkdir()
    (tmp_path / "chunks_head").mkdir()
    (tmp_path / f"{BLOCK}.tmp-for-deletion").mkdir()
    assert found(tmp_path) == []


@pytest.mark.parametrize(
    ("path", "spoil"),
    [
        ("index", cut),
        ("index", lambda path: path.write_bytes(b"x" + path.read_bytes()[1:])),
        ("index", Path.unlink),
        ("meta.json", cut),
        ("meta.json", lambda path: path.write_text('{"ulid": "other", "maxTime": 1}')),
        ("meta.json", lambda path: path.write_text("[]")),
        ("chunks/000001", cut),
        ("chunks/000001", lambda path: path.write_bytes(b"")),
        ("chunks/000001", lambda path: path.write_bytes(b"x" + path.read_bytes()[1:])),
    ],
)
def test_a_damaged_file_of_a_block_is_named_and_the_block_moved(
    tmp_path: Path, path: str, spoil: object
) -> None:
    other = "01BX5ZZKBKACTAV9WEVGEMMVRZ"
    block(tmp_path, other)
    spoil(block(tmp_path) / path)  # type: ignore[operator]
    assert found(tmp_path) == [(f"{BLOCK}/{path}", [BLOCK])]


def test_a_cut_in_the_midst_of_chunks_is_found_only_by_reading_them(tmp_path: Path) -> None:
    cut(block(tmp_path) / "chunks/000001", 3)
    assert found(tmp_path) and not found(tmp_path, deep=False)


def test_a_block_of_the_future_is_named(tmp_path: Path) -> None:
    block(tmp_path, ends=NOW + program.AHEAD - 1)
    assert found(tmp_path) == []
    block(tmp_path, "01BX5ZZKBKACTAV9WEVGEMMVRZ", ends=NOW + 86400)
    ((path, why, _),) = program.examine(tmp_path, "tsdb", NOW)
    assert path == "01BX5ZZKBKACTAV9WEVGEMMVRZ" and "of the future, until 2025-11-27 12:00:00 UTC" in why


def segments(root: Path, *contents: bytes, first: int = 4) -> Path:
    (root / "wal").mkdir(parents=True)
    for number, content in enumerate(contents, first):
        (root / f"wal/{number:08}").write_bytes(content)
    return root / "wal"


WHOLE = b"\1\0\3crc!abc"


def test_a_log_that_goes_on_is_not_named_nor_is_one_that_ends_in_a_crash(tmp_path: Path) -> None:
    segments(tmp_path, WHOLE + b"\0" * 100, WHOLE, WHOLE + b"\1\0\3cr")
    assert found(tmp_path) == []


def test_a_log_with_a_hole_or_a_cut_loses_what_is_behind_it(tmp_path: Path) -> None:
    segments(tmp_path / "hole", WHOLE, WHOLE, WHOLE)
    (tmp_path / "hole/wal/00000005").unlink()
    assert found(tmp_path / "hole") == [("wal/00000005", ["wal/00000006"])]
    segments(tmp_path / "cut", WHOLE, WHOLE[:-1], WHOLE, WHOLE)
    assert found(tmp_path / "cut") == [("wal/00000005", ["wal/00000006", "wal/00000007"])]


def test_silences_that_are_cut_are_named(tmp_path: Path) -> None:
    record = bytes([0x85, 1]) + b"r" * 133
    (tmp_path / "silences").write_bytes(record * 2)
    (tmp_path / "nflog").write_bytes(b"")
    assert found(tmp_path, "files") == []
    for spoiled in (record * 2 + b"\x05abc", record[:-1], b"\xff" * 12, b"\0\0"):
        (tmp_path / "silences").write_bytes(spoiled)
        assert found(tmp_path, "files") == [("silences", ["silences"])]


def database(path: Path) -> Path:
    with closing(sqlite3.connect(path)) as made:
        made.execute("CREATE TABLE t (x)")
        made.executemany("INSERT INTO t VALUES (?)", [("y" * 500,)] * 400)
        made.commit()
    return path


def test_a_damaged_database_is_named_with_its_log(tmp_path: Path) -> None:
    path = database(tmp_path / "grafana.db")
    assert found(tmp_path, "files") == []
    whole = path.read_bytes()
    (tmp_path / "grafana.db-wal").write_bytes(b"")
    for spoiled in (whole[: len(whole) // 2], whole[:100] + b"\xff" * 8000 + whole[8100:], b"text" * 9):
        path.write_bytes(spoiled)
        ((name, moved),) = found(tmp_path, "files")
        assert name == "grafana.db" and moved[0] == "grafana.db", spoiled[:9]


def test_other_files_and_what_was_moved_before_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".damaged-1").mkdir()
    (tmp_path / ".damaged-1/silences").write_bytes(b"\xff")
    (tmp_path / ".damaged-1/x.db").write_bytes(b"no database")
    (tmp_path / "audit.jsonl").write_bytes(b"{cut")
    (tmp_path / "empty.db").write_bytes(b"")
    assert found(tmp_path, "files") == []


def test_what_is_moved_aside_lies_there_whole_however_often(tmp_path: Path) -> None:
    block(tmp_path)
    for _ in range(2):
        program.set_aside(tmp_path, ".damaged-1", [BLOCK, "wal/00000005"])
    assert not (tmp_path / BLOCK).exists() and (tmp_path / ".damaged-1" / BLOCK / "index").exists()


def test_main_tells_line_by_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sync", lambda: None)
    cut(block(tmp_path) / "index")
    assert program.main("examine", str(tmp_path), "tsdb", str(NOW), "quick") == 0
    said = capsys.readouterr()
    assert json.loads(said.out)[2] == [BLOCK] and said.err == "whole\n"
    assert program.main("aside", str(tmp_path), ".damaged-1", BLOCK) == 0
    assert program.main("examine", str(tmp_path), "tsdb", str(NOW), "deep") == 0
    assert capsys.readouterr().out == ""
    assert program.main("examine", str(tmp_path / "nowhere"), "tsdb", str(NOW), "deep") == 1


def test_both_programs_go_to_the_engine_as_one_text() -> None:
    compile(_program(), "program", "exec")
