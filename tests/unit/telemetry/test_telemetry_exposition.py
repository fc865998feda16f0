"""The text that a scrape gets, in both formats."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from time import perf_counter

import pytest
from prometheus_client.core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from stack.telemetry.catalogue import GATES, METRICS
from stack.telemetry.exposition import OPENMETRICS, TEXT, expose
from stack.telemetry.gates import gate
from stack.telemetry.meter import GateMeter
from stack.telemetry.recording import Recorders
from stack.telemetry.request import request_scope

ROOT = Path(__file__).parents[3]
PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.4"
)


@pytest.fixture
def meters() -> dict[str, GateMeter]:
    return {name: GateMeter(name) for name in GATES}


@pytest.fixture
def recorders(meters: dict[str, GateMeter]) -> Recorders:
    return Recorders(meters)


def openmetrics_families(recorders: Recorders) -> list[Metric]:
    text = expose(PROMETHEUS, recorders.registry).body.decode()
    return list(parse_openmetrics(text))  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", TEXT),
        ("*/*", TEXT),
        ("text/plain;version=1.0.0", TEXT),
        (PROMETHEUS, OPENMETRICS),
        ("text/html, Application/OpenMetrics-Text", OPENMETRICS),
        ("application/openmetrics-text; version=nonsense", OPENMETRICS),
        ("application/openmetrics-text;q=0", TEXT),
        (";;,,;=", TEXT),
    ],
)
def test_the_accept_header_decides_the_format(recorders: Recorders, accept: str, content_type: str) -> None:
    exposition = expose(accept, recorders.registry)
    assert exposition.content_type == content_type
    assert exposition.body.endswith(b"# EOF\n") == (content_type == OPENMETRICS)


def test_both_formats_hold_the_whole_catalogue(recorders: Recorders) -> None:
    recorders.http("GET", "/tools", 200, 0.1)
    text = {f.name for f in parse_text(expose("", recorders.registry).body.decode())}
    openmetrics = {f.name for f in openmetrics_families(recorders)}
    families = {metric.name.removesuffix("_total") for metric in METRICS}
    assert families <= text
    assert families <= openmetrics


def test_a_decision_within_a_request_leaves_an_exemplar(
    recorders: Recorders, meters: dict[str, GateMeter]
) -> None:
    class Refused(Exception):
        error_code = "E_SCHEME"

    @gate("url_gate", meters)
    def refuse() -> None:
        raise Refused

    with request_scope("req-7"):
        with pytest.raises(Refused):
            refuse()
        recorders.tool_invocation("hash", "success", 3.0)
    found = {
        sample.name: sample.exemplar.labels
        for family in openmetrics_families(recorders)
        for sample in family.samples
        if sample.exemplar
    }
    assert set(found) == {
        "gate_execution_ms_bucket",
        "gate_errors_total",
        "l9_tool_invocation_total",
        "l9_tool_invocation_duration_ms_bucket",
    }
    assert all(labels == {"request_id": "req-7"} for labels in found.values())
    assert b"req-7" not in expose("", recorders.registry).body


def test_the_pass_rate_agrees_with_the_counters(recorders: Recorders, meters: dict[str, GateMeter]) -> None:
    for turn in range(800):
        now = perf_counter()
        meters["storage_gate"].record(now, now, "E_STORAGE_PUT" if turn % 4 == 0 else None, "")
    value = recorders.registry.get_sample_value
    accepted = value("gate_invocations_total", {"gate": "storage_gate", "outcome": "ok"})
    rejected = value("gate_invocations_total", {"gate": "storage_gate", "outcome": "reject"})
    assert (accepted, rejected) == (600, 200)
    assert value("gate_errors_total", {"gate": "storage_gate", "error_code": "E_STORAGE_PUT"}) == 200
    assert value("gate_pass_rate_percent", {"gate": "storage_gate"}) == 75.0
    assert value("gate_execution_ms_count", {"gate": "storage_gate"}) == 800
    assert value("gate_execution_ms_bucket", {"gate": "storage_gate", "le": "0.1"}) == 800


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.strip()


def test_importing_and_deciding_does_not_load_the_library() -> None:
    assert run(
        "import sys, stack.telemetry as t\n"
        "t.gate('url_gate')(len)('abc')\n"
        "from stack.telemetry import PROMETHEUS_AVAILABLE, record_tool_invocation, request_scope\n"
        "import stack.telemetry.monitor, stack.telemetry.server, stack.telemetry.board, stack.telemetry.grafana\n"
        "print('prometheus_client' in sys.modules, PROMETHEUS_AVAILABLE)"
    ) == "False True"  # fmt: skip


@pytest.mark.parametrize(
    "block",
    [
        "sys.modules['prometheus_client'] = None",
        "sys.meta_path.insert(0, type('Block', (), {'find_spec': staticmethod(lambda name, *_: raise_(name))}))",
    ],
    ids=["module is None", "finder refuses"],
)
def test_without_the_library_everything_is_a_no_op(block: str) -> None:
    output = run(
        "import sys\n"
        "def raise_(name):\n"
        "    if name.partition('.')[0] == 'prometheus_client': raise ImportError(name)\n"
        f"{block}\n"
        "import stack.telemetry as t\n"
        "from stack.telemetry.meter import METERS\n"
        "t.record_tool_invocation('hash', 'success', 1)\n"
        "t.record_memory_write('tool_audit', 'ok', 1)\n"
        "t.record_memory_search('tool_audit', 'recent', 1)\n"
        "t.set_memory_substrate_health(True)\n"
        "t.set_packet_store_size('tool_audit', 1)\n"
        "t.record_alert_notification('firing')\n"
        "t.record_watchdog(1)\n"
        "t.observe_http('GET', '/', 200, 1)\n"
        "t.register_tool('x')\n"
        "assert t.gate('url_gate')(len) is len\n"
        "with t.gate('url_gate'): pass\n"
        "assert METERS['url_gate'].snapshot().accepted == 0\n"
        "from stack.telemetry.failures import FAILURES\n"
        "print(t.init_metrics(), t.PROMETHEUS_AVAILABLE, t.registry(), FAILURES.total)\n"
        "print(t.expose('application/openmetrics-text').body.decode().strip())"
    )
    assert output.splitlines() == [
        "False False None 0",
        "# prometheus_client is not installed: nothing is recorded",
    ]


def test_the_package_names_what_it_offers_and_nothing_else() -> None:
    import stack.telemetry as telemetry

    assert {"gate", "init_metrics", "expose", "PROMETHEUS_AVAILABLE"} <= set(dir(telemetry))
    assert all(getattr(telemetry, name) is not None for name in dir(telemetry))
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = telemetry.nonsense
