"""A SQLite file: opened by many at once, and noticed when it is cut short."""

from __future__ import annotations

import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from stack.app.memory.sqlite import SqliteDialect
from stack.app.memory.store import PacketStore

OPENERS, FILES = 8, 100


def test_a_new_file_can_be_opened_by_many_at_once(tmp_path: Path) -> None:
    together = Barrier(OPENERS)

    def open_all(_: int) -> int:
        for number in range(FILES):
            together.wait(60)
            SqliteDialect(tmp_path / str(number) / "packets.db").connect().close()
        return FILES

    with ThreadPoolExecutor(OPENERS) as pool:
        assert list(pool.map(open_all, range(OPENERS))) == [FILES] * OPENERS


def test_a_file_that_was_replaced_stays_a_fault_until_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "packets.db"
    store = PacketStore(SqliteDialect(path))
    assert store.probe().healthy
    for file in tmp_path.glob("packets.db*"):
        file.unlink()
    PacketStore(SqliteDialect(path)).probe()
    probe = store.probe()
    assert not probe.healthy and "removed or replaced while in use" in probe.detail
    store.close()
    again = PacketStore(SqliteDialect(path))
    assert again.probe().healthy
    again.close()


def test_a_file_that_is_cut_short_is_noticed_by_the_next_probe(tmp_path: Path) -> None:
    path = tmp_path / "packets.db"
    store = PacketStore(SqliteDialect(path))
    assert store.probe().healthy
    held = sqlite3.connect(path)
    held.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    held.close()
    assert store.probe().healthy
    size = path.stat().st_size
    os.truncate(path, size - 4096)
    probe = store.probe()
    assert not probe.healthy
    assert f"cut short from {size} to {size - 4096} bytes" in probe.detail
    store.close()
