"""What the audit costs a tool call: with it against without it, and with the packet store down, in one run.

    python -m benchmarks.audit_overhead [--seconds S] [--rate R]

First flat out on 4 threads (calls per second; the audit's thread then competes for the same interpreter), then at
a steady rate (default 200 calls a second; median and 99th percentile of one call). Each phase takes `--seconds`
(default 3). Ends with the proof that no audit was lost, doubled or out of its place while the store was down. No
network.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from pathlib import Path

from stack.app.gates.policy import ToolsPolicy
from stack.app.memory.answers import StoreUnavailable, Written
from stack.app.memory.packet import Packet
from stack.app.memory.sqlite import SqliteDialect
from stack.app.memory.store import PacketStore
from stack.app.tools.audit import AuditSink
from stack.app.tools.builtin import HASH
from stack.app.tools.registry import ToolRegistry

THREADS = 4
ARGUMENTS = {"data": "some text " * 20}


class SwitchedStore(PacketStore):
    """A store with a switch."""

    down = False

    def write_many(self, packets: Iterable[Packet]) -> Written:
        """Fail while down."""
        if self.down:
            raise StoreUnavailable("switched off")
        return super().write_many(packets)


def flat_out(tools: ToolRegistry, seconds: float) -> float:
    """Calls per second of all threads together."""
    counts = [0] * THREADS
    end = time.perf_counter() + seconds

    def work(slot: int) -> None:
        while time.perf_counter() < end:
            tools.dispatch("hash", ARGUMENTS, "bench", "flat-out")
            counts[slot] += 1

    threads = [threading.Thread(target=work, args=(slot,)) for slot in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / seconds


def steady(tools: ToolRegistry, seconds: float, rate: float, calls: list[str]) -> tuple[float, float]:
    """Median and 99th percentile of one call, in microseconds, at a steady rate; adds the calls' ids to `calls`."""
    taken = []
    for turn in range(int(seconds * rate)):
        if turn == 0:
            due = time.perf_counter()
        due += 1 / rate
        time.sleep(max(due - time.perf_counter(), 0))
        started = time.perf_counter()
        done = tools.dispatch("hash", ARGUMENTS, "bench", "steady")
        taken.append((time.perf_counter() - started) * 1e6)
        calls.append(done.call_id)
    cuts = statistics.quantiles(taken, n=100)
    return cuts[49], cuts[98]


def stored(store: PacketStore) -> list[str]:
    """The ids of all audits in the order in which the store took them."""
    return [str(row[0]) for row in store._database.rows("SELECT packet_id FROM packets ORDER BY seq", ())]


def main() -> int:
    """Run the phases and print them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.audit_overhead")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each phase")
    parser.add_argument("--rate", type=float, default=200.0, help="calls a second in the steady phases")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = SwitchedStore(SqliteDialect(Path(folder) / "packets.db"))
        sink = AuditSink(store, Path(folder) / "audit")
        sink.start()
        off = ToolRegistry((HASH,), ToolsPolicy(), None)
        on = ToolRegistry((HASH,), ToolsPolicy(), sink)
        flat_out(on, 0.5)
        without, with_audit = flat_out(off, given.seconds), flat_out(on, given.seconds)
        print(f"flat out   off {without:8.0f}/s   on {with_audit:8.0f}/s   on/off {with_audit / without:.2f}")
        sink.flush(120)
        reference = steady(off, given.seconds, given.rate, [])
        calls: list[str] = []
        for name, down in (("audit on", False), ("store down", True)):
            store.down = down
            median, tail = steady(on, given.seconds, given.rate, calls)
            print(
                f"{name:10} p50 {median:5.0f} us ({median / reference[0]:.2f} x off)   "
                f"p99 {tail:6.0f} us ({tail / reference[1]:.2f} x off)"
            )
        waiting = sink.stats().bytes_waiting
        store.down = False
        complete = sink.flush(120)
        stats, held = sink.stats(), stored(store)
        in_order = held[-len(calls) :] == calls
        lost, doubled = stats.accepted - len(set(held)), len(held) - len(set(held))
        print(
            f"audits     {stats.accepted} accepted, {len(held)} stored, {lost} lost, {doubled} doubled, "
            f"{stats.dropped} dropped, {waiting} bytes waited, in order: {in_order}"
        )
        sink.close()
    return 0 if complete and in_order and not (lost or doubled or stats.dropped) else 1


if __name__ == "__main__":
    sys.exit(main())
