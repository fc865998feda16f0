"""What a recording adds to the registry, and that callers can neither grow it nor be hurt by it."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product

import pytest

from stack.telemetry import recorders
from stack.telemetry.catalogue import ERROR_CODES, METRICS
from stack.telemetry.failures import FailureLog
from stack.telemetry.recorders import MAX_ROUTES, MAX_TOOLS
from stack.telemetry.request import request_scope
from stack.telemetry.series import Series

# The specification's own words, spelled out so that a slip in the catalogue is seen here.
BUCKETS = {
    "gate_execution_ms": "0.1 0.5 1.0 2.5 5.0 10.0 50.0 +Inf",
    "l9_tool_invocation_duration_ms": (
        "1.0 5.0 10.0 25.0 50.0 100.0 250.0 500.0 1000.0 2500.0 5000.0 10000.0 +Inf"
    ),
    "l9_memory_write_duration_seconds": "0.005 0.01 0.025 0.05 0.1 0.25 0.5 1.0 2.5 5.0 10.0 +Inf",
    "l9_memory_search_hits": "0.0 1.0 2.0 5.0 10.0 20.0 50.0 100.0 +Inf",
}
LABELS = {
    "gate_invocations_total": ["gate", "outcome"],
    "gate_execution_ms": ["gate"],
    "gate_current_latency_ms": ["gate"],
    "gate_errors_total": ["gate", "error_code"],
    "gate_pass_rate_percent": ["gate"],
    "l9_tool_invocation_total": ["tool_id", "status"],
    "l9_tool_invocation_duration_ms": ["tool_id"],
    "l9_memory_write_total": ["segment", "status"],
    "l9_memory_write_duration_seconds": ["segment"],
    "l9_memory_search_total": ["segment", "search_type"],
    "l9_memory_search_hits": ["segment"],
    "l9_memory_substrate_healthy": [],
    "l9_packet_store_size": ["segment"],
}


class Fresh:
    """Series of their own, installed as the process's, and a look at what they hold."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.failures = FailureLog()
        self.registry = (series := Series(self.failures)).registry
        monkeypatch.setattr(recorders, "_series", series)
        monkeypatch.setattr(recorders, "FAILURES", self.failures)

    def value(self, sample: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(sample, labels)

    def samples(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in self.registry.collect()
            for sample in family.samples
            if not sample.name.startswith(("process_", "python_", "telemetry_"))
        }


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Fresh:
    return Fresh(monkeypatch)


def test_every_series_of_the_catalogue_is_there_before_the_first_event(fresh: Fresh) -> None:
    samples = fresh.samples()
    for metric in METRICS:
        if not all(label in metric.values for label in metric.labels):
            continue
        suffix = "_count" if metric.kind == "histogram" else ""
        for values in product(*(metric.values[label] for label in metric.labels)):
            labels = dict(zip(metric.labels, values, strict=True))
            if metric.name == "gate_errors_total" and labels["error_code"] not in ERROR_CODES[labels["gate"]]:
                assert (metric.name, frozenset(labels.items())) not in samples
                continue
            expected = 100.0 if metric.name == "gate_pass_rate_percent" else 0.0
            assert fresh.value(metric.name + suffix, **labels) == expected, (metric.name, labels)
    assert sum(name == "gate_errors_total" for name, _ in samples) == 26


@pytest.mark.parametrize(("name", "labels"), LABELS.items())
def test_labels_are_as_specified(fresh: Fresh, name: str, labels: list[str]) -> None:
    sample = f"{name}_sum" if name in BUCKETS else name
    found = {tuple(sorted(k for k, _ in key)) for n, key in fresh.samples() if n == sample}
    assert found == {tuple(sorted(labels))}


@pytest.mark.parametrize(("name", "bounds"), BUCKETS.items())
def test_buckets_are_as_specified(fresh: Fresh, name: str, bounds: str) -> None:
    found = {dict(key)["le"] for n, key in fresh.samples() if n == f"{name}_bucket"}
    assert found == set(bounds.split())


def test_there_is_build_info_and_runtime_metrics_and_no_creation_times(fresh: Fresh) -> None:
    names = {sample.name for family in fresh.registry.collect() for sample in family.samples}
    assert {
        "app_build_info",
        "process_cpu_seconds_total",
        "python_info",
        "python_gc_collections_total",
    } <= names
    assert not [name for name in names if name.endswith("_created")]


RECORDINGS: list[tuple[Callable[[], None], str, dict[str, str], float]] = [
    (lambda: recorders.record_tool_invocation("hash", "success", 7), "l9_tool_invocation_total",
     {"tool_id": "hash", "status": "success"}, 1),
    (lambda: recorders.record_tool_invocation("hash", "timeout", 7), "l9_tool_invocation_duration_ms_sum",
     {"tool_id": "hash"}, 7),
    (lambda: recorders.record_tool_invocation("rm -rf", "denied", 1), "l9_tool_invocation_total",
     {"tool_id": "unknown", "status": "denied"}, 1),
    (lambda: recorders.record_memory_write("tool_audit", "partial", 0.5), "l9_memory_write_total",
     {"segment": "tool_audit", "status": "partial"}, 1),
    (lambda: recorders.record_memory_write("tool_audit", "ok", 0.5), "l9_memory_write_duration_seconds_sum",
     {"segment": "tool_audit"}, 0.5),
    (lambda: recorders.record_memory_search("project_history", "recent", 3), "l9_memory_search_total",
     {"segment": "project_history", "search_type": "recent"}, 1),
    (lambda: recorders.record_memory_search("project_history", "keyword", 3), "l9_memory_search_hits_sum",
     {"segment": "project_history"}, 3),
    (lambda: recorders.set_memory_substrate_health(True), "l9_memory_substrate_healthy", {}, 1),
    (lambda: recorders.set_packet_store_size("tool_audit", 12), "l9_packet_store_size",
     {"segment": "tool_audit"}, 12),
    (lambda: recorders.record_alert_notification("firing"), "alert_notifications_received_total",
     {"status": "firing"}, 1),
    (lambda: recorders.record_watchdog(1700000000.5), "alert_watchdog_last_seen_timestamp_seconds", {},
     1700000000.5),
    (lambda: recorders.observe_http("GET", "/tools", 200, 0.25), "http_requests_total",
     {"method": "GET", "route": "/tools", "status": "200"}, 1),
    (lambda: recorders.observe_http("BREW", "/tools", 405, 0.25), "http_request_duration_seconds_sum",
     {"method": "other", "route": "/tools"}, 0.25),
]  # fmt: skip


@pytest.mark.parametrize(("record", "sample", "labels", "value"), RECORDINGS)
def test_a_recording_moves_its_series(
    fresh: Fresh, record: Callable[[], None], sample: str, labels: dict[str, str], value: float
) -> None:
    record()
    assert fresh.value(sample, **labels) == value
    assert fresh.failures.total == 0


def test_health_goes_down_again(fresh: Fresh) -> None:
    recorders.set_memory_substrate_health(True)
    recorders.set_memory_substrate_health(False)
    assert fresh.value("l9_memory_substrate_healthy") == 0


BAD: list[Callable[[], None]] = [
    lambda: recorders.record_tool_invocation("hash", "exploded", 1),
    lambda: recorders.record_tool_invocation("hash", "success", math.nan),
    lambda: recorders.record_tool_invocation("hash", "success", -1),
    lambda: recorders.record_tool_invocation("hash", "success", "soon"),  # type: ignore[arg-type]
    lambda: recorders.record_tool_invocation(["hash"], "success", 1),  # type: ignore[arg-type]
    lambda: recorders.record_memory_write("x' OR 1=1", "ok", 1),
    lambda: recorders.record_memory_write("tool_audit", "ok", math.inf),
    lambda: recorders.record_memory_search("tool_audit", "fuzzy", 1),
    lambda: recorders.record_memory_search("tool_audit", "recent", -1),
    lambda: recorders.set_packet_store_size("nowhere", 1),
    lambda: recorders.record_alert_notification("pending"),
    lambda: recorders.record_watchdog(math.nan),
    lambda: recorders.observe_http("GET", "/tools", 99, 1),
    lambda: recorders.observe_http("GET", "/tools", 200, math.nan),
]


@pytest.mark.parametrize("record", BAD)
def test_what_cannot_be_recorded_is_counted_and_moves_nothing(
    fresh: Fresh, record: Callable[[], None]
) -> None:
    before = fresh.samples()
    record()
    assert fresh.samples() == before
    assert fresh.value("telemetry_record_failures_total") == 1


def test_callers_cannot_grow_the_label_sets(fresh: Fresh) -> None:
    before = len(fresh.samples())
    for turn in range(500):
        recorders.record_tool_invocation(f"tool{turn}", "denied", 1)
        recorders.record_memory_write(f"segment{turn}", "ok", 1)
    assert len(fresh.samples()) == before
    assert fresh.value("l9_tool_invocation_total", tool_id="unknown", status="denied") == 500


def test_routes_are_bounded_and_known_ones_go_on(fresh: Fresh) -> None:
    for turn in range(MAX_ROUTES + 50):
        recorders.observe_http("GET", f"/route/{turn}", 200, 0.1)
    recorders.observe_http("GET", "/route/0", 404, 0.1)
    assert (
        len({dict(key)["route"] for name, key in fresh.samples() if name == "http_requests_total"})
        == MAX_ROUTES
    )
    assert fresh.failures.total == 50
    assert fresh.value("http_requests_total", method="GET", route="/route/0", status="404") == 1


def test_a_registered_tool_has_its_series_at_zero(fresh: Fresh) -> None:
    recorders.register_tool("translate")
    recorders.register_tool("translate")
    assert fresh.value("l9_tool_invocation_total", tool_id="translate", status="timeout") == 0
    recorders.record_tool_invocation("translate", "timeout", 3)
    assert fresh.value("l9_tool_invocation_total", tool_id="translate", status="timeout") == 1
    assert fresh.failures.total == 0


def test_the_number_of_tools_is_bounded(fresh: Fresh) -> None:
    for turn in range(MAX_TOOLS):
        recorders.register_tool(f"tool{turn}")
    assert len(
        {dict(key)["tool_id"] for name, key in fresh.samples() if name == "l9_tool_invocation_total"}
    ) == (MAX_TOOLS)
    assert fresh.failures.total == 6


def test_starting_twice_keeps_the_registry() -> None:
    assert recorders.init_metrics()
    first = recorders.registry()
    assert recorders.init_metrics()
    assert recorders.registry() is first


def test_an_unusable_request_id_makes_no_exemplar(fresh: Fresh) -> None:
    for request_id in ("x" * 200, 'a"} evil 1', "line\nbreak"):
        with request_scope(request_id):
            recorders.record_tool_invocation("hash", "success", 3)
    exemplars = [s.exemplar for family in fresh.registry.collect() for s in family.samples]
    assert exemplars.count(None) == len(exemplars)
    assert fresh.failures.total == 0
