"""The rows of the terminal view."""

from __future__ import annotations

import math
from time import perf_counter

import pytest

from stack.cli.board import ToolRow, board, quantile
from stack.common.errors import StackError
from stack.telemetry import recorders
from stack.telemetry.catalogue import GATES, SEGMENTS, TOOLS
from stack.telemetry.exposition import expose, read
from stack.telemetry.failures import FailureLog
from stack.telemetry.series import Series

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
    series = Series(FailureLog())
    monkeypatch.setattr(recorders, "_series", series)
    for error_code in (None, None, "E_DNS_FAIL", "E_SCHEME", "E_SCHEME", None):
        series.meter("url_gate").record(0.001953125, perf_counter(), error_code)
    recorders.record_tool_invocation("hash", "success", 3)
    recorders.record_tool_invocation("nonsense", "denied", 1)
    recorders.record_memory_write("tool_audit", "ok", 0.1)
    recorders.record_memory_write("tool_audit", "error", 0.1)
    recorders.record_memory_search("tool_audit", "recent", 4)
    recorders.set_packet_store_size("tool_audit", 9)
    recorders.set_memory_substrate_health(True)
    view = board(read(expose().body.decode()))
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
    with pytest.raises(StackError, match="metrics page"):
        board(read(text))


def test_a_gate_of_ones_own_has_its_row_after_the_applications() -> None:
    series = Series(FailureLog())
    series.meter("upload_gate", ["E_TOO_BIG"]).record(0.001, perf_counter(), "E_TOO_BIG")
    view = board(read(expose("", series.registry).body.decode()))
    assert [row.gate for row in view.gates] == [*GATES, "upload_gate"]
    assert (view.gates[-1].rejected, view.gates[-1].top_error) == (1, "E_TOO_BIG")
