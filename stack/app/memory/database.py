"""The database under a packet store: what differs between databases as one Protocol, and what is the same for all.

Statements are written with `?` for every value; a dialect turns that into its driver's form. User text never
becomes part of a statement. No write gets past db_boundary_gate, and no driver's exception gets out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Protocol

from stack.app.gatekeeper import check_write
from stack.app.gates.db_boundary import Latest
from stack.app.memory.answers import PacketRefused, StoreUnavailable
from stack.app.memory.pool import Pool

READERS = 4
LATEST = "SELECT packet_id FROM latest WHERE segment = ?"
_VERSION = "SELECT coalesce(max(version), 0) FROM schema_migrations"


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


class Database:
    """Connections of one dialect, opened at the first call and migrated then.

    `clock` gives Unix seconds; `expected_migration` 0 means the newest.
    """

    def __init__(self, dialect: Dialect, clock: Callable[[], float], expected_migration: int) -> None:
        self.dialect = dialect
        self._clock = clock
        self._expected_migration = expected_migration or len(dialect.migrations)
        self.writers = Pool(self._connect, dialect.fresh, dialect.writers, lost=dialect.lost)
        self.readers = Pool(self._connect, dialect.fresh, READERS, lost=dialect.lost)

    def rows(
        self, statement: str, values: Sequence[Any], keep: Callable[[Iterable[Any]], list[Any]] = list
    ) -> list[Any]:
        """The rows of a query that `keep` keeps. Raises StoreUnavailable."""
        rows: list[Any] = []

        def read(connection: Connection) -> None:
            cursor = connection.execute(self.dialect.sql(statement), values)
            rows.extend(keep(cursor))
            cursor.close()  # what was not read would hold the database's state of that time

        with self.lease(self.readers, read):
            return rows

    @contextmanager
    def transaction(
        self, segments: Iterable[str], expected_latest: str | Latest | None = Latest.ANY
    ) -> Iterator[Callable[[str, Sequence[Any]], Any]]:
        """A transaction that db_boundary_gate has let pass; commits at the end of the block."""
        with self.lease(self.writers, lambda found: self.dialect.begin(found, segments)) as connection:
            boundary = _OpenTransaction(self.dialect, connection)
            try:
                for segment in segments:
                    check_write(boundary, segment, self._expected_migration, expected_latest)
                yield boundary.run
                connection.execute("COMMIT")
            except BaseException:
                with suppress(*self.dialect.errors):
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def lease(
        self, pool: Pool[Connection], begin: Callable[[Connection], object] = id
    ) -> Iterator[Connection]:
        """A connection, on which the driver's errors become ours."""
        name, dialect = self.dialect.name, self.dialect
        try:
            with pool.lease(dialect.errors, begin) as connection:
                yield connection
        except dialect.refusals as error:
            raise PacketRefused(f"{name}: the database refuses this packet: {_line(error)}") from error
        except dialect.errors as error:
            raise StoreUnavailable(f"{name}: {_line(error)}: check the database and its disk") from error

    def close(self) -> None:
        """Close all connections; a later call opens them again."""
        self.writers.close()
        self.readers.close()

    def _connect(self) -> Connection:
        connection = self.dialect.connect()
        try:
            self._migrate(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _migrate(self, connection: Connection) -> None:
        """Brings the schema to the newest migration, each in a transaction of its own. Raises StoreUnavailable."""
        known = len(self.dialect.migrations)
        version = -1
        while version < known:
            self.dialect.begin_migration(connection)
            version = int(connection.execute(_VERSION).fetchone()[0])
            if version < known:
                for statement in self.dialect.migrations[version]:
                    connection.execute(statement)
                insert = self.dialect.sql("INSERT INTO schema_migrations (version, applied_at) VALUES (?, ?)")
                connection.execute(insert, (version + 1, self._clock()))
            connection.execute("COMMIT")
        if version > known:
            raise StoreUnavailable(
                f"{self.dialect.name}: schema is at migration {version}, this program knows {known}: upgrade it"
            )


class _OpenTransaction:
    """The `Boundary` that db_boundary_gate asks, on the very connection that will write."""

    def __init__(self, dialect: Dialect, connection: Connection) -> None:
        self._dialect = dialect
        self._connection = connection

    def run(self, statement: str, values: Sequence[Any] = ()) -> Any:
        return self._connection.execute(self._dialect.sql(statement), values)

    def in_transaction(self) -> bool:
        return self._dialect.in_transaction(self._connection)

    def migration(self) -> int:
        return int(self.run(_VERSION).fetchone()[0])

    def latest(self, segment: str) -> str | None:
        row = self.run(LATEST, (segment,)).fetchone()
        return None if row is None else str(row[0])


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())
