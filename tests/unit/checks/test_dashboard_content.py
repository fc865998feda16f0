"""What counts as the same dashboard: not how a server writes it, but what it shows and asks."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stack.checks.dashboard_content import difference
from tests.grafana_standin.schema import converted

FILES = sorted((Path(__file__).parents[3] / "grafana/dashboards").glob("*.json"))
SOURCE = {"type": "prometheus", "uid": "prometheus"}
OLD: dict[str, Any] = {
    "uid": "old",
    "title": "Old",
    "schemaVersion": 30,
    "templating": {
        "list": [{"type": "query", "name": "job", "datasource": "Prometheus", "query": "label_values(job)"}]
    },
    "panels": [
        {"type": "graph", "id": 1, "datasource": "Prometheus", "targets": [{"expr": "up"}]},
        {
            "type": "row",
            "id": 2,
            "collapsed": True,
            "panels": [
                {"type": "stat", "id": 3, "title": "Jobs", "targets": [{"refId": "A", "expr": "count(up)"}]}
            ],
        },
        {"type": "text", "title": "Words"},
    ],
}
NEW: dict[str, Any] = {
    "uid": "new",
    "title": "New",
    "refresh": "10s",
    "time": {"from": "now-1h", "to": "now"},
    "templating": {
        "list": [
            {"type": "datasource", "name": "datasource", "query": "prometheus"},
            {
                "type": "query",
                "name": "job",
                "datasource": SOURCE,
                "query": "label_values(job)",
                "multi": True,
            },
        ]
    },
    "panels": [
        {
            "type": "timeseries",
            "id": 1,
            "title": "Rate",
            "datasource": SOURCE,
            "targets": [
                {"refId": "A", "expr": "rate(a[1m])", "legendFormat": "{{job}}", "datasource": SOURCE},
                {"refId": "B", "expr": "rate(b[1m])", "instant": False, "datasource": SOURCE},
            ],
        },
        {"type": "row", "id": 2, "title": "Below", "panels": [{"type": "stat", "id": 3, "title": "One"}]},
    ],
}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_shipped_dashboard_is_itself_in_any_writing(path: Path) -> None:
    model = json.loads(path.read_text(encoding="utf-8"))
    assert difference(model, {**model, "id": 1, "version": 4}) == ""
    assert difference(model, converted(model)) == ""


@pytest.mark.parametrize("model", [OLD, NEW], ids=("older forms", "present forms"))
def test_what_a_server_migrates_is_no_difference(model: dict[str, Any]) -> None:
    assert difference(model, converted(model)) == ""


def of(change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    """The same dashboard with one change."""
    model = copy.deepcopy(NEW)
    change(model)
    return model


REAL: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "uid": (lambda m: m.update(uid="x"), "uid"),
    "title": (lambda m: m.update(title="x"), "title"),
    "refresh": (lambda m: m.update(refresh="5s"), "refresh"),
    "time": (lambda m: m["time"].update({"from": "now-6h"}), "time"),
    "variable gone": (
        lambda m: m["templating"]["list"].pop(),
        "variables: datasource instead of datasource, job",
    ),
    "all variables gone": (lambda m: m.pop("templating"), "variables: none instead of datasource, job"),
    "variables exchanged": (
        lambda m: m["templating"]["list"].reverse(),
        "variables: job, datasource instead",
    ),
    "variable asks": (lambda m: m["templating"]["list"][1].update(query="label_values(x)"), "variable job"),
    "variable asks elsewhere": (
        lambda m: m["templating"]["list"][1].update(datasource={**SOURCE, "uid": "x"}),
        "variable job",
    ),
    "variable is single": (lambda m: m["templating"]["list"][1].update(multi=False), "variable job"),
    "panel gone": (lambda m: m["panels"].pop(0), "panels: 1 instead of 2"),
    "panel in a row gone": (lambda m: m["panels"][1].update(panels=[]), "panels: 1 instead of 2"),
    "panel's title": (lambda m: m["panels"][0].update(title="x"), "panel Rate: title"),
    "panel's type": (lambda m: m["panels"][0].update(type="table"), "panel Rate: type"),
    "panel in a row": (lambda m: m["panels"][1]["panels"][0].update(title="Two"), "panel One: title"),
    "panel asks elsewhere": (
        lambda m: m["panels"][0].update(datasource={**SOURCE, "uid": "x"}),
        "panel Rate: data source",
    ),
    "query": (lambda m: m["panels"][0]["targets"][1].update(expr="b"), "panel Rate: query B"),
    "query asks elsewhere": (
        lambda m: m["panels"][0]["targets"][1].update(datasource={**SOURCE, "uid": "x"}),
        "panel Rate: query B",
    ),
    "query is instant": (lambda m: m["panels"][0]["targets"][1].update(instant=True), "panel Rate: query B"),
    "query without legend": (
        lambda m: m["panels"][0]["targets"][0].pop("legendFormat"),
        "panel Rate: query A",
    ),
    "query gone": (lambda m: m["panels"][0]["targets"].pop(), "panel Rate: 1 queries instead of 2"),
    "query more": (lambda m: m["panels"][0]["targets"].append({}), "panel Rate: 3 queries instead of 2"),
}


SUPERSEDED = ("panel Rate: data source",)
"""A newer server leaves it out where every query names its own."""


@pytest.mark.parametrize(("change", "words"), REAL.values(), ids=REAL)
def test_a_real_difference_is_named(change: Callable[[dict[str, Any]], Any], words: str) -> None:
    assert words in difference(NEW, of(change))
    if words not in SUPERSEDED:
        assert words in difference(NEW, converted(of(change)))


@pytest.mark.parametrize(
    "held", [{}, {"panels": 3}, {"panels": [3], "templating": 3}, {"templating": {"list": [3]}}]
)
def test_an_answer_of_another_shape_is_a_difference(held: dict[str, Any]) -> None:
    assert difference(NEW, {**held, "uid": "new", "title": "New"}) == "refresh"
    assert "variables: none" in difference({"templating": NEW["templating"]}, held)
    assert "panels: 0" in difference({"panels": NEW["panels"]}, held)


def test_panels_are_compared_by_their_numbers_where_they_have_some() -> None:
    model = {"uid": "x", "panels": [{"id": n, "type": "stat", "title": f"P{n}"} for n in (1, 2)]}
    assert difference(model, {**model, "panels": model["panels"][::-1]}) == ""
    unnumbered = {**model, "panels": [{"type": "stat", "title": f"P{n}"} for n in (1, 2)]}
    assert difference(unnumbered, model) == ""
    assert difference(unnumbered, {**model, "panels": model["panels"][::-1]}) == "panel P1: title"
