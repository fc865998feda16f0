"""A stand-in for a packet store: one that fails on demand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from stack.app.gates.db_boundary import Latest
from stack.app.memory.answers import PacketRefused, Probe, StoreUnavailable, Written
from stack.app.memory.opening import open_store
from stack.app.memory.packet import Packet
from stack.app.memory.sqlite import SqliteDialect
from stack.app.memory.store import PacketStore


class FlakyStore(PacketStore):
    """A real SQLite store that is down while `down` is set, and refuses the ids in `refuses`; `inner` does neither."""

    def __init__(self, path: Path) -> None:
        super().__init__(SqliteDialect(path), obstacle=self._answer)
        self.inner = open_store(path)
        self.down = False
        self.refuses: set[str] = set()
        self.attempts = 0
        self.probes = 0

    def probe(self) -> Probe:
        self.probes += 1
        return super().probe()

    def _store(self, packets: Sequence[Packet], expected_latest: str | Latest | None) -> Written:
        if self.refuses & {packet.packet_id for packet in packets}:
            raise PacketRefused("refused here")
        return super()._store(packets, expected_latest)

    def _answer(self, single: Packet | None) -> None:
        self.attempts += 1
        if self.down:
            raise StoreUnavailable("down")
