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

from stack import telemetry
from stack.telemetry import recorders
from stack.telemetry.catalogue import METRICS
from stack.telemetry.exposition import OPENMETRICS, TEXT, expose
from stack.telemetry.failures import FailureLog
from stack.telemetry.instrument import gate
from stack.telemetry.request import request_scope
from stack.telemetry.series import Series

ROOT = Path(__file__).parents[3]
PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.4"
)


@pytest.fixture
def series(monkeypatch: pytest.MonkeyPatch) -> Series:
    """Series of their own, installed as the process's."""
    made = Series(FailureLog())
    monkeypatch.setattr(recorders, "_series", made)
    return made


def openmetrics_families() -> list[Metric]:
    text = expose(PROMETHEUS).body.decode()
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
def test_the_accept_header_decides_the_format(series: Series, accept: str, content_type: str) -> None:
    exposition = expose(accept)
    assert exposition.content_type == content_type
    assert exposition.body.endswith(b"# EOF\n") == (content_type == OPENMETRICS)


def test_both_formats_hold_the_whole_catalogue(series: Series) -> None:
    recorders.observe_http("GET", "/tools", 200, 0.1)
    text = {f.name for f in parse_text(expose("").body.decode())}
    openmetrics = {f.name for f in openmetrics_families()}
    families = {metric.name.removesuffix("_total") for metric in METRICS}
    assert families <= text
    assert families <= openmetrics


def test_a_decision_within_a_request_leaves_an_exemplar(series: Series) -> None:
    class Refused(Exception):
        error_code = "E_SCHEME"

    @gate("url_gate")
    def refuse() -> None:
        raise Refused

    with request_scope("req-7"):
        with pytest.raises(Refused):
            refuse()
        recorders.record_tool_invocation("hash", "success", 3.0)
    found = {
        sample.name: sample.exemplar.labels
        for family in openmetrics_families()
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
    assert b"req-7" not in expose("").body


def test_the_pass_rate_agrees_with_the_counters(series: Series) -> None:
    for turn in range(800):
        series.meter("storage_gate").record(0.0, perf_counter(), None if turn % 4 else "E_STORAGE_PUT")
    value = series.registry.get_sample_value
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


def test_importing_does_not_load_the_library() -> None:
    assert run(
        "import sys, stack.telemetry as t\n"
        "from stack.telemetry import PROMETHEUS_AVAILABLE, record_tool_invocation, request_scope\n"
        "import stack.telemetry.settings, stack.telemetry.exposition\n"
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
        "from stack.telemetry.recorders import gate_meters\n"
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
        "t.gate('own_gate', ['E_OWN'])(len)\n"
        "try: t.gate('no_gate')\n"
        "except KeyError: pass\n"
        "else: sys.exit('an unknown gate must be refused')\n"
        "assert gate_meters() == {}\n"
        "from stack.telemetry.failures import FAILURES\n"
        "print(t.init_metrics(), t.PROMETHEUS_AVAILABLE, t.registry(), FAILURES.total)\n"
        "print(t.expose('application/openmetrics-text').body.decode().strip())"
    )
    assert output.splitlines() == [
        "False False None 0",
        "# prometheus_client is not installed: nothing is recorded",
    ]


@pytest.mark.parametrize("module", ["fastapi", "docker", "requests", "yaml"])
def test_the_package_needs_nothing_but_the_library(module: str) -> None:
    modules = " ".join(
        f"stack.telemetry.{path.stem}" for path in (ROOT / "stack/telemetry").glob("[a-z]*.py")
    )
    assert run(
        f"import sys; sys.modules[{module!r}] = None\n"
        f"import importlib; [importlib.import_module(name) for name in {modules!r}.split()]\n"
        "from stack.telemetry import init_metrics\n"
        "print(init_metrics())"
    ) == "True"  # fmt: skip


def test_the_host_programs_own_metrics_stay_as_they_were() -> None:
    assert run(
        "import prometheus_client as p\n"
        "own = p.Counter('own', '-')\n"
        "before = p.generate_latest().count(b'_created')\n"
        "import stack.telemetry as t\n"
        "t.init_metrics(), t.expose()\n"
        "after = p.generate_latest()\n"
        "print(before > 0, after.count(b'_created') == before, b'gate_' in after, b'_created' in t.expose().body)"
    ) == "True True False False"  # fmt: skip


def test_what_the_package_names_is_there() -> None:
    assert {"gate", "init_metrics", "expose", "PROMETHEUS_AVAILABLE"} <= set(telemetry.__all__)
    assert all(getattr(telemetry, name) is not None for name in telemetry.__all__)
    assert (ROOT / "stack/telemetry/py.typed").exists()
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = telemetry.nonsense


def test_who_wants_the_catalogue_loads_nothing_else_of_the_package() -> None:
    assert run(
        "import sys, stack.telemetry.catalogue\n"
        "print(sorted(name for name in sys.modules if name.startswith('stack.telemetry')))"
    ) == "['stack.telemetry', 'stack.telemetry.catalogue']"  # fmt: skip
