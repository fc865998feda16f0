"""What a packet store can do, as a Protocol, the values it answers with, and the errors that tell "later" from "never".

SQLite and PostgreSQL both keep this promise, held to it by one suite. It holds no code that talks to a
database.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from stack.app.gates.db_boundary import Latest
from stack.app.memory.packet import Packet


class StoreError(Exception):
    """The packet store did not do what was asked; the message says what, where and how to fix it."""


class StoreUnavailable(StoreError):
    """The store is down, locked, full or unreachable: the same call may succeed later."""


class PacketRefused(StoreError):
    """The database refuses the packet for its content: the same call will never succeed."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a write did: packets stored now, packets known already, ids refused with their reasons."""

    stored: int
    known: int = 0
    refused: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Probe:
    """Result of one write-read probe; `detail` says in one line what is wrong, empty when healthy."""

    healthy: bool
    duration_ms: float
    detail: str = ""


class PacketStore(Protocol):
    """The packet store. Thread safe. Every method may raise StoreUnavailable, except `probe` and `close`."""

    @property
    def name(self) -> str:
        """Where the packets are, without any secret: for people."""

    def write(self, packet: Packet, expected_latest: str | Latest | None = Latest.ANY) -> Written:
        """Store one packet, durably, and point its segment's `latest` to it; a known id changes nothing.

        `expected_latest` is what `latest` gave when the caller read it (None: an empty segment),
        `Latest.ANY` if it does not matter.
        Raises Rejected of db_boundary_gate (E_DB_TX, E_DB_MIGRATION, E_LATEST_MISMATCH), PacketRefused.
        """

    def write_many(self, packets: Iterable[Packet], *, atomic: bool = True) -> Written:
        """Store packets in their order, in one transaction: all or none.

        With `atomic=False`, packets that the database refuses for their content are left out and named in the
        answer.
        """

    def search(self, segment: str, query: str, limit: int = 20, max_bytes: int | None = None) -> list[Packet]:
        """Packets that hold all words of `query`, newest first; a query without a word finds nothing.

        With `max_bytes`, only as many as have payloads of that size together; at least one.
        """

    def recent(self, segment: str, limit: int = 20, max_bytes: int | None = None) -> list[Packet]:
        """The newest packets that have not expired, newest first; `max_bytes` as with `search`."""

    def find(self, packet_id: str) -> Packet | None:
        """The packet with that id, unless there is none or it has expired."""

    def latest(self, segment: str) -> str | None:
        """Id of the packet written last to the segment, even if expired since; None before the first."""

    def expire(self, now: float | None = None) -> int:
        """Delete packets whose time has come by `now` (Unix seconds); how many."""

    def sizes(self) -> dict[str, int]:
        """Packets that have not expired, by segment; every segment is present."""

    def probe(self) -> Probe:
        """Write a fresh token and read it back through another connection. Never raises."""

    def close(self) -> None:
        """Close all connections; a later call opens them again."""
