"""The packet store behind the fault switches ``substrate-down``, ``no-transaction`` and ``old-migration``.

With all off every call goes straight through. It never changes what is stored.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from stack.app.faults import Faults
from stack.app.gatekeeper import check_write
from stack.app.gates.db_boundary import Latest
from stack.app.memory.errors import StoreUnavailable
from stack.app.memory.packet import Packet
from stack.app.memory.store import PacketStore, Probe, Written

_DOWN = "the fault substrate-down is on: switch it off"


class PlainConnection:
    """A ``Boundary`` over a database of its own, in memory, on which nobody has begun a transaction."""

    def __init__(self, version: int = 1) -> None:
        self._connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._connection.execute(f"PRAGMA user_version = {version:d}")

    def begin(self) -> None:
        """Begins a transaction."""
        self._connection.execute("BEGIN")

    def close(self) -> None:
        """Forgets everything."""
        self._connection.close()

    def in_transaction(self) -> bool:
        """See ``Boundary``."""
        return self._connection.in_transaction

    def migration(self) -> int:
        """See ``Boundary``."""
        return int(self._connection.execute("PRAGMA user_version").fetchone()[0])

    def latest(self, segment: str) -> str | None:
        """See ``Boundary``: it holds nothing."""
        del segment
        return None


class FaultyStore:
    """A ``PacketStore`` that does what ``inner`` does, unless a fault is on."""

    def __init__(self, inner: PacketStore, faults: Faults) -> None:
        self._inner = inner
        self._faults = faults

    @property
    def name(self) -> str:
        """See ``PacketStore.name``."""
        return self._inner.name

    def write(self, packet: Packet, expected_latest: str | Latest | None = Latest.ANY) -> Written:
        """See ``PacketStore.write``."""
        self._may_write(packet.segment)
        return self._inner.write(packet, expected_latest)

    def write_many(self, packets: Iterable[Packet], *, atomic: bool = True) -> Written:
        """See ``PacketStore.write_many``."""
        self._may_answer()
        return self._inner.write_many(packets, atomic=atomic)

    def search(self, segment: str, query: str, limit: int = 20, max_bytes: int | None = None) -> list[Packet]:
        """See ``PacketStore.search``."""
        self._may_answer()
        return self._inner.search(segment, query, limit, max_bytes)

    def recent(self, segment: str, limit: int = 20, max_bytes: int | None = None) -> list[Packet]:
        """See ``PacketStore.recent``."""
        self._may_answer()
        return self._inner.recent(segment, limit, max_bytes)

    def find(self, packet_id: str) -> Packet | None:
        """See ``PacketStore.find``."""
        self._may_answer()
        return self._inner.find(packet_id)

    def latest(self, segment: str) -> str | None:
        """See ``PacketStore.latest``."""
        self._may_answer()
        return self._inner.latest(segment)

    def expire(self, now: float | None = None) -> int:
        """See ``PacketStore.expire``."""
        self._may_answer()
        return self._inner.expire(now)

    def sizes(self) -> dict[str, int]:
        """See ``PacketStore.sizes``."""
        self._may_answer()
        return self._inner.sizes()

    def probe(self) -> Probe:
        """See ``PacketStore.probe``."""
        if self._faults.on("substrate-down"):
            return Probe(False, 0.0, _DOWN)
        return self._inner.probe()

    def close(self) -> None:
        """See ``PacketStore.close``."""
        self._inner.close()

    def _may_answer(self) -> None:
        if self._faults.on("substrate-down"):
            raise StoreUnavailable(f"{self.name}: {_DOWN}")

    def _may_write(self, segment: str) -> None:
        self._may_answer()
        if self._faults.on("no-transaction"):
            _write_elsewhere(segment, begun=False, behind=0)
        if self._faults.on("old-migration"):
            _write_elsewhere(segment, begun=True, behind=1)


def _write_elsewhere(segment: str, *, begun: bool, behind: int) -> None:
    """Asks db_boundary_gate about a connection on which it is right to refuse. Raises Rejected."""
    plain = PlainConnection()
    try:
        if begun:
            plain.begin()
        check_write(plain, segment, plain.migration() + behind)
    finally:
        plain.close()
