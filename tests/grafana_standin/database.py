"""What the server keeps between starts: users, login attempts, data sources, dashboards, in one SQLite file."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .settings import StartupError

SCHEMA = """
CREATE TABLE IF NOT EXISTS user (id INTEGER PRIMARY KEY, login TEXT UNIQUE, secret TEXT, created TEXT);
CREATE TABLE IF NOT EXISTS login_attempt (login TEXT, at REAL);
CREATE TABLE IF NOT EXISTS data_source (
    id INTEGER PRIMARY KEY, uid TEXT UNIQUE, name TEXT UNIQUE, type TEXT, access TEXT, url TEXT,
    is_default INTEGER, json_data TEXT, read_only INTEGER, version INTEGER, is_prunable INTEGER);
CREATE TABLE IF NOT EXISTS dashboard (
    id INTEGER PRIMARY KEY AUTOINCREMENT, uid TEXT UNIQUE, is_folder INTEGER DEFAULT 0, title TEXT, model TEXT,
    version INTEGER DEFAULT 1, folder_uid TEXT DEFAULT '', created TEXT, updated TEXT, author TEXT DEFAULT 'Anonymous');
CREATE TABLE IF NOT EXISTS provisioned (uid TEXT UNIQUE, provider TEXT, path TEXT, checksum TEXT, updated INTEGER);
CREATE TABLE IF NOT EXISTS attached (
    id INTEGER REFERENCES dashboard (id) ON DELETE CASCADE, kind TEXT, value TEXT, PRIMARY KEY (id, kind));
"""


class Database:
    """One connection behind one lock; a row is a ``sqlite3.Row``."""

    def __init__(self, folder: Path) -> None:
        path = folder / "grafana.db"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self.fresh = not path.exists()
            self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._connection.executescript("PRAGMA foreign_keys = ON;" + SCHEMA)
            path.chmod(0o640)
        except (OSError, sqlite3.Error) as error:
            raise StartupError(f'failed to connect to database: "{path}": {error}') from error
        self._connection.row_factory = sqlite3.Row
        self._lock = threading.RLock()

    def rows(self, statement: str, values: Iterable[Any] = ()) -> list[sqlite3.Row]:
        """All rows of a statement; writes go through here as well."""
        with self._lock:
            return self._connection.execute(statement, tuple(values)).fetchall()

    def row(self, statement: str, values: Iterable[Any] = ()) -> sqlite3.Row | None:
        """The first row."""
        return next(iter(self.rows(statement, values)), None)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All statements inside, or none."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def close(self) -> None:
        """Releases the file."""
        self._connection.close()
