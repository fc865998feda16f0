"""The rows of the terminal view, and the provisioning files for Grafana."""

from __future__ import annotations

import json
import math
from pathlib import Path
from time import perf_counter

import pytest
import yaml

from stack.telemetry import recorders
from stack.telemetry.board import ToolRow, board, quantile
from stack.telemetry.catalogue import SEGMENTS, TOOLS
from stack.telemetry.errors import MonitorError
from stack.telemetry.exposition import expose
from stack.telemetry.failures import FailureLog
from stack.telemetry.grafana import DASHBOARDS, grafana_config
from stack.telemetry.recorders import Recorder

INF = math.inf


@pytest.mark.parametrize(
    ("share", "buckets", "expected"),
    [
        (0.5, [], None),
        (0.5, [(1.0, 0), (INF, 0)], None),
        (0.5, [(1.0, 10), (INF, 10)], 0.5),
        (0.5, [(1.0, 0), (2.0, 10), (INF, 10)], 1.5),
        (0.99, [(1.0, 50), (2.0, 100), (INF, 100)], 1.98),
        (0.99, [(1.0, 1), (2.0, 1), (INF, 100)], 2.0),
        (1.0, [(1.0, 4), (2.0, 4), (INF, 4)], 1.0),
    ],
)
def test_quantiles_are_those_of_promql(
    share: float, buckets: list[tuple[float, float]], expected: float | None
) -> None:
    assert quantile(share, buckets) == (expected if expected is None else pytest.approx(expected))


def test_the_board_shows_what_was_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(FailureLog())
    monkeypatch.setattr(recorders, "_recorder", recorder)
    for error_code in (None, None, "E_DNS_FAIL", "E_SCHEME", "E_SCHEME", None):
        recorder.meter("url_gate").record(0.001953125, perf_counter(), error_code)
    recorders.record_tool_invocation("hash", "success", 3)
    recorders.record_tool_invocation("nonsense", "denied", 1)
    recorders.record_memory_write("tool_audit", "ok", 0.1)
    recorders.record_memory_write("tool_audit", "error", 0.1)
    recorders.record_memory_search("tool_audit", "recent", 4)
    recorders.set_packet_store_size("tool_audit", 9)
    recorders.set_memory_substrate_health(True)
    view = board(expose().body.decode())
    url = next(row for row in view.gates if row.gate == "url_gate")
    assert (url.accepted, url.rejected, url.pass_rate_percent, url.top_error) == (3, 3, 50.0, "E_SCHEME")
    assert (url.p50_ms, url.latest_ms) == (1.75, 1.953125)
    idle = next(row for row in view.gates if row.gate == "config_gate")
    assert (idle.accepted, idle.pass_rate_percent, idle.p50_ms, idle.top_error) == (0, 100.0, None, "")
    tools = {row.tool_id: row for row in view.tools}
    assert set(tools) == {*TOOLS, "unknown"}
    assert tools["unknown"] == ToolRow("unknown", 0, 0, 1, 0, 0.5, 0.99)
    assert [row.segment for row in view.memory] == list(SEGMENTS)
    audit = next(row for row in view.memory if row.segment == "tool_audit")
    assert (audit.written, audit.failed, audit.searches, audit.packets) == (1, 1, 1, 9)
    assert (view.substrate_healthy, view.record_failures) == (True, 0)


@pytest.mark.parametrize("text", ["", "<html>no metrics</html>", "up 1\n", 'x{a="b 1\n', "x notanumber\n"])
def test_a_page_that_is_no_metrics_page_is_refused(text: str) -> None:
    with pytest.raises(MonitorError, match="metrics page"):
        board(text)


@pytest.fixture
def dashboards(tmp_path: Path) -> Path:
    folder = tmp_path / "dashboards"
    folder.mkdir()
    for uid in DASHBOARDS:
        (folder / f"{uid}.json").write_text(json.dumps({"uid": uid}))
    return folder


def test_the_files_are_a_provisioning_folder_as_they_stand(tmp_path: Path, dashboards: Path) -> None:
    out = tmp_path / "provisioning"
    written = grafana_config(out, "https://prom.example:9090/a'b\"#", "/srv/grafana", dashboards)
    assert {str(path.relative_to(out)) for path in written} == {
        "datasources/monitoring-stack.yml",
        "dashboards/monitoring-stack.yml",
        "dashboards/gate-security.json",
        "dashboards/l9-tool-observability.json",
    }
    source = yaml.safe_load((out / "datasources/monitoring-stack.yml").read_text())
    provider = yaml.safe_load((out / "dashboards/monitoring-stack.yml").read_text())
    assert (source["apiVersion"], provider["apiVersion"]) == (1, 1)
    assert source["datasources"][0]["uid"] == "prometheus"
    assert source["datasources"][0]["url"] == "https://prom.example:9090/a'b\"#"
    assert provider["providers"][0]["options"] == {"path": "/srv/grafana/dashboards"}
    assert provider["providers"][0]["updateIntervalSeconds"] > 10
    for uid in DASHBOARDS:
        assert json.loads((out / f"dashboards/{uid}.json").read_text())["uid"] == uid


def test_without_the_library_a_page_is_not_read_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stack.telemetry.board.PROMETHEUS_AVAILABLE", False)
    with pytest.raises(MonitorError, match="prometheus_client is not installed"):
        board("")


def test_the_shipped_dashboards_are_found(tmp_path: Path) -> None:
    grafana_config(tmp_path)
    for uid in DASHBOARDS:
        assert json.loads((tmp_path / f"dashboards/{uid}.json").read_text())["uid"] == uid


def test_writing_twice_changes_nothing_and_leaves_the_users_own(tmp_path: Path, dashboards: Path) -> None:
    own = tmp_path / "datasources" / "mine.yml"
    own.parent.mkdir()
    own.write_text("apiVersion: 1\n")
    first = {path: path.read_text() for path in grafana_config(tmp_path, dashboards=dashboards)}
    assert {path: path.read_text() for path in grafana_config(tmp_path, dashboards=dashboards)} == first
    assert own.read_text() == "apiVersion: 1\n"


def test_missing_dashboards_write_nothing(tmp_path: Path) -> None:
    with pytest.raises(MonitorError, match="no such dashboard"):
        grafana_config(tmp_path / "out", dashboards=tmp_path)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path, dashboards: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MonitorError, match="cannot be written"):
        grafana_config(tmp_path / "file", dashboards=dashboards)
