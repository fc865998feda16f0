"""Stand-ins for packet stores: one that fails on demand, and one that is what a real one is in the small."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from stack.app.gates.db_boundary import Latest
from stack.app.memory.opening import open_store
from stack.app.memory.packet import Packet
from stack.app.memory.sql import SqlStore
from stack.app.memory.store import PacketRefused, Probe, StoreUnavailable, Written


class FlakyStore:
    """A real SQLite store that is down while `down` is set, and refuses the ids in `refuses`."""

    def __init__(self, path: Path) -> None:
        self.inner: SqlStore = open_store(path)
        self.name = self.inner.name
        self.down = False
        self.refuses: set[str] = set()
        self.attempts = 0
        self.probes = 0

    def write(self, packet: Packet, expected_latest: str | Latest | None = Latest.ANY) -> Written:
        self._answer()
        return self.inner.write(packet, expected_latest)

    def write_many(self, packets: Iterable[Packet], *, atomic: bool = True) -> Written:
        self._answer()
        batch = list(packets)
        refused = tuple((p.packet_id, "refused here") for p in batch if p.packet_id in self.refuses)
        if refused and atomic:
            raise PacketRefused(refused[0][1])
        done = self.inner.write_many(p for p in batch if p.packet_id not in self.refuses)
        return Written(done.stored, done.known, refused)

    def search(self, segment: str, query: str, limit: int = 20, max_bytes: int | None = None) -> list[Packet]:
        self._answer()
        return self.inner.search(segment, query, limit, max_bytes)

    def recent(self, segment: str, limit: int = 20, max_bytes: int | None = None) -> list[Packet]:
        self._answer()
        return self.inner.recent(segment, limit, max_bytes)

    def find(self, packet_id: str) -> Packet | None:
        self._answer()
        return self.inner.find(packet_id)

    def latest(self, segment: str) -> str | None:
        self._answer()
        return self.inner.latest(segment)

    def expire(self, now: float | None = None) -> int:
        self._answer()
        return self.inner.expire(now)

    def sizes(self) -> dict[str, int]:
        self._answer()
        return self.inner.sizes()

    def probe(self) -> Probe:
        self.probes += 1
        return Probe(False, 0.0, "down") if self.down else self.inner.probe()

    def close(self) -> None:
        self.inner.close()

    def _answer(self) -> None:
        self.attempts += 1
        if self.down:
            raise StoreUnavailable("down")
