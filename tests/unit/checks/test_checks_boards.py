"""Each dashboard is judged by itself: a fault names dashboard, panel and query, and hides no other."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from stack.checks.check import Check
from stack.checks.model import Dashboard, DataSource, Expected, Finding
from stack.components import all_checks
from tests.unit.checks.fake_stack import BOARD, FakeStack, expectation, source
from tests.unit.checks.test_checks_products import finding_of

CHECKS = {check.name: check for check in all_checks()}
PANELS = [CHECKS["grafana.panels"], CHECKS["prometheus.panels"]]
VARIABLES = [CHECKS["grafana.variables"], CHECKS["prometheus.variables"]]
HEALTHY = Dashboard("gates", json.dumps(BOARD))
LOKI = DataSource("loki", "Logs", "loki", "http://loki")


def board(
    uid: str, *, panel: dict[str, Any] | None = None, variable: dict[str, Any] | None = None
) -> Dashboard:
    """A dashboard whose first panel or second variable is another one."""
    model = copy.deepcopy(BOARD) | {"uid": uid, "title": uid}
    model["panels"][0].update(panel or {})
    model["templating"]["list"][1].update(variable or {})
    return Dashboard(uid, json.dumps(model))


def asking(expr: str, **target: Any) -> dict[str, Any]:
    return {"targets": [{"refId": "A", "expr": expr, **target}]}


def found(check: Check, *dashboards: Dashboard) -> Finding:
    fake = FakeStack()
    kinds = ("prometheus", "alertmanager", "loki")
    fake.products["grafana"]["GET /api/datasources"] = (200, [source(kind, kind) for kind in kinds])
    sources = (*expectation().data_sources, LOKI)
    with fake.running(dashboards=dashboards, data_sources=sources) as expected:
        return finding_of(check, expected, seconds=1.0)


@pytest.mark.parametrize("check", PANELS, ids=lambda check: check.name)
@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (
            board("own", panel={"datasource": {"uid": "gone"}}),
            "own / Rate / A: there is no data source gone",
        ),
        (board("own", panel={"datasource": "gone"}), "own / Rate / A: there is no data source gone"),
        (
            board("own", panel=asking("up{tool='$tool'}")),
            "own / Rate / A: no variable is called tool: define it or correct \"up{tool='$tool'}\"",
        ),
        (
            board("own", panel={"targets": []}),
            "own / Rate: the panel has no query: give it one, or remove it",
        ),
        (
            board("own", panel={"targets": "none"}),
            "own / Rate: the panel has no query: give it one, or remove it",
        ),
        (
            Dashboard("own", "[]"),
            "own: the dashboard has no uid: export it as a dashboard, without a wrapper",
        ),
        (Dashboard("own", "{"), "own: the document is no JSON: Expecting"),
        (Dashboard("own", '{"uid": "own", "panels": {}}'), "own: the dashboard's panels are no list"),
    ],
)
def test_a_query_that_cannot_be_asked_is_named(check: Check, bad: Dashboard, says: str) -> None:
    for dashboards in ((bad, HEALTHY), (HEALTHY, bad)):
        finding = found(check, *dashboards)
        assert (finding.status, finding.final) == ("failed", True), finding.evidence
        assert finding.evidence.startswith(says)
        assert (
            finding.hint
            == "correct that dashboard's file in grafana/dashboards/, then monitoring-stack reload"
        )


@pytest.mark.parametrize("check", PANELS, ids=lambda check: check.name)
def test_all_faults_are_told_together(check: Check) -> None:
    finding = found(check, board("a", panel=asking("$x")), HEALTHY, board("b", panel=asking("$y")))
    assert finding.evidence == (
        "2 panel queries cannot be asked: a / Rate / A: no variable is called x: define it or correct '$x'; "
        "b / Rate / A: no variable is called y: define it or correct '$y'"
    )


@pytest.mark.parametrize("check", PANELS, ids=lambda check: check.name)
def test_what_another_kind_of_source_answers_is_a_remark(check: Check) -> None:
    logs = {"datasource": {"uid": "loki", "type": "loki"}, **asking('{app="x"}')}
    finding = found(check, HEALTHY, board("own", panel=logs))
    assert finding.status == "ok", finding.evidence
    assert finding.warnings == ("own / Rate / A was not asked: data source loki is of type loki",)


@pytest.mark.parametrize("check", PANELS, ids=lambda check: check.name)
@pytest.mark.parametrize("panel", [{"type": "text", "targets": None}, asking("$x", hide=True)], ids=str)
def test_a_panel_that_shows_no_data_needs_none(check: Check, panel: dict[str, Any]) -> None:
    assert found(check, HEALTHY, board("own", panel=panel)).status == "ok"


@pytest.mark.parametrize("check", VARIABLES, ids=lambda check: check.name)
@pytest.mark.parametrize(
    ("variable", "says"),
    [
        ({"datasource": {"uid": "gone"}}, "own / $job: there is no data source gone"),
        ({"query": "label_values(up{a='$b'}, job)"}, "own / $job: no variable is called b"),
        ({"query": "label_values(none, other)"}, "own / $job has no value: none"),
    ],
)
def test_a_variable_that_cannot_be_filled_is_named(check: Check, variable: dict[str, Any], says: str) -> None:
    empty = (200, {"status": "success", "data": []})
    fake = FakeStack()
    fake.products["prometheus"]["GET /api/v1/label/other/values"] = empty
    path = "GET /api/datasources/uid/prometheus/resources/api/v1/label/other/values"
    fake.products["grafana"][path] = empty
    with fake.running(dashboards=(HEALTHY, board("own", variable=variable))) as expected:
        finding = finding_of(check, expected)
    assert finding.status == "failed"
    assert finding.evidence.startswith(says)


@pytest.mark.parametrize("check", VARIABLES, ids=lambda check: check.name)
def test_a_variable_of_another_question_is_a_remark(check: Check) -> None:
    finding = found(check, HEALTHY, board("own", variable={"query": "query_result(up)"}))
    assert finding.status == "ok", finding.evidence
    assert finding.warnings == ("own / $job was not asked for: 'query_result(up)' is no label_values(...)",)


def test_the_quick_look_page_knows_the_provisioned_sources() -> None:
    expected: Expected = expectation()
    assert {source.uid for source in expected.data_sources} == {"prometheus", "alertmanager"}
    bad = board("own", panel={"datasource": {"uid": "loki"}})
    with FakeStack().running(dashboards=(bad,), data_sources=()) as stack:
        finding = finding_of(CHECKS["prometheus.panels"], stack)
    assert finding.evidence == "own / Rate / A: there is no data source loki"
