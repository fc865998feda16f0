"""The time by which packets expire does not jump."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from stack.app.assembly import open_context
from stack.app.clock import CONFIRM_SECONDS, SteadyClock
from stack.app.memory.packet import new_packet
from stack.app.settings import AppSettings

ROOT = Path(__file__).parents[3]
DAY = 24 * 3600.0
NOW = 1_700_000_000.0


class Machine:
    """A wall clock that can be set, and a progress that cannot."""

    def __init__(self) -> None:
        self.passed = 1000.0
        self.offset = NOW - 1000.0

    def clock(self) -> SteadyClock:
        return SteadyClock(lambda: self.passed + self.offset, lambda: self.passed)


def test_time_goes_on_and_small_adjustments_are_followed() -> None:
    machine = Machine()
    clock = machine.clock()
    assert clock() == NOW
    machine.passed += 100
    machine.offset -= 30
    assert clock() == NOW + 70
    machine.offset += 60
    assert clock() == NOW + 130


@pytest.mark.parametrize("step", [2 * DAY, -2 * DAY, 3600.0])
def test_a_step_moves_it_only_when_it_has_lasted(step: float) -> None:
    machine = Machine()
    clock = machine.clock()
    machine.offset += step
    for _ in range(10):
        machine.passed += CONFIRM_SECONDS / 12
        before = clock()
    assert before == NOW + 10 * CONFIRM_SECONDS / 12
    machine.passed += CONFIRM_SECONDS / 4
    assert clock() == NOW + step + 13 * CONFIRM_SECONDS / 12


def test_a_step_that_was_taken_back_has_never_been() -> None:
    machine = Machine()
    clock = machine.clock()
    for _ in range(5):
        machine.offset += 2 * DAY
        machine.passed += CONFIRM_SECONDS / 2
        clock()
        machine.offset -= 2 * DAY
        machine.passed += CONFIRM_SECONDS / 2
        clock()
    assert clock() == NOW + 5 * CONFIRM_SECONDS


def test_a_clock_that_runs_ahead_expires_no_audit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = open_context(AppSettings(data=tmp_path))
    audit = new_packet("tool_audit", "tool_audit", {}, ttl=DAY)
    short = new_packet("tool_audit", "note", {}, ttl=0.001)
    context.store.write_many([audit, short])
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + 2 * DAY)
    context.substrate.round()
    assert [found.packet_id for found in context.store.recent("tool_audit")] == [audit.packet_id]
    context.close()


STEPPED = """
import sys, time
now, step = time.time, 0.0
time.time = lambda: now() + step  # before anything else knows the function
from pathlib import Path
from stack.app.alerts import AlertIn
from stack.app.assembly import open_context
from stack.app.settings import AppSettings
context = open_context(AppSettings(data=Path(sys.argv[1])))
step = float(sys.argv[2])
context.audit.start()
context.notices.start()
context.tools.dispatch("hash", {"data": "x"})
context.alerts.receive([AlertIn(status="firing", labels={"alertname": "a"})])
assert context.audit.flush(10) and context.notices.flush(10)
context.substrate.round()
for segment in ("tool_audit", "governance_meta"):
    print(*(packet.expires_at - now() for packet in context.store.recent(segment)))
context.close()
"""


@pytest.mark.parametrize("days", [-8, -2, 2, 8])
def test_what_is_written_after_a_step_expires_when_it_is_meant_to(tmp_path: Path, days: int) -> None:
    command = [sys.executable, "-c", STEPPED, str(tmp_path), str(days * DAY)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert [float(line) for line in done.stdout.split()] == pytest.approx([DAY, 7 * DAY], abs=60)
