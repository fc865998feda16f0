"""What a gate's meter counts: nothing lost, a true window, buckets and exemplars."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread

import pytest

from stack.telemetry.meter import BOUNDS_MS, SETTLE_AFTER, UNDECIDED, GateMeter
from stack.telemetry.request import REQUEST_ID, request_scope


def recorded(*calls: tuple[float, float, str | None]) -> GateMeter:
    meter = GateMeter("url_gate")
    for ended, duration_ms, error_code in calls:
        record(meter, ended, duration_ms, error_code)
    return meter


def record(meter: GateMeter, ended: float, duration_ms: float, error_code: str | None) -> None:
    """What the decorator does, with a chosen clock."""
    meter.record(ended - duration_ms / 1000, ended, error_code, REQUEST_ID.get())


def test_a_fresh_gate_is_all_zero_and_passes() -> None:
    snapshot = GateMeter("storage_gate").snapshot()
    assert (snapshot.accepted, snapshot.rejected, snapshot.sum_ms, snapshot.latest_ms) == (0, 0, 0.0, 0.0)
    assert snapshot.errors == {"E_STORAGE_PUT": 0, "E_STORAGE_MOVE": 0, "E_STORAGE_MARKER": 0}
    assert snapshot.pass_rate_percent == 100.0


def test_each_outcome_is_counted_once() -> None:
    meter = recorded((1, 0.3, None), (2, 0.3, "E_SCHEME"), (3, 7.0, None), (4, 1.5, "E_DNS_FAIL"))
    snapshot = meter.snapshot(now=5)
    assert snapshot.accepted == 2
    assert {code: n for code, n in snapshot.errors.items() if n} == {"E_SCHEME": 1, "E_DNS_FAIL": 1}
    assert snapshot.rejected == 2
    assert snapshot.sum_ms == pytest.approx(9.1)
    assert snapshot.latest_ms == pytest.approx(1.5)
    assert snapshot.pass_rate_percent == 50.0


@pytest.mark.parametrize(("index", "bound"), list(enumerate(BOUNDS_MS)))
def test_a_bound_belongs_to_its_own_bucket(index: int, bound: float) -> None:
    # From 0, so that the duration is the bound to the last bit.
    meter = GateMeter("url_gate")
    meter.record(0.0, bound / 1000)
    buckets = meter.snapshot().buckets
    assert [i for i, n in enumerate(buckets) if n] == [index]


def test_beyond_the_last_bound_is_the_overflow() -> None:
    assert recorded((1, 50.1, None)).snapshot().buckets[-1] == 1


def test_a_call_without_a_decision_counts_its_duration_only() -> None:
    snapshot = recorded((1, 3.0, None), (2, 4.0, UNDECIDED)).snapshot(now=2)
    assert (snapshot.accepted, snapshot.rejected) == (1, 0)
    assert sum(snapshot.buckets) == 2
    assert snapshot.latest_ms == pytest.approx(4.0)
    assert snapshot.pass_rate_percent == 100.0


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
    ],
    ids=["old ones leave", "1000 are kept", "the 1001st leaves", "within 5 minutes", "one too old", "all too old",
         "last a rejection", "undecided take no place"],
)  # fmt: skip
def test_the_pass_rate_is_over_a_true_window(
    calls: list[tuple[float, float, str | None]], now: float, percent: float
) -> None:
    assert recorded(*calls).snapshot(now=now).pass_rate_percent == pytest.approx(percent)


def test_no_count_is_lost_under_twenty_threads_and_a_reader() -> None:
    meter = GateMeter("url_gate")
    each, done, seen = 5_000, Event(), []

    def work(_: int) -> None:
        for turn in range(each):
            record(meter, 1.0, 0.2, "E_SCHEME" if turn % 5 == 0 else None)

    def read() -> None:
        while not done.is_set():
            snapshot = meter.snapshot(now=1.0)
            seen.append((snapshot.accepted, snapshot.rejected, sum(snapshot.buckets)))

    reader = Thread(target=read)
    reader.start()
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(work, range(20)))
    done.set()
    reader.join()
    final = meter.snapshot(now=1.0)
    assert (final.accepted, final.rejected) == (20 * each * 4 // 5, 20 * each // 5)
    assert sum(final.buckets) == 20 * each
    assert final.sum_ms == pytest.approx(20 * each * 0.2)
    assert seen == sorted(seen), "a counter went down"
    assert all(accepted + rejected == total for accepted, rejected, total in seen)


def test_the_queue_stays_short_though_nobody_reads() -> None:
    step = SETTLE_AFTER / 100
    meter = recorded(*[(1.0 + turn * step, 0.2, None) for turn in range(10_000)])
    assert len(meter.pending) <= 101


def test_decisions_while_another_thread_settles_wait_for_the_next_turn() -> None:
    meter = recorded((1.0, 0.2, None))
    with meter._settling:
        record(meter, 2.0, 0.2, "E_SCHEME")
        record(meter, 3.0, 0.2, None)
    snapshot = meter.snapshot(now=3.0)
    assert (snapshot.accepted, snapshot.rejected) == (2, 1)
    assert snapshot.latest_ms == pytest.approx(0.2)


def test_a_rejection_that_took_no_time_is_still_one() -> None:
    snapshot = recorded((1.0, 0.0, "E_SCHEME"), (1.0, 0.0, None)).snapshot(now=1.0)
    assert (snapshot.accepted, snapshot.rejected, snapshot.buckets[0]) == (1, 1, 2)


def test_the_latest_request_of_a_bucket_is_its_exemplar() -> None:
    meter = GateMeter("url_gate")
    for request_id, error_code in (("a", None), ("b", "E_SCHEME"), ("", None)):
        with request_scope(request_id):
            record(meter, 1.0, 0.2, error_code)
    snapshot = meter.snapshot()
    kept = snapshot.bucket_exemplars[1]
    assert (len(snapshot.bucket_exemplars), kept[1:]) == (1, (1.0, "E_SCHEME", "b"))
    assert snapshot.error_exemplars == {"E_SCHEME": kept}
