"""The rules of grafana/dashboard-linter, in strict mode, on the committed dashboards."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import promql_parser
import pytest

from stack.dashboards.promql import KNOWN
from stack.dashboards.queries import Window, resolve, variables
from tests.promql_nodes import COUNTING, calls_above, kinds, parse, selectors

ROOT = Path(__file__).resolve().parents[3]
DASHBOARDS = {
    path.stem: json.loads(path.read_text("utf-8"))
    for path in sorted((ROOT / "grafana/dashboards").glob("*.json"))
}
CORE_PANELS = {"timeseries", "stat", "gauge", "bargauge", "piechart", "heatmap"}
UNITS = {
    *("none", "short", "percent", "percentunit", "bytes", "Bps", "ms", "s", "ops", "reqps", "cps", "wps"),
    "dateTimeFromNow",
}
PANELS = [
    pytest.param(dashboard, panel, id=f"{uid}: {panel['title']}")
    for uid, dashboard in DASHBOARDS.items()
    for panel in dashboard["panels"]
]
TARGETS = [
    pytest.param(dashboard, target["expr"], id=f"{uid} {panel['id']}{target['refId']}")
    for uid, dashboard in DASHBOARDS.items()
    for panel in dashboard["panels"]
    for target in panel["targets"]
]
EVERY = pytest.mark.parametrize("dashboard", DASHBOARDS.values(), ids=DASHBOARDS)
SENTINEL = Window(range_s=7919, interval_s=997)
"""Odd times, so that a range written by hand can't be mistaken for a macro's."""


def resolved(dashboard: dict[str, Any], expression: str) -> str:
    return resolve(expression, variables(dashboard) | SENTINEL.macros())


def variable(dashboard: dict[str, Any], name: str) -> dict[str, Any]:
    found = [one for one in dashboard["templating"]["list"] if one["name"] == name]
    assert len(found) == 1, f"{name} is defined {len(found)} times"
    return dict(found[0])


@EVERY
def test_one_datasource_variable(dashboard: dict[str, Any]) -> None:
    sources = [one for one in dashboard["templating"]["list"] if one["type"] == "datasource"]
    assert [(one["name"], one["label"], one["query"]) for one in sources] == [
        ("datasource", "Data Source", "prometheus")
    ]


@EVERY
@pytest.mark.parametrize("name", ["job", "instance"])
def test_label_variables(dashboard: dict[str, Any], name: str) -> None:
    one = variable(dashboard, name)
    assert (one["type"], one["multi"], one["includeAll"], one["allValue"]) == ("query", True, True, ".+")
    assert one["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert one["refresh"] == 2, "refreshed when the time range changes"
    selector, _, label = one["query"].removeprefix("label_values(").removesuffix(")").rpartition(", ")
    assert label == name
    assert {found.name for found, _ in selectors(resolved(dashboard, selector))} <= KNOWN


@EVERY
def test_house_rules(dashboard: dict[str, Any]) -> None:
    assert dashboard["editable"] is False
    assert dashboard["timezone"] == "utc"
    assert dashboard["refresh"] == "10s"
    assert "monitoring-stack" in dashboard["tags"]
    assert [link["tags"] for link in dashboard["links"]] == [["monitoring-stack"]]
    assert "ALERTS{" in dashboard["annotations"]["list"][0]["expr"]


@pytest.mark.parametrize(("dashboard", "panel"), PANELS)
def test_panel(dashboard: dict[str, Any], panel: dict[str, Any]) -> None:
    assert panel["type"] in CORE_PANELS
    assert panel["title"] and panel["description"]
    assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
    assert panel["targets"]
    assert all(target["datasource"]["uid"] == "${datasource}" for target in panel["targets"])
    assert all(target["legendFormat"] for target in panel["targets"])


@EVERY
def test_panels_do_not_overlap(dashboard: dict[str, Any]) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


@pytest.mark.parametrize(("dashboard", "expression"), TARGETS)
def test_target_selects_job_and_instance(dashboard: dict[str, Any], expression: str) -> None:
    plain = expression.replace("$__rate_interval", "20s").replace("$__range", "1h")
    found = selectors(plain)
    assert found
    for selector, _ in found:
        assert 'job=~"$job"' in str(selector)
        assert 'instance=~"$instance"' in str(selector)


@pytest.mark.parametrize(("dashboard", "expression"), TARGETS)
def test_target_asks_for_known_metrics(dashboard: dict[str, Any], expression: str) -> None:
    assert {selector.name for selector, _ in selectors(resolved(dashboard, expression))} <= KNOWN


@pytest.mark.parametrize(("dashboard", "expression"), TARGETS)
def test_rates_use_the_rate_interval(dashboard: dict[str, Any], expression: str) -> None:
    """Upstream's rule is about rate and irate; increase may name the window that its panel's title names."""
    rate = timedelta(seconds=int(SENTINEL.macros()["__rate_interval"].removesuffix("s")))
    for matrix, parents in kinds(parse(resolved(dashboard, expression)), promql_parser.MatrixSelector):
        if calls_above(parents)[-1] in {"rate", "irate"}:
            assert matrix.range == rate


@pytest.mark.parametrize(("dashboard", "expression"), TARGETS)
def test_counters_are_counted(dashboard: dict[str, Any], expression: str) -> None:
    for selector, parents in selectors(resolved(dashboard, expression)):
        if selector.name.endswith(("_total", "_bucket", "_count", "_sum")):
            assert calls_above(parents)[-1] in COUNTING
