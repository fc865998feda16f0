"""Panel queries: variables and macros resolved, whatever Grafana's JSON looks like."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stack.dashboards.queries import PanelQuery, Window, panel_queries, resolve, variables

ROOT = Path(__file__).resolve().parents[3]


def document(targets: list[dict[str, Any]], templates: list[dict[str, Any]] | None = None) -> str:
    panel = {"id": 7, "title": "P", "targets": targets, "datasource": {"uid": "${datasource}"}}
    source = {"name": "datasource", "type": "datasource", "current": {"value": "prometheus"}}
    return json.dumps({"uid": "u", "panels": [panel], "templating": {"list": [source, *(templates or [])]}})


def test_a_query_is_ready_to_be_sent() -> None:
    job = {"name": "job", "current": {"value": ["$__all"]}, "includeAll": True, "allValue": ".+"}
    target = {"refId": "B", "expr": 'sum(rate(x{job=~"$job"}[$__rate_interval]))', "instant": True}
    assert list(panel_queries(document([target], [job]))) == [
        PanelQuery("u", 7, "P", "B", 'sum(rate(x{job=~".+"}[20s]))', "prometheus", True)
    ]


def test_hidden_and_empty_targets_are_left_out() -> None:
    targets: list[dict[str, Any]] = [{"expr": "up", "hide": True}, {"expr": ""}, {"refId": "C"}]
    assert list(panel_queries(document(targets))) == []


def test_panels_inside_a_row_are_found() -> None:
    row = {"id": 1, "type": "row", "panels": [{"id": 2, "targets": [{"expr": "up"}]}]}
    found = list(panel_queries(json.dumps({"uid": "u", "panels": [row]}), Window()))
    assert [(query.panel_id, query.expr, query.datasource_uid) for query in found] == [
        (2, "up", "prometheus")
    ]


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ({"current": {"value": "a"}}, "a"),
        ({"current": {"value": ["a", "b"]}}, "a|b"),
        ({"current": {"value": "$__all"}, "allValue": "x.*"}, "x.*"),
        ({"current": {"value": ["$__all"]}}, ".+"),
        ({"current": {}, "includeAll": True, "allValue": ".+"}, ".+"),
        ({}, ".+"),
        ({"type": "datasource"}, "prometheus"),
        ({"type": "datasource", "current": {"value": "default"}}, "prometheus"),
    ],
)
def test_current_value_of_a_variable(template: dict[str, Any], value: str) -> None:
    assert variables({"templating": {"list": [{"name": "v", **template}]}}) == {"v": value}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$a", "1"),
        ("${a}", "1"),
        ("${a:regex}", "1"),
        ("$ab$a.", "21."),
        ("no dollar", "no dollar"),
        ("^x$", "^x$"),
        ('"$" + $a', '"$" + 1'),
        ('label_replace(x, "a", "$1-${2}", "b", "(.*)$")', 'label_replace(x, "a", "$1-${2}", "b", "(.*)$")'),
    ],
)
def test_resolve(text: str, expected: str) -> None:
    assert resolve(text, {"a": "1", "ab": "2"}) == expected


def test_an_unknown_variable_is_named() -> None:
    with pytest.raises(ValueError, match="no variable is called tool"):
        resolve("x{t='$tool'}", {})


@pytest.mark.parametrize(
    ("window", "rate"),
    [(Window(), "20s"), (Window(interval_s=15, scrape_s=2), "17s"), (Window(interval_s=60), "65s")],
)
def test_rate_interval_is_grafanas(window: Window, rate: str) -> None:
    assert window.macros()["__rate_interval"] == rate


@pytest.mark.parametrize("text", ['{"dashboard": {"uid": "u"}}', "[]", "{}", "not json"])
def test_what_is_no_dashboard_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"dashboard has no uid|is no JSON"):
        list(panel_queries(text))


def test_every_committed_query_resolves() -> None:
    files = sorted((ROOT / "grafana/dashboards").glob("*.json"))
    found = [query for path in files for query in panel_queries(path.read_text("utf-8"))]
    assert len(found) > 50
    assert {query.datasource_uid for query in found} == {"prometheus"}
    assert not [query for query in found if "$" in query.expr]
