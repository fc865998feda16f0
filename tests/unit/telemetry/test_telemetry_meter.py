"""What a gate's meter counts: nothing lost, a true window, buckets and exemplars."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread

import pytest
from prometheus_client.core import Metric

from stack.telemetry.failures import FailureLog
from stack.telemetry.meter import BOUNDS_MS, SETTLE_AFTER, UNDECIDED, GateMeter
from stack.telemetry.request import request_scope
from stack.telemetry.series import Series

Call = tuple[float, float, str | None]
LIMITS = [*(str(float(bound)) for bound in BOUNDS_MS), "+Inf"]


class Gate:
    """One gate of series of its own, with a chosen clock."""

    def __init__(self, *calls: Call, name: str = "url_gate") -> None:
        self._series = Series(FailureLog())
        self.meter: GateMeter = self._series.meter(name)
        for call in calls:
            self.record(*call)

    def record(self, ended: float, duration_ms: float, error_code: str | None = None) -> None:
        self.meter.record(duration_ms / 1000, ended, error_code)

    def families(self) -> dict[str, Metric]:
        return {family.name: family for family in self._series.registry.collect()}

    def values(self) -> dict[str, float]:
        """The gate's samples, each under its name and what tells it from its neighbours."""
        own = [
            s for f in self.families().values() for s in f.samples if s.labels.get("gate") == self.meter.gate
        ]
        return {" ".join([s.name, *(v for k, v in s.labels.items() if k != "gate")]): s.value for s in own}

    def buckets(self) -> list[float]:
        values = self.values()
        below = [values[f"gate_execution_ms_bucket {limit}"] for limit in LIMITS]
        return [after - before for before, after in zip([0.0, *below], below, strict=False)]


def test_a_fresh_gate_is_all_zero_and_passes() -> None:
    values = Gate(name="storage_gate").values()
    assert values.pop("gate_pass_rate_percent") == 100.0
    assert set(values.values()) == {0.0}
    errors = [name for name in values if name.startswith("gate_errors_total")]
    assert sorted(errors) == [f"gate_errors_total E_STORAGE_{step}" for step in ("MARKER", "MOVE", "PUT")]


def test_each_outcome_is_counted_once() -> None:
    gate = Gate((1, 0.3, None), (2, 0.3, "E_SCHEME"), (3, 7.0, None), (4, 1.5, "E_DNS_FAIL"))
    gate.meter.settle(now=5)
    values = gate.values()
    assert (values["gate_invocations_total ok"], values["gate_invocations_total reject"]) == (2, 2)
    errors = {name: n for name, n in values.items() if name.startswith("gate_errors_total") and n}
    assert errors == {"gate_errors_total E_SCHEME": 1, "gate_errors_total E_DNS_FAIL": 1}
    assert values["gate_execution_ms_sum"] == pytest.approx(9.1)
    assert values["gate_current_latency_ms"] == pytest.approx(1.5)
    assert (gate.meter.accepted, gate.meter.rejected) == (2, 2)
    assert gate.meter.latest_ms == pytest.approx(1.5)


@pytest.mark.parametrize(("index", "bound"), list(enumerate(BOUNDS_MS)))
@pytest.mark.parametrize("error_code", [None, "E_SCHEME"])
def test_a_bound_belongs_to_its_own_bucket(index: int, bound: float, error_code: str | None) -> None:
    gate = Gate((1.0, bound, error_code))
    assert [i for i, n in enumerate(gate.buckets()) if n] == [index]


def test_beyond_the_last_bound_is_the_overflow() -> None:
    assert Gate((1, 50.1, None)).buckets()[-1] == 1


def test_durations_of_all_sorts_fall_into_their_buckets() -> None:
    calls: list[Call] = [
        (1.0, ms, "E_SCHEME" if n % 3 else None) for n, ms in enumerate(1.3 * b for b in (0, *BOUNDS_MS))
    ]
    gate = Gate(*calls)
    assert gate.buckets() == [1.0] * 8
    assert gate.values()["gate_execution_ms_sum"] == pytest.approx(sum(ms for _, ms, _ in calls))


def test_a_call_without_a_decision_counts_its_duration_only() -> None:
    gate = Gate((1, 3.0, None), (2, 4.0, UNDECIDED))
    gate.meter.settle(now=2)
    assert (gate.meter.accepted, gate.meter.rejected, gate.meter.pass_rate_percent) == (1, 0, 100.0)
    assert sum(gate.buckets()) == 2


@pytest.mark.parametrize(
    ("calls", "now", "percent"),
    [
        ([(t, 1.0, "E_SCHEME") for t in range(1000)] + [(1000, 1.0, None)] * 1000, 1001, 100.0),
        ([(0, 1.0, "E_SCHEME")] + [(1, 1.0, None)] * 999, 2, 99.9),
        ([(0, 1.0, "E_SCHEME")] + [(1, 1.0, None)] * 1000, 2, 100.0),
        ([(0, 1.0, "E_SCHEME"), (200, 1.0, None)], 300, 50.0),
        ([(0, 1.0, "E_SCHEME"), (200, 1.0, None)], 301, 100.0),
        ([(0, 1.0, "E_SCHEME")], 301, 100.0),
        ([(0, 1.0, "E_SCHEME")], 299, 0.0),
        ([(1, 1.0, None)] + [(1, 1.0, UNDECIDED)] * 1000 + [(1, 1.0, "E_SCHEME")], 2, 50.0),
        ([(1, 1.0, None)] * 1500 + [(1, 1.0, "E_SCHEME")] * 600 + [(2, 1.0, None)] * 100, 3, 40.0),
    ],
    ids=["old ones leave", "1000 are kept", "the 1001st leaves", "within 5 minutes", "one too old", "all too old",
         "last a rejection", "undecided take no place", "a batch is cut"],
)  # fmt: skip
def test_the_pass_rate_is_over_a_true_window(calls: list[Call], now: float, percent: float) -> None:
    gate = Gate(*calls)
    gate.meter.settle(now=now)
    assert gate.meter.pass_rate_percent == pytest.approx(percent)


def test_no_count_is_lost_under_twenty_threads_and_a_reader() -> None:
    gate, each, done = Gate(), 5_000, Event()
    seen: list[tuple[float, float, float]] = []

    def work(_: int) -> None:
        for turn in range(each):
            gate.record(1.0 + turn / 1e5, 0.2, "E_SCHEME" if turn % 5 == 0 else None)

    def read() -> None:
        while not done.is_set():
            values = gate.values()
            seen.append(
                (
                    values["gate_invocations_total ok"],
                    values["gate_invocations_total reject"],
                    values["gate_execution_ms_count"],
                )
            )

    reader = Thread(target=read)
    reader.start()
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(work, range(20)))
    done.set()
    reader.join()
    values = gate.values()
    assert values["gate_invocations_total ok"] == 20 * each * 4 // 5
    assert values["gate_invocations_total reject"] == values["gate_errors_total E_SCHEME"] == 20 * each // 5
    assert sum(gate.buckets()) == values["gate_execution_ms_count"] == 20 * each
    assert values["gate_execution_ms_sum"] == pytest.approx(20 * each * 0.2)
    for column in zip(*seen, strict=True):
        assert list(column) == sorted(column), "a counter went down"


def test_the_queue_stays_short_though_nobody_reads() -> None:
    step = SETTLE_AFTER / 100
    gate = Gate(*[(1.0 + turn * step, 0.2, None) for turn in range(10_000)])
    assert len(gate.meter.pending) <= 101


def test_decisions_while_another_thread_settles_wait_for_the_next_turn() -> None:
    gate = Gate((1.0, 0.2, None))
    with gate.meter._settling:
        gate.record(2.0, 0.2, "E_SCHEME")
        gate.record(3.0, 0.2, None)
    gate.meter.settle(now=3.0)
    assert (gate.meter.accepted, gate.meter.rejected) == (2, 1)


def test_a_rejection_that_took_no_time_is_still_one() -> None:
    gate = Gate((1.0, 0.0, "E_SCHEME"), (1.0, 0.0, None))
    assert gate.buckets()[0] == 2
    assert (gate.meter.accepted, gate.meter.rejected) == (1, 1)


def test_the_latest_request_of_a_bucket_is_its_exemplar() -> None:
    gate = Gate()
    for request_id, error_code in (("a", None), ("b", "E_SCHEME"), ("", None)):
        with request_scope(request_id):
            gate.record(1.0, 0.2, error_code)
    found = {
        (s.name, s.labels.get("le")): (s.exemplar.labels, s.exemplar.value)
        for family in gate.families().values()
        for s in family.samples
        if s.exemplar
    }
    assert found == {
        ("gate_execution_ms_bucket", "0.5"): ({"request_id": "b"}, pytest.approx(0.2)),
        ("gate_errors_total", None): ({"request_id": "b"}, 1),
    }
