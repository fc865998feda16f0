"""Which address means which database; what an address may show; what SQLite notices about its file."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from stack.app.memory.answers import StoreUnavailable
from stack.app.memory.opening import open_store
from stack.app.memory.packet import new_packet
from stack.app.memory.postgres import PostgresDialect


def test_a_path_and_a_sqlite_url_are_the_same_file(tmp_path: Path) -> None:
    open_store(tmp_path / "new" / "p.db").write(new_packet("tool_audit", "note", {}))
    assert open_store(f"sqlite:///{tmp_path}/new/p.db").sizes()["tool_audit"] == 1


def test_opening_connects_to_nothing(tmp_path: Path) -> None:
    open_store(tmp_path / "p.db")
    open_store("postgresql://nobody@127.0.0.1:1/none")
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_scheme_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown scheme 'mysql': use postgresql:// or sqlite:///"):
        open_store("mysql://host/x")


def test_a_password_is_never_shown() -> None:
    store = open_store("postgresql://me:hunter2@127.0.0.1:1/audits")
    assert store.name == "PostgreSQL audits on 127.0.0.1:1"
    with pytest.raises(StoreUnavailable, match=r"PostgreSQL audits on 127.0.0.1:1: cannot connect") as error:
        store.sizes()
    assert "hunter2" not in str(error.value) and "\n" not in str(error.value)
    with pytest.raises(StoreUnavailable, match="database URL: not understood") as broken:
        open_store("postgresql://me:hunter2@[::1/audits")
    assert "hunter2" not in str(broken.value)


def test_every_wait_for_postgresql_is_bounded_unless_the_url_says_otherwise() -> None:
    assert "connect_timeout=5" in PostgresDialect("postgresql://h/d")._conninfo
    assert "statement_timeout=10000" in PostgresDialect("postgresql://h/d")._conninfo
    assert "connect_timeout=9" in PostgresDialect("postgresql://h/d?connect_timeout=9")._conninfo


def test_sqlite_syncs_every_commit_and_keeps_a_write_ahead_log(tmp_path: Path) -> None:
    store = open_store(tmp_path / "p.db")
    assert store._database.rows("PRAGMA journal_mode", ()) == [("wal",)]
    assert store._database.rows("PRAGMA synchronous", ()) == [(2,)]


def test_a_file_that_was_removed_is_noticed_not_written_to(tmp_path: Path) -> None:
    store = open_store(tmp_path / "p.db")
    store.write(new_packet("tool_audit", "lost", {}))
    for path in tmp_path.glob("p.db*"):
        path.unlink()
    kept = new_packet("tool_audit", "kept", {})
    store.write(kept)
    assert open_store(tmp_path / "p.db").recent("tool_audit") == [kept]


def test_a_folder_that_cannot_be_and_a_file_that_is_no_database_are_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 5000)
    with pytest.raises(StoreUnavailable, match="cannot open"):
        open_store(tmp_path / "file" / "p.db").sizes()
    with pytest.raises(StoreUnavailable, match="cannot use: file is not a database"):
        open_store(tmp_path / "file").sizes()


def test_a_database_locked_by_another_program_is_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stack.app.memory.sqlite.BUSY_MS", 10)
    store = open_store(tmp_path / "p.db")
    store.sizes()
    other = sqlite3.connect(tmp_path / "p.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="database is locked"):
        store.write(new_packet("tool_audit", "note", {}))
    other.execute("ROLLBACK")
    other.close()
    assert store.write(new_packet("tool_audit", "note", {})).stored == 1
