"""What happens to the store shows in the metrics, and changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack.app.memory.answers import PacketRefused, StoreUnavailable
from stack.app.memory.packet import Packet, new_packet
from stack.telemetry import recorders
from tests.unit.app.memory.memory_doubles import FlakyStore

SEGMENT = "project_history"


class Recorded(list[tuple[object, ...]]):
    """Calls of the recording functions, durations left out."""


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Recorded:
    calls = Recorded()
    patch = monkeypatch.setattr
    patch(recorders, "record_memory_write", lambda segment, status, s: calls.append((segment, status)))
    patch(recorders, "record_memory_search", lambda *values: calls.append(("search", *values)))
    patch(recorders, "set_memory_substrate_health", lambda healthy: calls.append(("health", healthy)))
    patch(recorders, "set_packet_store_size", lambda segment, n: calls.append(("size", segment, n)))
    return calls


@pytest.fixture
def flaky(tmp_path: Path) -> FlakyStore:
    return FlakyStore(tmp_path / "p.db")


def packet() -> Packet:
    return new_packet(SEGMENT, "note", {"word": "found"})


def test_each_stored_packet_counts_once(flaky: FlakyStore, recorded: Recorded) -> None:
    store = flaky
    store.write(packet())
    store.write_many([packet(), packet()])
    assert recorded == [(SEGMENT, "ok")] * 3


def test_a_batch_stored_in_part_counts_as_partial(flaky: FlakyStore, recorded: Recorded) -> None:
    good, bad = packet(), packet()
    flaky.refuses = {bad.packet_id}
    assert flaky.write_many([good, bad]).stored == 1
    assert recorded == [(SEGMENT, "ok"), (SEGMENT, "partial")]


def test_a_refused_packet_is_an_error_of_a_healthy_store(flaky: FlakyStore, recorded: Recorded) -> None:
    bad = packet()
    flaky.refuses = {bad.packet_id}
    with pytest.raises(PacketRefused):
        flaky.write(bad)
    assert recorded == [(SEGMENT, "error")]


def test_a_store_that_is_down_is_an_error_and_unhealthy(flaky: FlakyStore, recorded: Recorded) -> None:
    store = flaky
    flaky.down = True
    for call in (lambda: store.write(packet()), lambda: store.recent(SEGMENT), lambda: store.latest(SEGMENT)):
        with pytest.raises(StoreUnavailable, match=r"^down$"):
            call()
    unhealthy = ("health", False)
    assert recorded == [unhealthy, (SEGMENT, "error"), unhealthy, unhealthy]


def test_searches_count_their_hits(flaky: FlakyStore, recorded: Recorded) -> None:
    store = flaky
    flaky.inner.write(packet())
    recorded.clear()
    store.search(SEGMENT, "found")
    store.search(SEGMENT, "absent")
    store.recent(SEGMENT)
    assert recorded == [
        ("search", SEGMENT, "keyword", 1),
        ("search", SEGMENT, "keyword", 0),
        ("search", SEGMENT, "recent", 1),
    ]


def test_the_health_gauge_is_the_probe(flaky: FlakyStore, recorded: Recorded) -> None:
    store = flaky
    store.probe()
    flaky.down = True
    store.probe()
    assert recorded == [("health", True), ("health", False)]


def test_sizes_set_the_gauges(flaky: FlakyStore, recorded: Recorded) -> None:
    flaky.inner.write(packet())
    assert flaky.sizes()[SEGMENT] == 1
    assert ("size", SEGMENT, 1) in recorded and ("size", "tool_audit", 0) in recorded
