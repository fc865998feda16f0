"""A process killed with SIGKILL at any moment: every call that returned is audited once, in order."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from stack.app.memory.opening import open_store
from stack.app.tools.audit import AuditSink

ROOT = Path(__file__).resolve().parents[4]
PATIENCE = 60.0


def run_until_killed(folder: Path, ending: str, store: str, lines: int) -> list[list[str]]:
    """The calls that the process reported before it died: worker, number, call id."""
    command = [sys.executable, "-m", "tests.unit.app.tools.audit_worker", str(folder), ending, store]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        reported = [line for line, _ in zip(process.stdout, range(lines), strict=False)]
        process.kill()
        reported += process.stdout.readlines()
    return [line.decode().split() for line in reported if line.endswith(b"\n")]


@pytest.mark.parametrize(
    ("ending", "store", "lines"),
    [
        ("killed", "steady", 1),
        ("killed", "steady", 700),
        ("killed", "flaky", 900),
        ("killed", "flaky", 1501),
        ("between commit and acknowledgement", "steady", 10**9),
    ],
)
def test_every_call_that_returned_is_audited_once_and_in_order(
    tmp_path: Path, ending: str, store: str, lines: int
) -> None:
    calls = run_until_killed(tmp_path, ending, store, lines)
    packets = open_store(tmp_path / "p.db")
    before = packets.sizes()["tool_audit"]
    sink = AuditSink(packets, tmp_path / "audit")
    sink.start()
    assert sink.flush(PATIENCE)
    stats = sink.stats()
    sink.close()
    rows = packets._database.rows("SELECT packet_id, payload FROM packets ORDER BY seq", ())
    stored = [packet_id for packet_id, _ in rows]
    assert len(stored) == len(set(stored)) == before + stats.stored
    assert stats.damaged == 0
    missing = {call_id for _, _, call_id in calls} - set(stored)
    assert not missing, f"{len(missing)} of {len(calls)} lost"
    if ending != "killed":
        assert stats.known == before > 0, "what was committed came again and was recognised"
    place = {packet_id: n for n, packet_id in enumerate(stored)}
    for worker in {call[0] for call in calls}:
        places = [place[call_id] for who, _, call_id in calls if who == worker]
        assert places == sorted(places)
