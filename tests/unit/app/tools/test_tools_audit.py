"""No audit is lost, doubled or out of order, whatever the store does; what a full queue drops is counted."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from stack.app.memory.answers import Written
from stack.app.memory.packet import Packet, new_packet
from stack.app.tools.audit import AuditSink
from stack.app.tools.journal import Journal
from stack.telemetry import recorders
from tests.unit.app.memory.memory_doubles import FlakyStore

SEGMENT = "tool_audit"
PATIENCE = 20.0


@pytest.fixture
def store(tmp_path: Path) -> FlakyStore:
    return FlakyStore(tmp_path / "p.db")


@pytest.fixture
def open_sink(tmp_path: Path, store: FlakyStore) -> Iterator[Callable[..., AuditSink]]:
    opened: list[AuditSink] = []

    def make(max_bytes: int = 10_000_000, start: bool = True) -> AuditSink:
        sink = AuditSink(store, tmp_path / "audit", max_bytes=max_bytes)
        opened.append(sink)
        if start:
            sink.start()
        return sink

    yield make
    store.down = False
    for sink in opened:
        sink.close(0)


def packet(number: int, worker: int = 0) -> Packet:
    return new_packet(SEGMENT, "audit", {"n": number, "worker": worker}, ttl=3600)


def numbers(store: FlakyStore) -> list[int]:
    """The numbers of all stored audits, oldest first."""
    return [
        found.payload["n"] for found in reversed(store.inner.recent(SEGMENT, 1000)) if "n" in found.payload
    ]


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.002)


def test_audits_reach_the_store_in_order(open_sink: Callable[..., AuditSink], store: FlakyStore) -> None:
    sink = open_sink()
    for number in range(700):
        assert sink.submit(packet(number))
    assert sink.flush(PATIENCE)
    assert numbers(store) == list(range(700))
    stats = sink.stats()
    assert (stats.accepted, stats.stored, stats.dropped, stats.bytes_waiting) == (700, 700, 0, 0)


def test_a_store_down_under_load_loses_doubles_and_delays_nothing(
    open_sink: Callable[..., AuditSink], store: FlakyStore
) -> None:
    sink = open_sink()
    went_down = threading.Event()

    def work(worker: int) -> None:
        for number in range(100):
            sink.submit(packet(number, worker))
            if number == 20:
                store.down = True
                went_down.set()

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    until(lambda: sink.stats().problem == "down")
    assert not sink.flush(0.05)
    assert sink.stats().bytes_waiting > 0
    store.down = False
    assert sink.flush(PATIENCE)
    kept = [(f.payload["worker"], f.payload["n"]) for f in reversed(store.inner.recent(SEGMENT, 1000))]
    assert len(kept) == len(set(kept)) == 400
    for worker in range(4):
        assert [n for w, n in kept if w == worker] == list(range(100))
    assert sink.stats().problem == ""
    until(lambda: store.probes >= 1)


def test_what_waits_at_the_end_is_stored_by_the_next_process(
    open_sink: Callable[..., AuditSink], store: FlakyStore
) -> None:
    store.down = True
    first = open_sink()
    for number in range(5):
        first.submit(packet(number))
    assert not first.close(0.05)
    store.down = False
    second = open_sink()
    second.submit(packet(5))
    assert second.flush(PATIENCE)
    assert numbers(store) == [0, 1, 2, 3, 4, 5]


def test_close_brings_everything_to_the_store(open_sink: Callable[..., AuditSink], store: FlakyStore) -> None:
    sink = open_sink()
    for number in range(50):
        sink.submit(packet(number))
    assert sink.close(PATIENCE)
    assert numbers(store) == list(range(50))
    assert not sink.submit(packet(99)), "a closed sink takes nothing, and says so"
    assert sink.stats().dropped == 1


def test_a_commit_that_was_never_acknowledged_is_not_doubled(
    open_sink: Callable[..., AuditSink], store: FlakyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = store.write_many
    turns = iter([True])

    def commit_then_fail(packets: Iterable[Packet]) -> Written:
        done = real(packets)
        for _ in turns:
            raise ConnectionResetError("after the commit")
        return done

    monkeypatch.setattr(store, "write_many", commit_then_fail)
    sink = open_sink(start=False)
    for number in range(10):
        sink.submit(packet(number))
    sink.start()
    assert sink.flush(PATIENCE)
    assert numbers(store) == list(range(10))
    assert (sink.stats().stored, sink.stats().known) == (0, 10)


def test_a_packet_that_the_store_refuses_holds_up_nobody(
    open_sink: Callable[..., AuditSink], store: FlakyStore, caplog: pytest.LogCaptureFixture
) -> None:
    good, bad, last = packet(1), packet(2), packet(3)
    store.refuses = {bad.packet_id}
    sink = open_sink()
    for each in (good, bad, last):
        sink.submit(each)
    assert sink.flush(PATIENCE)
    assert numbers(store) == [1, 3]
    assert sink.stats().refused == 1
    assert bad.packet_id in caplog.text


def test_a_full_queue_drops_the_newest_counts_them_and_marks_the_gap(
    open_sink: Callable[..., AuditSink], store: FlakyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors: list[tuple[str, str]] = []
    monkeypatch.setattr(recorders, "record_memory_write", lambda s, status, t: errors.append((s, status)))
    store.down = True
    sink = open_sink(max_bytes=5000)
    taken = [sink.submit(packet(number)) for number in range(40)]
    kept = sum(taken)
    assert 0 < kept < 40 and taken == [True] * kept + [False] * (40 - kept)
    assert errors == [(SEGMENT, "error")] * (40 - kept)
    assert sink.stats().dropped == 40 - kept
    store.down = False
    assert sink.flush(PATIENCE)
    until(lambda: bool(store.inner.search(SEGMENT, "audit_gap")))
    assert sink.submit(packet(100))
    assert sink.flush(PATIENCE)
    found = list(reversed(store.inner.recent(SEGMENT, 1000)))
    assert [f.packet_type for f in found] == ["audit"] * kept + ["audit_gap", "audit"]
    assert found[kept].payload == {"dropped": 40 - kept}
    assert numbers(store) == [*range(kept), 100]


def test_a_disk_that_refuses_is_a_drop_not_an_exception(
    open_sink: Callable[..., AuditSink], store: FlakyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = open_sink()

    def refuse(line: bytes) -> bool:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sink._journal, "append", refuse)
    assert not sink.submit(packet(1))
    assert not sink.submit(packet(2))
    monkeypatch.undo()
    assert sink.submit(packet(3))
    assert sink.flush(PATIENCE)
    types = [f.packet_type for f in reversed(store.inner.recent(SEGMENT))]
    assert types == ["audit_gap", "audit"]


def test_what_was_dropped_is_told_when_there_is_room_again_though_nothing_more_comes(
    open_sink: Callable[..., AuditSink], store: FlakyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(line: bytes) -> bool:
        raise OSError(28, "No space left on device")

    sink = open_sink()
    monkeypatch.setattr(sink._journal, "append", refuse)
    assert not sink.submit(packet(1))
    monkeypatch.undo()
    until(lambda: not sink.stats().missing)
    until(lambda: bool(store.inner.search(SEGMENT, "audit_gap")))


def test_any_bug_of_the_store_is_survived(open_sink: Callable[..., AuditSink], store: FlakyStore) -> None:
    real, turns = store.write_many, iter([1, 2])

    def broken(packets: Iterable[Packet]) -> Written:
        for _ in turns:
            raise TypeError("a bug")
        return real(packets)

    store.write_many = broken  # type: ignore[method-assign]
    sink = open_sink()
    sink.submit(packet(1))
    assert sink.flush(PATIENCE)
    assert numbers(store) == [1]


def test_damaged_lines_are_counted_and_the_rest_is_stored(
    open_sink: Callable[..., AuditSink], store: FlakyStore, tmp_path: Path
) -> None:
    first = open_sink(start=False)
    for number in range(3):
        first.submit(packet(number))
    first._journal.append(b"no packet")
    first.close(0)
    path = min((tmp_path / "audit").glob("*.journal"))
    content = path.read_bytes()
    spot = content.index(b'"n":1')
    path.write_bytes(content[:spot] + b"X" + content[spot + 1 :] + b"0000 torn by a cra")
    second = open_sink()
    assert second.flush(PATIENCE)
    assert numbers(store) == [0, 2]
    assert second.stats().damaged == 2


def test_a_failing_store_is_asked_less_and_less_often(
    open_sink: Callable[..., AuditSink], store: FlakyStore
) -> None:
    sink = open_sink(start=False)
    delays = [0.0]
    for _ in range(8):
        delays.append(sink._failed(OSError("down"), delays[-1]))
    assert delays[1:] == [0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0, 1.0]


def test_audits_that_come_during_a_commit_wait_for_others_too(
    open_sink: Callable[..., AuditSink], store: FlakyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stack.app.tools.audit.LINGER_S", 0.0)
    begun, go_on, batches = threading.Semaphore(0), threading.Event(), []
    write_many = store.write_many

    def slowly(packets: Iterable[Packet]) -> Written:
        batch = list(packets)
        batches.append(len(batch))
        begun.release()
        assert go_on.wait(PATIENCE)
        return write_many(batch)

    monkeypatch.setattr(store, "write_many", slowly)
    sink = open_sink()
    sink.submit(packet(0))
    assert begun.acquire(timeout=PATIENCE)
    monkeypatch.setattr("stack.app.tools.audit.LINGER_S", PATIENCE)
    sink.submit(packet(1))
    go_on.set()
    assert not begun.acquire(timeout=0.2), "it was in no hurry"
    sink.submit(packet(2))
    assert sink.flush(PATIENCE)
    assert batches == [1, 2]


def test_what_was_dropped_is_told_by_the_next_process(
    open_sink: Callable[..., AuditSink], store: FlakyStore
) -> None:
    first = open_sink(max_bytes=2000, start=False)
    while first.submit(packet(0)):
        pass
    for number in range(3):
        assert not first.submit(packet(number))
    assert first.stats().dropped == 4
    assert first.stats().missing
    first.close(0)  # as good as killed: nothing is stored, nothing is written at the end
    second = open_sink()
    assert second.submit(packet(9))
    assert second.flush(PATIENCE)
    gaps = store.inner.search(SEGMENT, "audit_gap")
    assert sum(gap.payload["dropped"] for gap in gaps) == 4
    assert store.inner.recent(SEGMENT, 2)[0].payload == {"n": 9, "worker": 0}
    second.close(PATIENCE)
    third = open_sink()
    assert third.stats().missing == 0
    assert third.flush(PATIENCE)
    assert store.inner.search(SEGMENT, "audit_gap") == gaps


def test_a_gap_whose_end_was_not_noted_is_told_of_once(tmp_path: Path, store: FlakyStore) -> None:
    journal = Journal(tmp_path / "audit")
    journal.note_missing(7, "0123456789abcdef")
    journal.close()
    for _ in range(2):
        sink = AuditSink(store, tmp_path / "audit")
        sink.start()
        assert sink.flush(PATIENCE)
        until(lambda: bool(store.inner.search(SEGMENT, "audit_gap")))
        sink.close(PATIENCE)
        journal = Journal(tmp_path / "audit")
        assert journal.missing[0] == 0
        journal.note_missing(7, "0123456789abcdef")
        journal.close()
    assert len(store.inner.search(SEGMENT, "audit_gap")) == 1
