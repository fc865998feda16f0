"""The audit sink: packets go to a queue on disk at once, and to the packet store when it can take them.

`submit` never waits for the store. One thread moves packets from the journal to the store, in order, and
acknowledges them only after the store's commit; a packet moved twice is stored once, because its id is known. So no
packet is lost or doubled when the store is down or the process is killed. A power cut loses at most what came in
the last moments: with the store up, the `LINGER_S` before a commit and the commit itself; with the store down, what
came since the last attempt, each of which syncs the journal (`RETRY_MAX_S` apart, and as long as one takes).

A full queue, or a disk that refuses, drops the newest packets, so that what is kept has no hole but at its end;
each is counted and recorded as a write error, and the first packet that fits again follows an `audit_gap` packet
that says how many are missing, in the next process if need be. Each kind of packet has a sink of its own, so that many
of one kind drop none of another. It must never raise to its caller, nor forget a drop.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from stack.app.clock import CLOCK
from stack.app.memory.packet import InvalidPacket, Packet, new_packet
from stack.app.memory.store import PacketStore
from stack.app.tools.journal import MAX_BYTES, Batch, Journal
from stack.telemetry import recorders

BATCH = 500
LINGER_S = 0.05
"""How long a packet that finds the queue empty waits for others: one commit then serves them all."""
RETRY_MIN_S = 0.05
RETRY_MAX_S = 1.0
GAP_SEGMENT = "tool_audit"
GAP_TTL_S = 24 * 3600.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AuditStats:
    """What happened to packets since this process began.

    `missing` were dropped, by whatever process, and no gap packet says so yet.
    `problem` is why the last attempt failed.
    """

    accepted: int = 0
    stored: int = 0
    known: int = 0
    dropped: int = 0
    refused: int = 0
    damaged: int = 0
    missing: int = 0
    bytes_waiting: int = 0
    problem: str = ""


class AuditSink:
    """Queues packets in `folder`, at most `max_bytes` of them, and stores them. Raises JournalError at once.

    Packets that an earlier process left in the folder come first. `segment` is where gaps are told of.
    """

    def __init__(
        self,
        store: PacketStore,
        folder: Path,
        *,
        max_bytes: int = MAX_BYTES,
        segment: str = GAP_SEGMENT,
        clock: Callable[[], float] = CLOCK,
    ) -> None:
        self._store = store
        self._journal = Journal(folder, max_bytes)
        self._segment = segment
        self._clock = clock
        self._counts: Counter[str] = Counter()
        self._problem = ""
        self._missing, self._gap = self._journal.missing
        self._submitting = threading.Lock()
        self._work = threading.Event()
        self._hurry = threading.Event()
        self._stop = threading.Event()
        self._moved = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="audit-sink", daemon=True)

    def start(self) -> None:
        """Begin to store, in the background."""
        self._thread.start()

    def submit(self, packet: Packet) -> bool:
        """Queue a packet; False if it had to be dropped. Never raises, never waits for the store."""
        line = packet.to_json().encode()
        with self._submitting:
            kept = self._close_gap() and self._append(line)
            self._counts["accepted" if kept else "dropped"] += 1
            if not kept:
                self._miss(self._missing + 1)
        if kept:
            self._work.set()
        else:
            recorders.record_memory_write(packet.segment, "error", 0.0)
        return kept

    def stats(self) -> AuditStats:
        """Counts since this process began, and the bytes that wait now."""
        with self._submitting:
            counts, missing = dict(self._counts), self._missing
        return AuditStats(
            **counts, missing=missing, bytes_waiting=self._journal.bytes_waiting, problem=self._problem
        )

    def flush(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds until everything submitted so far is stored; whether it is."""
        end = self._journal.end
        self._hurry.set()
        self._work.set()
        with self._moved:
            return self._moved.wait_for(lambda: self._journal.acknowledged >= end, timeout)

    def close(self, timeout: float = 5.0) -> bool:
        """Flush, end the thread, sync and leave the folder; what could not be stored waits for the next start."""
        flushed = self.flush(timeout) if self._thread.is_alive() else False
        self._stop.set()
        self._hurry.set()
        self._work.set()
        if self._thread.is_alive():
            self._thread.join(timeout)
        try:
            self._journal.sync()
        except OSError as error:
            _log.error("audit queue: cannot sync: %s", error)
        self._journal.close()
        return flushed

    def _append(self, line: bytes) -> bool:
        try:
            kept = self._journal.append(line)
            problem = "the queue is full: the store has been down for long"
        except OSError as error:
            kept, problem = False, str(error)
        if not kept and not self._missing:
            _log.error("audit dropped: %s", problem)
        return kept

    def _close_gap(self) -> bool:
        """Whether nothing is missing before the next packet, or a packet that says so is in its place."""
        if self._missing:
            gap = new_packet(
                self._segment,
                "audit_gap",
                {"dropped": self._missing},
                ttl=GAP_TTL_S,
                packet_id=f"gap-{self._gap}",  # the same after a crash that leaves the count but not the reset
                clock=self._clock,
            )
            if not self._append(gap.to_json().encode()):
                return False
            self._miss(0)
        return True

    def _miss(self, count: int) -> None:
        """Remember on disk how many are missing: a process that is killed must not forget them."""
        if not self._missing:
            self._gap = token_hex(8)
        self._missing = count
        try:
            self._journal.note_missing(count, self._gap)
        except OSError as error:
            _log.error("audit queue: cannot note what is missing: %s", error)

    def _run(self) -> None:
        delay = 0.0
        while not (self._stop.wait(delay) and delay):
            self._work.clear()
            with self._submitting:
                self._close_gap()
            try:
                moved = self._move()
                if delay:
                    delay = 0.0
                    self._store.probe()
            except Exception as error:
                delay = self._failed(error, delay)
                continue
            if not moved:
                if self._stop.is_set():
                    return
                self._hurry.clear()
                self._work.wait(RETRY_MAX_S)
            if moved < BATCH:
                self._hurry.wait(LINGER_S)

    def _failed(self, error: Exception, delay: float) -> float:
        """Note the failure, make the queue safe, and say how many seconds to wait before the next attempt."""
        if not delay:
            _log.warning("audits wait: %s", error)
        self._problem = str(error)
        try:
            self._journal.sync()
        except OSError as problem:
            _log.error("audit queue: cannot sync: %s", problem)
        return min(max(delay * 2, RETRY_MIN_S), RETRY_MAX_S)

    def _move(self) -> int:
        """Store one batch and acknowledge it; how many lines it had."""
        batch = self._journal.read(BATCH)
        lines = len(batch.lines) + batch.damaged
        if not lines:
            return 0
        packets = _packets(batch)
        written = self._store.write_many(packets)
        self._journal.acknowledge(batch.end)
        self._problem = ""
        for packet_id, reason in written.refused:
            _log.error("audit %s refused: %s", packet_id, reason)
        damaged = batch.damaged + len(batch.lines) - len(packets)
        if damaged:
            _log.error("audit queue: %d damaged lines left out", damaged)
        with self._submitting:
            self._counts.update(
                stored=written.stored, known=written.known, refused=len(written.refused), damaged=damaged
            )
        with self._moved:
            self._moved.notify_all()
        return lines


def _packets(batch: Batch) -> list[Packet]:
    packets = []
    for line in batch.lines:
        with suppress(InvalidPacket):
            packets.append(Packet.from_json(line))
    return packets
