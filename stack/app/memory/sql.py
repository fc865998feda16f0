"""The packet store over any `Dialect`: one set of statements, one transaction per write, the gate inside it.

It holds what SQLite and PostgreSQL have in common, which is nearly all. It must never write a packet past
db_boundary_gate, nor let a driver's exception out.
"""

from __future__ import annotations

import json
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from itertools import chain
from typing import Any

from stack.app.cancel import COMPUTING
from stack.app.gatekeeper import check_write
from stack.app.gates.db_boundary import Latest
from stack.app.memory.dialect import VERSION, Connection, Dialect, migrate
from stack.app.memory.packet import Packet
from stack.app.memory.pool import Pool
from stack.app.memory.store import PacketRefused, Probe, StoreError, StoreUnavailable, Written
from stack.app.memory.words import MAX_QUERY_WORDS, document, words
from stack.telemetry.catalogue import SEGMENTS

MAX_LIMIT = 1000
READERS = 4
INSERT_BATCH = 100
"""Rows in one statement: few turns between this program and the database, whose work holds up no other thread."""
EXPIRE_BATCH = 1000
PROBE_KEPT_S = 60

_INSERT = """INSERT INTO packets
    (packet_id, segment, packet_type, payload, tags, confidence, created_at, expires_at, words)
    VALUES {rows} ON CONFLICT (packet_id) DO NOTHING RETURNING packet_id"""
_INSERT_ROW = "(?, ?, ?, ?, ?, ?, ?, ?, ?)"
_POINT = """INSERT INTO latest (segment, packet_id) VALUES (?, ?)
    ON CONFLICT (segment) DO UPDATE SET packet_id = excluded.packet_id"""
_LATEST = "SELECT packet_id FROM latest WHERE segment = ?"
_RECENT = """SELECT packet_id, segment, packet_type, payload, tags, confidence, created_at, expires_at
    FROM packets WHERE segment = ? AND (expires_at IS NULL OR expires_at > ?) ORDER BY seq DESC LIMIT ?"""
_FIND = """SELECT packet_id, segment, packet_type, payload, tags, confidence, created_at, expires_at
    FROM packets WHERE packet_id = ? AND (expires_at IS NULL OR expires_at > ?)"""
_SIZES = """SELECT segment, count(*) FROM packets WHERE expires_at IS NULL OR expires_at > ?
    GROUP BY segment"""
_EXPIRE = """DELETE FROM packets WHERE seq IN
    (SELECT seq FROM packets WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)"""


class SqlStore:
    """A `PacketStore`. It connects at the first call: its owner can start while the database is down."""

    def __init__(
        self, dialect: Dialect, clock: Callable[[], float] = time.time, expected_migration: int = 0
    ) -> None:
        self._dialect = dialect
        self._clock = clock
        self._expected_migration = expected_migration or len(dialect.migrations)
        self._writers = Pool(self._connect, dialect.fresh, dialect.writers, lost=dialect.lost)
        self._readers = Pool(self._connect, dialect.fresh, READERS, lost=dialect.lost)

    @property
    def name(self) -> str:
        """Where the packets are, without any secret."""
        return self._dialect.name

    def write(self, packet: Packet, expected_latest: str | Latest | None = Latest.ANY) -> Written:
        """See `PacketStore.write`."""
        return self._store([packet], expected_latest)

    def write_many(self, packets: Iterable[Packet], *, atomic: bool = True) -> Written:
        """See `PacketStore.write_many`."""
        batch = list(packets)
        try:
            return self._store(batch, Latest.ANY) if batch else Written(0)
        except PacketRefused:
            if atomic:
                raise
            return self._store_singly(batch)

    def search(self, segment: str, query: str, limit: int = 20, max_bytes: int | None = None) -> list[Packet]:
        """See `PacketStore.search`; `limit` is held within 1 and 1,000."""
        wanted = words(query, MAX_QUERY_WORDS)
        if not wanted:
            return []
        match = self._dialect.match(wanted)
        values = (match, segment, self._clock(), _bounded(limit))
        return self._packets(self._dialect.search, values, max_bytes)

    def recent(self, segment: str, limit: int = 20, max_bytes: int | None = None) -> list[Packet]:
        """See `PacketStore.recent`; `limit` is held within 1 and 1,000."""
        return self._packets(_RECENT, (segment, self._clock(), _bounded(limit)), max_bytes)

    def find(self, packet_id: str) -> Packet | None:
        """See `PacketStore.find`."""
        found = self._packets(_FIND, (packet_id, self._clock()))
        return found[0] if found else None

    def latest(self, segment: str) -> str | None:
        """See `PacketStore.latest`."""
        rows = self._rows(_LATEST, (segment,))
        return str(rows[0][0]) if rows else None

    def expire(self, now: float | None = None) -> int:
        """See `PacketStore.expire`; it deletes in small transactions, so writers never wait long."""
        until = self._clock() if now is None else now
        total = 0
        while True:
            with self._transaction(()) as run:
                deleted = int(run(_EXPIRE, (until, EXPIRE_BATCH)).rowcount)
            total += deleted
            if deleted < EXPIRE_BATCH:
                return total

    def sizes(self) -> dict[str, int]:
        """See `PacketStore.sizes`."""
        return dict.fromkeys(SEGMENTS, 0) | {
            row[0]: int(row[1]) for row in self._rows(_SIZES, (self._clock(),))
        }

    def probe(self) -> Probe:
        """See `PacketStore.probe`."""
        token, started = uuid.uuid4().hex, time.perf_counter()
        try:
            with self._transaction(()) as run:
                run("DELETE FROM probes WHERE written_at < ?", (self._clock() - PROBE_KEPT_S,))
                run("INSERT INTO probes (token, written_at) VALUES (?, ?)", (token, self._clock()))
            found = self._rows("SELECT token FROM probes WHERE token = ?", (token,))
            unread = "" if found else f"{self.name}: what was written cannot be read back: check the database"
            detail = unread or self._dialect.fault()
        except StoreError as error:
            detail = str(error)
        return Probe(not detail, (time.perf_counter() - started) * 1000, detail)

    def close(self) -> None:
        """See `PacketStore.close`."""
        self._writers.close()
        self._readers.close()

    def _store(self, packets: Sequence[Packet], expected_latest: str | Latest | None) -> Written:
        with COMPUTING.held():
            rows = [_row(packet) for packet in packets]
        stored: set[str] = set()
        with self._transaction({packet.segment for packet in packets}, expected_latest) as run:
            for start in range(0, len(rows), INSERT_BATCH):
                part = rows[start : start + INSERT_BATCH]
                statement = _INSERT.format(rows=", ".join([_INSERT_ROW] * len(part)))
                inserted = run(statement, list(chain.from_iterable(part))).fetchall()
                stored.update(str(row[0]) for row in inserted)
            newest = {packet.segment: packet.packet_id for packet in packets if packet.packet_id in stored}
            for pointer in newest.items():
                run(_POINT, pointer)
        return Written(len(stored), len(packets) - len(stored))

    def _store_singly(self, packets: Iterable[Packet]) -> Written:
        stored, known, refused = 0, 0, []
        for packet in packets:
            try:
                done = self._store([packet], Latest.ANY)
                stored, known = stored + done.stored, known + done.known
            except PacketRefused as error:
                refused.append((packet.packet_id, str(error)))
        return Written(stored, known, tuple(refused))

    def _packets(self, statement: str, values: Sequence[Any], max_bytes: int | None = None) -> list[Packet]:
        return [_packet(row) for row in self._rows(statement, values, partial(_fitting, max_bytes))]

    def _rows(
        self, statement: str, values: Sequence[Any], keep: Callable[[Iterable[Any]], list[Any]] = list
    ) -> list[Any]:
        rows: list[Any] = []

        def read(connection: Connection) -> None:
            cursor = connection.execute(self._dialect.sql(statement), values)
            rows.extend(keep(cursor))
            cursor.close()  # what was not read would hold the database's state of that time

        with self._lease(self._readers, read):
            return rows

    @contextmanager
    def _transaction(
        self, segments: Iterable[str], expected_latest: str | Latest | None = Latest.ANY
    ) -> Iterator[Callable[[str, Sequence[Any]], Any]]:
        """A transaction that db_boundary_gate has let pass; commits at the end of the block."""
        with self._lease(self._writers, lambda found: self._dialect.begin(found, segments)) as connection:
            boundary = _OpenTransaction(self._dialect, connection)
            try:
                for segment in segments:
                    check_write(boundary, segment, self._expected_migration, expected_latest)
                yield boundary.run
                connection.execute("COMMIT")
            except BaseException:
                with suppress(*self._dialect.errors):
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _lease(
        self, pool: Pool[Connection], begin: Callable[[Connection], object] = id
    ) -> Iterator[Connection]:
        """A connection, on which the driver's errors become ours."""
        dialect = self._dialect
        try:
            with pool.lease(dialect.errors, begin) as connection:
                yield connection
        except dialect.refusals as error:
            raise PacketRefused(f"{self.name}: the database refuses this packet: {_line(error)}") from error
        except dialect.errors as error:
            raise StoreUnavailable(f"{self.name}: {_line(error)}: check the database and its disk") from error

    def _connect(self) -> Connection:
        connection = self._dialect.connect()
        try:
            migrate(self._dialect, connection, self._clock())
        except BaseException:
            connection.close()
            raise
        return connection


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
        return int(self.run(VERSION).fetchone()[0])

    def latest(self, segment: str) -> str | None:
        row = self.run(_LATEST, (segment,)).fetchone()
        return None if row is None else str(row[0])


def _row(packet: Packet) -> tuple[Any, ...]:
    return (
        packet.packet_id,
        packet.segment,
        packet.packet_type,
        packet.body,
        json.dumps(packet.tags),
        packet.confidence,
        packet.created_at,
        packet.expires_at,
        document(packet.packet_type, packet.tags, packet.payload),
    )


def _packet(row: Sequence[Any]) -> Packet:
    packet_id, segment, packet_type, body, tags, confidence, created_at, expires_at = row
    payload = json.loads(body)
    return Packet(
        packet_id, segment, packet_type, payload, tuple(json.loads(tags)), confidence, created_at, expires_at
    )


def _fitting(max_bytes: int | None, rows: Iterable[Any]) -> list[Any]:
    """The first rows whose payloads have at most ``max_bytes`` together, at least one."""
    kept: list[Any] = []
    room = sys.maxsize if max_bytes is None else max_bytes
    for row in rows:
        room -= len(row[3])
        if room < 0 and kept:
            break
        kept.append(row)
    return kept


def _bounded(limit: int) -> int:
    return max(1, min(limit, MAX_LIMIT))


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())
