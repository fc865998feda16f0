"""PostgreSQL under the packet store: tsvector and a GIN index, bounded waits everywhere.

Words go into the tsvector as they are, past PostgreSQL's own parser, whose idea of a word depends on the
server's locale. It must never show the URL, which may hold a password.
"""

from __future__ import annotations

import select
from collections.abc import Iterable, Sequence

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import ConnStatus, TransactionStatus

from stack.app.memory.answers import StoreUnavailable

CONNECT_TIMEOUT_S = 5
# Advisory locks that all our programs agree on: "PACK", alone for migrations, with a segment for writes.
LOCK_SPACE = 0x5041434B
_SERVER_LIMITS = (
    "-c statement_timeout=10000 -c lock_timeout=5000 -c idle_in_transaction_session_timeout=30000"
)
_LIVELINESS = {
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10000,
}

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE packets (
            seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            packet_id TEXT NOT NULL UNIQUE,
            segment TEXT NOT NULL,
            packet_type TEXT NOT NULL,
            payload TEXT NOT NULL,
            tags TEXT NOT NULL,
            confidence DOUBLE PRECISION NOT NULL,
            created_at DOUBLE PRECISION NOT NULL,
            expires_at DOUBLE PRECISION,
            words TEXT NOT NULL,
            lexemes TSVECTOR GENERATED ALWAYS AS (array_to_tsvector(string_to_array(words, ' '))) STORED)""",
        "CREATE INDEX packets_by_segment ON packets (segment, seq)",
        "CREATE INDEX packets_by_expiry ON packets (segment, expires_at)",
        "CREATE INDEX packets_to_expire ON packets (expires_at) WHERE expires_at IS NOT NULL",
        "CREATE INDEX packets_by_word ON packets USING gin (lexemes)",
        "CREATE TABLE latest (segment TEXT PRIMARY KEY, packet_id TEXT NOT NULL)",
        "CREATE TABLE probes (token TEXT PRIMARY KEY, written_at DOUBLE PRECISION NOT NULL)",
    ),
)


class PostgresDialect:
    """One database, by its URL (RFC 3986 form or libpq keywords)."""

    writers = 4
    migrations = MIGRATIONS
    search = """SELECT packet_id, segment, packet_type, payload, tags, confidence, created_at, expires_at
        FROM packets
        WHERE lexemes @@ ?::tsquery AND segment = ? AND (expires_at IS NULL OR expires_at > ?)
        ORDER BY seq DESC LIMIT ?"""
    errors: tuple[type[Exception], ...] = (psycopg.Error,)
    refusals: tuple[type[Exception], ...] = (psycopg.IntegrityError, psycopg.DataError)

    def __init__(self, url: str) -> None:
        try:
            given = conninfo_to_dict(url)
        except psycopg.Error as error:
            raise StoreUnavailable(
                "database URL: not understood: use postgresql://user:password@host:port/database"
            ) from error
        host, port = given.get("host") or "local socket", given.get("port") or 5432
        self.name = f"PostgreSQL {given.get('dbname') or 'default database'} on {host}:{port}"
        limits: dict[str, str | int] = {
            "connect_timeout": CONNECT_TIMEOUT_S,
            "options": _SERVER_LIMITS,
            **_LIVELINESS,
        }
        self._conninfo = make_conninfo(
            url, **{key: value for key, value in limits.items() if key not in given}
        )

    def connect(self) -> psycopg.Connection:
        """Connect, within 5 s. Raises StoreUnavailable."""
        try:
            return psycopg.connect(self._conninfo, autocommit=True)
        except psycopg.Error as error:
            reason = " ".join(str(error).split())
            raise StoreUnavailable(
                f"{self.name}: cannot connect: {reason}: start it or correct the URL"
            ) from error

    def fresh(self, connection: psycopg.Connection) -> bool:
        """Whether the connection is open and idle; a server that has ended it has said so already."""
        if connection.closed or connection.info.transaction_status != TransactionStatus.IDLE:
            return False
        heard = select.poll()
        heard.register(connection.fileno(), select.POLLIN)
        if heard.poll(0):
            try:
                connection.pgconn.consume_input()
            except psycopg.Error:
                return False
        return connection.pgconn.status == ConnStatus.OK

    def lost(self, connection: psycopg.Connection) -> bool:
        """Whether the server has ended the connection, as a restart does."""
        return connection.closed

    def fault(self) -> str:
        """Nothing: the server itself answers for its files."""
        return ""

    def in_transaction(self, connection: psycopg.Connection) -> bool:
        """Whether a transaction is open and can still commit."""
        return connection.info.transaction_status == TransactionStatus.INTRANS

    def sql(self, statement: str) -> str:
        """psycopg writes `%s` for a value."""
        return statement.replace("?", "%s")

    def match(self, words: Sequence[str]) -> str:
        """A tsquery of words, all of which must occur."""
        return " & ".join(words)

    def begin(self, connection: psycopg.Connection, segments: Iterable[str]) -> None:
        """Begin, and lock the segments by name in one order for all, so that two writers never deadlock."""
        connection.execute("BEGIN")
        for segment in sorted(segments):
            connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (LOCK_SPACE, segment))

    def begin_migration(self, connection: psycopg.Connection) -> None:
        """Begin, take the migration lock, see to the migrations table."""
        connection.execute("BEGIN")
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK_SPACE,))
        connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations (version INTEGER PRIMARY KEY, "
            "applied_at DOUBLE PRECISION NOT NULL)"
        )
