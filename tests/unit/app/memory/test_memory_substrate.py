"""The housekeeper probes, expires and counts, and survives a store that is down."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from stack.app.memory.answers import Probe
from stack.app.memory.packet import new_packet
from stack.app.memory.substrate import Substrate
from tests.unit.app.memory.memory_doubles import FlakyStore


@pytest.fixture
def flaky(tmp_path: Path) -> FlakyStore:
    return FlakyStore(tmp_path / "p.db")


def test_a_round_probes_and_expires(flaky: FlakyStore) -> None:
    flaky.inner.write(new_packet("tool_audit", "old", {}, ttl=1, clock=lambda: 1000.0))
    kept = new_packet("tool_audit", "new", {}, ttl=1000)
    flaky.inner.write(kept)
    assert Substrate(flaky).round().healthy
    assert flaky.inner.expire() == 0, "the round has expired what was old"
    assert flaky.inner.recent("tool_audit") == [kept]


def test_a_round_with_the_store_down_says_so(flaky: FlakyStore) -> None:
    flaky.down = True
    probe = Substrate(flaky).round()
    assert (probe.healthy, probe.detail) == (False, "down")
    assert flaky.attempts == 1, "nothing else is asked of a store whose probe failed"


def test_a_store_that_fails_behind_its_probe_is_unhealthy(flaky: FlakyStore) -> None:
    flaky.down = True
    flaky.probe = lambda: Probe(True, 1.0)  # type: ignore[method-assign]
    assert Substrate(flaky).round() == Probe(False, 1.0, "down")


def test_it_runs_again_and_again_until_stopped_even_if_a_round_breaks(flaky: FlakyStore) -> None:
    third = threading.Event()

    def probe() -> Probe:
        flaky.probes += 1
        if flaky.probes == 1:
            raise RuntimeError("a driver's bug")
        if flaky.probes == 3:
            third.set()
        return Probe(True, 0.0)

    flaky.probe = probe  # type: ignore[method-assign]
    substrate = Substrate(flaky, interval=0.001)
    substrate.start()
    assert third.wait(10)
    substrate.stop()
    seen = flaky.probes
    assert substrate._thread is not None and not substrate._thread.is_alive()
    assert flaky.probes == seen
