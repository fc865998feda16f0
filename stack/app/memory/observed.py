"""A packet store that reports what happens to it: writes, searches, health.

It is the outermost wrapper, so that whatever makes the store fail shows in the metrics, an obstacle that is put before
it on purpose too. It must never change an answer or an error of the store inside.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from stack.app.gates.db_boundary import Latest
from stack.app.memory.packet import Packet
from stack.app.memory.store import PacketStore, Probe, StoreUnavailable, Written
from stack.telemetry import recorders


class ObservedStore:
    """A `PacketStore` around another.

    Each packet stored counts once, with the duration of its transaction; a call that fails counts once for
    each segment in it, and a batch of which only some packets were stored counts once as `partial`. A store
    that cannot answer is unhealthy at once; only a probe makes it healthy again. `obstacle` is called before each call,
    with the packet of a single write; what it raises is as good as raised by the store.
    """

    def __init__(
        self, inner: PacketStore, obstacle: Callable[[Packet | None], object] = lambda _: None
    ) -> None:
        self._inner = inner
        self._obstacle = obstacle

    @property
    def name(self) -> str:
        """See `PacketStore.name`."""
        return self._inner.name

    def write(self, packet: Packet, expected_latest: str | Latest | None = Latest.ANY) -> Written:
        """See `PacketStore.write`."""
        with self._writing([packet]) as report:
            self._obstacle(packet)
            report.append(self._inner.write(packet, expected_latest))
        return report[0]

    def write_many(self, packets: Iterable[Packet], *, atomic: bool = True) -> Written:
        """See `PacketStore.write_many`."""
        batch = list(packets)
        with self._writing(batch) as report:
            self._obstacle(None)
            report.append(self._inner.write_many(batch, atomic=atomic))
        return report[0]

    def search(self, segment: str, query: str, limit: int = 20, max_bytes: int | None = None) -> list[Packet]:
        """See `PacketStore.search`."""
        with self._asking():
            found = self._inner.search(segment, query, limit, max_bytes)
        recorders.record_memory_search(segment, "keyword", len(found))
        return found

    def recent(self, segment: str, limit: int = 20, max_bytes: int | None = None) -> list[Packet]:
        """See `PacketStore.recent`."""
        with self._asking():
            found = self._inner.recent(segment, limit, max_bytes)
        recorders.record_memory_search(segment, "recent", len(found))
        return found

    def find(self, packet_id: str) -> Packet | None:
        """See `PacketStore.find`."""
        with self._asking():
            return self._inner.find(packet_id)

    def latest(self, segment: str) -> str | None:
        """See `PacketStore.latest`."""
        with self._asking():
            return self._inner.latest(segment)

    def expire(self, now: float | None = None) -> int:
        """See `PacketStore.expire`."""
        with self._asking():
            return self._inner.expire(now)

    def sizes(self) -> dict[str, int]:
        """See `PacketStore.sizes`; the gauges follow the answer."""
        with self._asking():
            sizes = self._inner.sizes()
        for segment, packets in sizes.items():
            recorders.set_packet_store_size(segment, packets)
        return sizes

    def probe(self) -> Probe:
        """See `PacketStore.probe`; the health gauge follows the answer."""
        try:
            self._obstacle(None)
            probe = self._inner.probe()
        except StoreUnavailable as down:
            probe = Probe(False, 0.0, str(down))
        recorders.set_memory_substrate_health(probe.healthy)
        return probe

    def close(self) -> None:
        """See `PacketStore.close`."""
        self._inner.close()

    @contextmanager
    def _asking(self) -> Iterator[None]:
        with _noticing_failure():
            self._obstacle(None)
            yield

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
