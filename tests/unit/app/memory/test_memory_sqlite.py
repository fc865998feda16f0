"""Opening a SQLite file, by many at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from stack.app.memory.sqlite import SqliteDialect

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
