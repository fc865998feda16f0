"""SQLite under the packet store: WAL, FTS5, every commit synced to disk.

`synchronous=FULL` because an audit leaves its queue once the store has it: a commit must survive a power cut.
It must never see user text in a statement, nor a word with anything but letters and digits in a match.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from stack.app.memory.answers import StoreUnavailable

BUSY_MS = 5000

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE packets (
            seq INTEGER PRIMARY KEY AUTOINCREMENT,
            packet_id TEXT NOT NULL UNIQUE,
            segment TEXT NOT NULL,
            packet_type TEXT NOT NULL,
            payload TEXT NOT NULL,
            tags TEXT NOT NULL,
            confidence REAL NOT NULL,
            created_at REAL NOT NULL,
            expires_at REAL,
            words TEXT NOT NULL)""",
        "CREATE INDEX packets_by_segment ON packets (segment, seq)",
        "CREATE INDEX packets_by_expiry ON packets (segment, expires_at)",
        "CREATE INDEX packets_to_expire ON packets (expires_at) WHERE expires_at IS NOT NULL",
        "CREATE TABLE latest (segment TEXT PRIMARY KEY, packet_id TEXT NOT NULL)",
        "CREATE TABLE probes (token TEXT PRIMARY KEY, written_at REAL NOT NULL)",
        # The ascii tokenizer takes all beyond ASCII as letters: the words are cut before they get here.
        """CREATE VIRTUAL TABLE packet_words USING fts5(
            words, content='packets', content_rowid='seq', tokenize='ascii')""",
        """CREATE TRIGGER packet_added AFTER INSERT ON packets BEGIN
            INSERT INTO packet_words (rowid, words) VALUES (new.seq, new.words); END""",
        """CREATE TRIGGER packet_removed AFTER DELETE ON packets BEGIN
            INSERT INTO packet_words (packet_words, rowid, words)
            VALUES ('delete', old.seq, old.words); END""",
    ),
)


class SqliteConnection(sqlite3.Connection):
    """A connection that knows which file it opened, by device and inode."""

    identity: tuple[int, int] = (0, 0)


class SqliteDialect:
    """One database file; its folder is made when missing."""

    writers = 1
    migrations = MIGRATIONS
    search = """SELECT packet_id, segment, packet_type, payload, tags, confidence, created_at, expires_at
        FROM packet_words JOIN packets p ON p.seq = packet_words.rowid
        WHERE packet_words MATCH ? AND segment = ? AND (expires_at IS NULL OR expires_at > ?)
        ORDER BY packet_words.rowid DESC LIMIT ?"""
    errors: tuple[type[Exception], ...] = (sqlite3.Error,)
    refusals: tuple[type[Exception], ...] = (sqlite3.IntegrityError, sqlite3.DataError)

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = f"SQLite {path}"
        self._longest: tuple[tuple[int, int], int] = ((0, 0), 0)

    def connect(self) -> SqliteConnection:
        """Open the file. Raises StoreUnavailable."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(
                self._path,
                timeout=BUSY_MS / 1000,
                isolation_level=None,
                check_same_thread=False,
                factory=SqliteConnection,
            )
        except (OSError, sqlite3.Error) as error:
            raise StoreUnavailable(f"{self.name}: cannot open: {error}: make the folder writable") from error
        try:
            with _alone(self._path.parent):
                connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA journal_size_limit=16777216")
            connection.identity = self._identity()
        except (OSError, sqlite3.Error) as error:
            connection.close()
            raise StoreUnavailable(
                f"{self.name}: cannot use: {error}: check the file and its disk"
            ) from error
        return connection

    def fresh(self, connection: SqliteConnection) -> bool:
        """False once the file was removed or replaced: writes to it would be lost without a word."""
        try:
            return connection.identity == self._identity() and not connection.in_transaction
        except OSError:
            return False

    def lost(self, connection: SqliteConnection) -> bool:
        """Never: there is nobody at the other side."""
        return False

    def fault(self) -> str:
        """That the file was cut short or replaced: nothing here does that, and what it held is missing."""
        try:
            identity, size = self._identity(), self._path.stat().st_size
        except OSError:
            return ""
        known, longest = self._longest
        if longest and identity != known:
            return (
                f"{self.name}: removed or replaced while in use, so what it held is missing: "
                "put it back, or restart to go on with the new one"
            )
        if size < longest:
            return f"{self.name}: cut short from {longest} to {size} bytes: put back a good copy"
        self._longest = (identity, size)
        return ""

    def in_transaction(self, connection: SqliteConnection) -> bool:
        """Whether a transaction is open."""
        return connection.in_transaction

    def sql(self, statement: str) -> str:
        """SQLite's own form is the common one."""
        return statement

    def match(self, words: Sequence[str]) -> str:
        """An FTS5 expression of quoted words, all of which must occur."""
        return " ".join(f'"{word}"' for word in words)

    def begin(self, connection: SqliteConnection, segments: Iterable[str]) -> None:
        """Take the database's one write lock, which covers every segment."""
        connection.execute("BEGIN IMMEDIATE")

    def begin_migration(self, connection: SqliteConnection) -> None:
        """Take the write lock and see to the migrations table."""
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations "
            "(version INTEGER PRIMARY KEY, applied_at REAL NOT NULL)"
        )

    def _identity(self) -> tuple[int, int]:
        status = self._path.stat()
        return status.st_dev, status.st_ino


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One at a time among all programs: of two that turn a new file to WAL, SQLite fails one without waiting."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
