"""A packet store that reports what happens to it: writes, searches, health.

It is the outermost wrapper, so that whatever makes the store fail shows in the metrics. It must never change
an answer or an error of the store inside.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from stack.app.gates.db_boundary import Latest
from stack.app.memory.errors import StoreUnavailable
from stack.app.memory.packet import Packet
from stack.app.memory.store import PacketStore, Probe, Written
from stack.telemetry import recorders


class ObservedStore:
    """A `PacketStore` around another.

    Each packet stored counts once, with the duration of its transaction; a call that fails counts once for
    each segment in it, and a batch of which only some packets were stored counts once as `partial`. A store
    that cannot answer is unhealthy at once; only a probe makes it healthy again.
    """

    def __init__(self, inner: PacketStore) -> None:
        self._inner = inner

    @property
    def name(self) -> str:
        """See `PacketStore.name`."""
        return self._inner.name

    def write(self, packet: Packet, expected_latest: str | Latest | None = Latest.ANY) -> Written:
        """See `PacketStore.write`."""
        with self._writing([packet]) as report:
            report.append(self._inner.write(packet, expected_latest))
        return report[0]

    def write_many(self, packets: Iterable[Packet], *, atomic: bool = True) -> Written:
        """See `PacketStore.write_many`."""
        batch = list(packets)
        with self._writing(batch) as report:
            report.append(self._inner.write_many(batch, atomic=atomic))
        return report[0]

    def search(self, segment: str, query: str, limit: int = 20, max_bytes: int | None = None) -> list[Packet]:
        """See `PacketStore.search`."""
        with _noticing_failure():
            found = self._inner.search(segment, query, limit, max_bytes)
        recorders.record_memory_search(segment, "keyword", len(found))
        return found

    def recent(self, segment: str, limit: int = 20, max_bytes: int | None = None) -> list[Packet]:
        """See `PacketStore.recent`."""
        with _noticing_failure():
            found = self._inner.recent(segment, limit, max_bytes)
        recorders.record_memory_search(segment, "recent", len(found))
        return found

    def find(self, packet_id: str) -> Packet | None:
        """See `PacketStore.find`."""
        with _noticing_failure():
            return self._inner.find(packet_id)

    def latest(self, segment: str) -> str | None:
        """See `PacketStore.latest`."""
        with _noticing_failure():
            return self._inner.latest(segment)

    def expire(self, now: float | None = None) -> int:
        """See `PacketStore.expire`."""
        with _noticing_failure():
            return self._inner.expire(now)

    def sizes(self) -> dict[str, int]:
        """See `PacketStore.sizes`; the gauges follow the answer."""
        with _noticing_failure():
            sizes = self._inner.sizes()
        for segment, packets in sizes.items():
            recorders.set_packet_store_size(segment, packets)
        return sizes

    def probe(self) -> Probe:
        """See `PacketStore.probe`; the health gauge follows the answer."""
        probe = self._inner.probe()
        recorders.set_memory_substrate_health(probe.healthy)
        return probe

    def close(self) -> None:
        """See `PacketStore.close`."""
        self._inner.close()

    @contextmanager
    def _writing(self, packets: Sequence[Packet]) -> Iterator[list[Written]]:
        started = time.perf_counter()
        report: list[Written] = []
        try:
            with _noticing_failure():
                yield report
        except Exception:
            seconds = time.perf_counter() - started
            for segment in {packet.segment for packet in packets}:
                recorders.record_memory_write(segment, "error", seconds)
            raise
        _record_written(packets, report[0], time.perf_counter() - started)


@contextmanager
def _noticing_failure() -> Iterator[None]:
    try:
        yield
    except StoreUnavailable:
        recorders.set_memory_substrate_health(False)
        raise


def _record_written(packets: Sequence[Packet], written: Written, seconds: float) -> None:
    refused = {packet_id for packet_id, _ in written.refused}
    partial = {packet.segment for packet in packets if packet.packet_id in refused}
    for segment, count in Counter(p.segment for p in packets if p.packet_id not in refused).items():
        for _ in range(count):
            recorders.record_memory_write(segment, "ok", seconds)
    for segment in partial:
        recorders.record_memory_write(segment, "partial", seconds)
