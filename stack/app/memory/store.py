"""The packet store over any database: one set of statements, one transaction per write, everything measured.

Whatever makes a call fail shows in the metrics, an obstacle that is put before it on purpose too.
"""

from __future__ import annotations

import json
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from itertools import chain
from typing import Any

from stack.app.cancel import COMPUTING
from stack.app.clock import CLOCK
from stack.app.gates.db_boundary import Latest
from stack.app.memory.answers import PacketRefused, Probe, StoreError, StoreUnavailable, Written
from stack.app.memory.database import LATEST, Database, Dialect
from stack.app.memory.packet import Packet
from stack.app.memory.words import MAX_QUERY_WORDS, document, words
from stack.telemetry import recorders
from stack.telemetry.catalogue import SEGMENTS

MAX_LIMIT = 1000
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
_RECENT = """SELECT packet_id, segment, packet_type, payload, tags, confidence, created_at, expires_at
    FROM packets WHERE segment = ? AND (expires_at IS NULL OR expires_at > ?) ORDER BY seq DESC LIMIT ?"""
_FIND = """SELECT packet_id, segment, packet_type, payload, tags, confidence, created_at, expires_at
    FROM packets WHERE packet_id = ? AND (expires_at IS NULL OR expires_at > ?)"""
_SIZES = """SELECT segment, count(*) FROM packets WHERE expires_at IS NULL OR expires_at > ?
    GROUP BY segment"""
_EXPIRE = """DELETE FROM packets WHERE seq IN
    (SELECT seq FROM packets WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)"""


class PacketStore:
    """The packet store. Thread safe. Every method may raise StoreUnavailable, except `probe` and `close`.

    It connects at the first call: its owner can start while the database is down. `obstacle` is called before each
    call, with the packet of a single write; what it raises is as good as raised by the database.

    Each packet stored counts once, with the duration of its transaction; a call that fails counts once for each segment
    in it, and a batch of which only some packets were stored counts once as `partial`. A store that cannot answer is
    unhealthy at once; only a probe makes it healthy again.
    """

    def __init__(
        self,
        dialect: Dialect,
        clock: Callable[[], float] = CLOCK,
        expected_migration: int = 0,
        obstacle: Callable[[Packet | None], object] = lambda _: None,
    ) -> None:
        self.name = dialect.name
        self._database = Database(dialect, clock, expected_migration)
        self._clock = clock
        self._obstacle = obstacle

    def write(self, packet: Packet, expected_latest: str | Latest | None = Latest.ANY) -> Written:
        """Store one packet, durably, and point its segment's `latest` to it; a known id changes nothing.

        `expected_latest` is what `latest` gave when the caller read it (None: an empty segment), `Latest.ANY` if it
        does not matter. Raises PacketRefused, and Rejected with a code of db_boundary_gate.
        """
        return self._measured([packet], packet, lambda: self._store([packet], expected_latest))

    def write_many(self, packets: Iterable[Packet]) -> Written:
        """Store packets in their order, in one transaction if the database takes them all.

        Those that it refuses for their content are left out and named in the answer.
        """
        batch = list(packets)
        return self._measured(batch, None, lambda: self._store_all(batch))

    def search(self, segment: str, query: str, limit: int = 20, max_bytes: int | None = None) -> list[Packet]:
        """Packets that hold all words of `query`, newest first; a query without a word finds nothing.

        `limit` is held within 1 and 1,000. With `max_bytes`, only as many as have payloads of that size together; at
        least one.
        """
        dialect = self._database.dialect
        with self._asking():
            wanted = words(query, MAX_QUERY_WORDS)
            values = (dialect.match(wanted), segment, self._clock(), _bounded(limit))
            found = self._packets(dialect.search, values, max_bytes) if wanted else []
        recorders.record_memory_search(segment, "keyword", len(found))
        return found

    def recent(self, segment: str, limit: int = 20, max_bytes: int | None = None) -> list[Packet]:
        """The newest packets that have not expired, newest first; `limit` and `max_bytes` as with `search`."""
        with self._asking():
            found = self._packets(_RECENT, (segment, self._clock(), _bounded(limit)), max_bytes)
        recorders.record_memory_search(segment, "recent", len(found))
        return found

    def find(self, packet_id: str) -> Packet | None:
        """The packet with that id, unless there is none or it has expired."""
        with self._asking():
            return next(iter(self._packets(_FIND, (packet_id, self._clock()))), None)

    def latest(self, segment: str) -> str | None:
        """Id of the packet written last to the segment, even if expired since; None before the first."""
        with self._asking():
            rows = self._database.rows(LATEST, (segment,))
        return str(rows[0][0]) if rows else None

    def expire(self, now: float | None = None) -> int:
        """Delete packets whose time has come by `now` (Unix seconds), in small transactions; how many."""
        until = self._clock() if now is None else now
        total, deleted = 0, EXPIRE_BATCH
        while deleted == EXPIRE_BATCH:
            with self._asking(), self._database.transaction(()) as run:
                deleted = int(run(_EXPIRE, (until, EXPIRE_BATCH)).rowcount)
            total += deleted
        return total

    def sizes(self) -> dict[str, int]:
        """Packets that have not expired, by segment; every segment is present. The gauges follow the answer."""
        with self._asking():
            rows = self._database.rows(_SIZES, (self._clock(),))
        sizes = dict.fromkeys(SEGMENTS, 0) | {row[0]: int(row[1]) for row in rows}
        for segment, packets in sizes.items():
            recorders.set_packet_store_size(segment, packets)
        return sizes

    def probe(self) -> Probe:
        """Write a fresh token and read it back through another connection; the health gauge follows. Never raises."""
        started = time.perf_counter()
        try:
            self._obstacle(None)
            detail = self._probed(uuid.uuid4().hex)
        except StoreError as error:
            detail = str(error)
        recorders.set_memory_substrate_health(not detail)
        return Probe(not detail, (time.perf_counter() - started) * 1000, detail)

    def close(self) -> None:
        """Close all connections; a later call opens them again."""
        self._database.close()

    def _probed(self, token: str) -> str:
        with self._database.transaction(()) as run:
            run("DELETE FROM probes WHERE written_at < ?", (self._clock() - PROBE_KEPT_S,))
            run("INSERT INTO probes (token, written_at) VALUES (?, ?)", (token, self._clock()))
        if not self._database.rows("SELECT token FROM probes WHERE token = ?", (token,)):
            return f"{self.name}: what was written cannot be read back: check the database"
        return self._database.dialect.fault()

    def _measured(
        self, packets: Sequence[Packet], single: Packet | None, write: Callable[[], Written]
    ) -> Written:
        started = time.perf_counter()
        try:
            with self._asking(single):
                written = write()
        except Exception:
            seconds = time.perf_counter() - started
            for segment in {packet.segment for packet in packets}:
                recorders.record_memory_write(segment, "error", seconds)
            raise
        _record_written(packets, written, time.perf_counter() - started)
        return written

    @contextmanager
    def _asking(self, single: Packet | None = None) -> Iterator[None]:
        try:
            self._obstacle(single)
            yield
        except StoreUnavailable:
            recorders.set_memory_substrate_health(False)
            raise

    def _store_all(self, packets: Sequence[Packet]) -> Written:
        with suppress(PacketRefused):
            return self._store(packets, Latest.ANY) if packets else Written(0)
        stored, known, refused = 0, 0, []
        for packet in packets:
            try:
                done = self._store([packet], Latest.ANY)
                stored, known = stored + done.stored, known + done.known
            except PacketRefused as error:
                refused.append((packet.packet_id, str(error)))
        return Written(stored, known, tuple(refused))

    def _store(self, packets: Sequence[Packet], expected_latest: str | Latest | None) -> Written:
        with COMPUTING.held():
            rows = [_row(packet) for packet in packets]
        stored: set[str] = set()
        segments = {packet.segment for packet in packets}
        with self._database.transaction(segments, expected_latest) as run:
            for start in range(0, len(rows), INSERT_BATCH):
                part = rows[start : start + INSERT_BATCH]
                statement = _INSERT.format(rows=", ".join([_INSERT_ROW] * len(part)))
                inserted = run(statement, list(chain.from_iterable(part))).fetchall()
                stored.update(str(row[0]) for row in inserted)
            newest = {packet.segment: packet.packet_id for packet in packets if packet.packet_id in stored}
            for pointer in newest.items():
                run(_POINT, pointer)
        return Written(len(stored), len(packets) - len(stored))

    def _packets(self, statement: str, values: Sequence[Any], max_bytes: int | None = None) -> list[Packet]:
        return [_packet(row) for row in self._database.rows(statement, values, partial(_fitting, max_bytes))]


def _record_written(packets: Sequence[Packet], written: Written, seconds: float) -> None:
    refused = {packet_id for packet_id, _ in written.refused}
    for segment, count in Counter(p.segment for p in packets if p.packet_id not in refused).items():
        for _ in range(count):
            recorders.record_memory_write(segment, "ok", seconds)
    for segment in {packet.segment for packet in packets if packet.packet_id in refused}:
        recorders.record_memory_write(segment, "partial", seconds)


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
    packet_id, segment, packet_type, body, tags, *numbers = row
    return Packet(packet_id, segment, packet_type, json.loads(body), tuple(json.loads(tags)), *numbers)


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
