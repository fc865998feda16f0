"""What differs between the databases under a packet store, as one Protocol, and the migrations' runner.

Statements are written with `?` for every value; a dialect turns that into its driver's form. User text never
becomes part of a statement.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from stack.app.memory.store import StoreUnavailable


class Connection(Protocol):
    """The part of DB-API that both drivers share; transactions are begun and ended by plain statements."""

    def execute(self, query: Any, params: Any = ..., /) -> Any:
        """Run one statement and return its cursor."""

    def close(self) -> None:
        """Close the connection."""


class Dialect(Protocol):
    """One database. Methods raise the driver's errors, except `connect`: StoreUnavailable."""

    name: str
    writers: int
    migrations: tuple[tuple[str, ...], ...]
    search: str
    errors: tuple[type[Exception], ...]
    refusals: tuple[type[Exception], ...]

    def connect(self) -> Connection:
        """A new connection, outside any transaction."""

    def fresh(self, connection: Any) -> bool:
        """Whether the connection still reaches the database that `name` names."""

    def lost(self, connection: Any) -> bool:
        """Whether an error on the connection means that the database has gone away since it was opened."""

    def fault(self) -> str:
        """What is wrong with the database though it takes and gives a row; empty where nothing is known."""

    def in_transaction(self, connection: Any) -> bool:
        """Whether a transaction is open."""

    def sql(self, statement: str) -> str:
        """The statement in the driver's form."""

    def match(self, words: Sequence[str]) -> str:
        """The value for `search` that asks for all of `words`, which hold letters and digits only."""

    def begin(self, connection: Any, segments: Iterable[str]) -> None:
        """Begin a transaction that owns the `latest` pointers of `segments` to its end."""

    def begin_migration(self, connection: Any) -> None:
        """Begin a transaction that keeps other migrations waiting, with the migrations table in place."""


VERSION = "SELECT coalesce(max(version), 0) FROM schema_migrations"


def migrate(dialect: Dialect, connection: Connection, now: float) -> None:
    """Bring the schema to the newest migration, each in a transaction of its own.

    Raises StoreUnavailable if the database has migrations that this program does not know.
    """
    known = len(dialect.migrations)
    version = -1
    while version < known:
        dialect.begin_migration(connection)
        version = int(connection.execute(VERSION).fetchone()[0])
        if version < known:
            for statement in dialect.migrations[version]:
                connection.execute(statement)
            insert = dialect.sql("INSERT INTO schema_migrations (version, applied_at) VALUES (?, ?)")
            connection.execute(insert, (version + 1, now))
        connection.execute("COMMIT")
    if version > known:
        raise StoreUnavailable(
            f"{dialect.name}: schema is at migration {version}, this program knows {known}: upgrade it"
        )
