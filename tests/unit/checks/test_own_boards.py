"""Each panel of a user's dashboard is judged as somebody would who opens it, and none of it is a failure."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from stack.checks.batches import MARK
from stack.checks.context import CheckContext
from stack.checks.model import Dashboard, DataSource, Expected
from stack.checks.own_boards import Judgement, Verdict, explained, judged
from stack.components import all_checks
from tests.loopback import Asked, Reply, Route, serve
from tests.unit.checks.fake_stack import FakeStack, data
from tests.unit.checks.test_checks_products import finding_of

CHECK = next(check for check in all_checks() if check.name == "prometheus.own_panels")
SERIES = {
    "up": [{"job": "app"}, {"job": "node"}],
    "flat_total": [{"job": "app"}],
    "nothing_divided": [{"job": "app"}],
    "disk": [{"job": "app", "device": "sda"}],
}
"""The metrics that this Prometheus has, and their series."""


def chosen(expr: str) -> list[dict[str, str]]:
    """The series that a query of the tests finds."""
    name = next((one for one in SERIES if re.search(rf"\b{one}\b", expr)), "")
    wanted = dict(re.findall(r'(\w+)="([^"]+)"', expr))
    return [one for one in SERIES.get(name, []) if wanted.items() <= one.items()]


def value_of(expr: str) -> str:
    return "NaN" if "nothing_divided" in expr else "1"


def refused(expr: str) -> Reply | None:
    return (400, {"error": 'parse error: unexpected "}"'}) if "}}" in expr else None


def instant(asked: Asked) -> Reply:
    expr = asked.params["query"]
    if parts := re.findall(rf'label_replace\(group\((.*?)\), "{MARK}", "(\d+)"', expr):
        found: list[dict[str, Any]] = [
            {"metric": {MARK: number}, "value": [1, "1"]} for part, number in parts if chosen(part)
        ]
        return data({"resultType": "vector", "result": found})
    found = [{"metric": {"__name__": "up", **one}, "value": [1, value_of(expr)]} for one in chosen(expr)]
    return refused(expr) or data({"resultType": "vector", "result": found})


def ranged(asked: Asked) -> Reply:
    expr = asked.params["query"]
    found = [] if "flat_total[" in expr else chosen(expr)
    lines = [{"metric": one, "values": [[1, value_of(expr)]]} for one in found]
    return refused(expr) or data({"resultType": "matrix", "result": lines})


def values(label: str) -> Any:
    def answer(asked: Asked) -> Reply:
        selector = asked.params.get("match[]", "up")
        return data(sorted({one[label] for one in chosen(selector) if label in one}))

    return answer


ROUTES: dict[str, Route] = {
    "POST /api/v1/query": instant,
    "POST /api/v1/query_range": ranged,
    "GET /api/v1/label/job/values": values("job"),
    "GET /api/v1/label/device/values": values("device"),
    "GET /api/v1/label/team/values": data([]),
    "GET /api/v1/label/__name__/values": data(sorted(SERIES)),
    "GET /api/v1/labels": data(["device", "job"]),
    "GET /api/v1/series": data([{"__name__": "up", "job": "app"}]),
}


@pytest.fixture(scope="module")
def context() -> Iterator[CheckContext]:
    with serve(ROUTES) as address:
        yield CheckContext(Expected("test", (("prometheus", address),)))


def panel(*exprs: str, **said: Any) -> dict[str, Any]:
    targets = [{"refId": chr(65 + n), "expr": expr} for n, expr in enumerate(exprs)]
    return {"id": 1, "type": "timeseries", "title": "P", "targets": targets, **said}


def board(*panels: Any, **variables: dict[str, Any]) -> dict[str, Any]:
    listed = [{"name": name, "type": "query", **said} for name, said in variables.items()]
    return {"uid": "mine", "title": "Mine", "panels": list(panels), "templating": {"list": listed}}


def of(context: CheckContext, shown: dict[str, Any], **variables: dict[str, Any]) -> Verdict:
    (verdict,) = judged(context, board(shown, **variables), time.time()).panels
    return verdict


@pytest.mark.parametrize(
    ("shown", "kind", "why"),
    [
        (panel("up"), "data", ""),
        (panel("gone", "up"), "data", ""),
        (panel("rate(gone_total[5m])"), "empty", "no series has the name gone_total"),
        (panel("disks"), "empty", "no series has the name disks; there is disk"),
        (panel('up{job="db"}'), "empty", 'no series of up has job="db"; there is "app", "node"'),
        (panel('disk{team="a"}'), "empty", "no series of disk has the label team"),
        (panel("rate(flat_total[5m])"), "empty", "its series exist and yield nothing now; a rate needs two samples"),
        (panel("flat_total[1m] > 5"), "empty", "its series exist"),
        (panel("nothing_divided"), "empty", "it has only NaN"),
        (panel("up{}}"), "wrong", 'parse error: unexpected "}"'),
        (panel("up", "up{}}"), "wrong", "parse error"),
        (panel('up{job="$nobody"}'), "wrong", "no variable is called nobody"),
        (panel("up", datasource={"type": "loki", "uid": "l"}), "skipped", "it asks loki"),
        (panel("up", datasource={"uid": "-- Dashboard --"}), "skipped", "it asks another panel's result"),
        (panel("up", datasource="-- Grafana --"), "skipped", "it asks Grafana itself"),
        (panel(), "skipped", "it has no query"),
        (panel("", "  "), "skipped", "it has no query in PromQL"),
        (panel("gone", targets=[{"expr": "gone", "hide": True}]), "skipped", "it has no query"),
        ({"type": "stat", "title": "L", "libraryPanel": {"uid": "l"}}, "skipped", "a library panel"),
        (panel("up", type="geomap", targets=[{"refId": "A", "rawSql": "x"}]), "skipped", "it has no query in PromQL"),
        (panel("up", targets=[{"expr": "up", "instant": True}]), "data", ""),
        (panel("up", datasource={"uid": "-- Mixed --"}), "skipped", "it asks Grafana itself"),
        (panel("up", timeFrom="2d", interval="1m"), "data", ""),
    ],
)  # fmt: skip
def test_a_panel(context: CheckContext, shown: dict[str, Any], kind: str, why: str) -> None:
    verdict = of(context, shown)
    assert verdict.kind == kind and why in verdict.why


def test_a_mixed_panel_is_judged_by_what_it_asks_of_prometheus(context: CheckContext) -> None:
    ours = {"refId": "A", "expr": "up", "datasource": {"type": "prometheus", "uid": "${ds}"}}
    logs = {"refId": "B", "expr": "{a='b'}", "datasource": {"type": "loki", "uid": "l"}}
    sums = {"refId": "C", "type": "math", "datasource": {"type": "__expr__", "uid": "__expr__"}}
    shown = panel(datasource={"uid": "-- Mixed --"}, targets=[ours, logs, sums])
    verdict = of(context, shown, ds={"type": "datasource", "query": "prometheus"})
    assert (verdict.kind, verdict.queries) == ("data", ("up",))


@pytest.mark.parametrize(
    ("source", "kind", "why"),
    [
        (
            {"type": "prometheus", "uid": "${DS_PROMETHEUS}"},
            "wrong",
            "no variable is called DS_PROMETHEUS; monitoring",
        ),
        (
            {"type": "prometheus", "uid": "P1809F7CD0C75ACF3"},
            "wrong",
            "there is no data source P1809F7CD0C75ACF3",
        ),
        ({"type": "prometheus", "uid": "prometheus"}, "data", ""),
        ({"uid": "${ds}"}, "data", ""),
        ("Prometheus", "data", ""),
        ("Logs", "skipped", "it asks loki"),
        ("default", "data", ""),
        (None, "data", ""),
    ],
)
def test_a_data_source_that_grafana_would_not_find_is_wrong(
    context: CheckContext, source: Any, kind: str, why: str
) -> None:
    sources = (
        DataSource("prometheus", "Prometheus", "prometheus", "http://p"),
        DataSource("l", "Logs", "loki", "http://l"),
    )
    with_sources = CheckContext(replace(context.expected, data_sources=sources))
    verdict = of(
        with_sources, panel("up", datasource=source), ds={"type": "datasource", "query": "prometheus"}
    )
    assert verdict.kind == kind and why in verdict.why


@pytest.mark.parametrize(
    ("variable", "expr", "asked"),
    [
        ({"query": "label_values(up, job)"}, 'up{job="$v"}', 'up{job="app"}'),
        ({"query": "label_values(up, job)", "current": {"value": "node"}}, 'up{job="$v"}', 'up{job="node"}'),
        ({"query": "label_values(up, job)", "includeAll": True}, 'up{job=~"$v"}', 'up{job=~"(app|node)"}'),
        ({"query": "label_values(up, job)", "includeAll": True, "allValue": ".+"}, 'up{job=~"$v"}', 'up{job=~".+"}'),
        ({"query": "label_names()"}, "count by ($v) (up)", "count by (device) (up)"),
        ({"query": "metrics(up)"}, "$v", "disk"),
        ({"query": "query_result(up)", "regex": '/job="([^"]+)"/'}, 'up{job="$v"}', 'up{job="app"}'),
        ({"query": 'up{job="app"}', "regex": '/job="([^"]+)"/'}, 'up{job="$v"}', 'up{job="app"}'),
        ({"type": "interval", "query": "1m,5m"}, "rate(up[$v])", "rate(up[1m])"),
        ({"type": "interval", "query": "1m", "auto": True}, "rate(up[$__auto_interval_v])", "rate(up[120s])"),
        ({"type": "custom", "query": "app,node"}, 'up{job="[[v]]"}', 'up{job="app"}'),
        ({"type": "constant", "query": "app"}, 'up{job="${v}"}', 'up{job="app"}'),
        ({"type": "textbox", "query": "app"}, 'up{job="${v:raw}"}', 'up{job="app"}'),
        ({"type": "adhoc"}, "up", "up"),
    ],
)  # fmt: skip
def test_variables_have_the_value_that_a_browser_takes(
    context: CheckContext, variable: dict[str, Any], expr: str, asked: str
) -> None:
    verdict = of(context, panel(expr), v=variable)
    assert verdict.queries == (asked,) and verdict.kind == "data"


def test_a_variable_that_needs_another_and_one_of_another_source(context: CheckContext) -> None:
    other = {
        "query": "label_values(job)",
        "datasource": {"type": "loki", "uid": "l"},
        "current": {"value": "app"},
    }
    inner = {"query": 'label_values(disk{job="$a"}, device)'}
    verdict = of(context, panel('disk{job="$a",device="$b"}'), b=inner, a=other)
    assert verdict.queries == ('disk{job="app",device="sda"}',) and verdict.kind == "data"


def test_what_is_remarkable_of_variables_is_told(context: CheckContext) -> None:
    found = judged(
        context,
        board(
            none={"query": "label_values(gone, job)"},
            logs={"query": "x", "datasource": {"type": "loki", "uid": "l"}},
            wrong={"query": 'label_values(up{a="$nobody"}, job)'},
            filters={"type": "adhoc", "query": "x"},
        ),
        time.time(),
    )
    assert [remark.partition(":")[0] for remark in found.remarks] == [
        "$wrong", "$none has no value", "$logs asks a loki data source", "$filters",
    ]  # fmt: skip
    assert found.summary == "no panel that shows data"


def test_repeated_panels_are_judged_by_their_first(context: CheckContext) -> None:
    every = {"query": "label_values(up, job)", "multi": True, "includeAll": True}
    assert of(context, panel('up{job="$v"}', repeat="v"), v=every).queries == ('up{job="app"}',)
    row = {"type": "row", "repeat": "v", "panels": [panel('up{job="$v"}')]}
    assert of(context, row, v=every).kind == "data"


def test_a_judgement_in_words(context: CheckContext) -> None:
    shown = [
        panel("up"),
        panel("gone", title="Q"),
        panel("up{}}", title="W"),
        panel(title="N"),
        {"type": "text"},
    ]
    found = judged(context, board(*shown), time.time())
    assert found.summary == "4 panels: 1 with data, 1 empty, 1 wrong, 1 not judged"
    assert [line.partition(":")[0] for line in found.lines()] == ["W", "Q", "N"]
    assert Judgement("u", "t", ()).summary == "no panel that shows data"


@pytest.mark.parametrize(
    "strange",
    [{"panels": 3}, {"panels": [None, {"type": "stat", "targets": [3]}]}, {"templating": []}, {"time": "x"}],
)
def test_strange_files_do_no_harm(context: CheckContext, strange: dict[str, Any]) -> None:
    assert isinstance(judged(context, {**board(), **strange}, time.time()), Judgement)


def own(*shown: dict[str, Any], mine: bool = True) -> tuple[Dashboard, ...]:
    return (Dashboard("mine", json.dumps(board(*shown)), own=mine),)


def framed(asked: Asked) -> Reply:
    """What Grafana gives a browser."""
    (query,) = json.loads(asked.body)["queries"]
    expr = query["expr"]
    if "}}" in expr:
        return 400, {"results": {"A": {"error": "bad_data: parse error", "status": 400, "frames": []}}}
    lines = [[None if "nothing" in expr else 1] for _ in chosen(expr)]
    schema = {"fields": [{"type": "time"}, {"type": "number"}]}
    frames = [{"schema": schema, "data": {"values": [[n for n, _ in enumerate(x)], x]}} for x in lines]
    return 200, {"results": {"A": {"frames": frames or [{"schema": {"fields": []}, "data": {"values": []}}]}}}


@pytest.fixture
def grafana() -> Iterator[tuple[CheckContext, list[dict[str, Any]]]]:
    """A stack with Grafana, and the queries that it was sent."""
    sent: list[dict[str, Any]] = []

    def noted(asked: Asked) -> Reply:
        sent.extend(json.loads(asked.body)["queries"])
        return framed(asked)

    fake = FakeStack()
    fake.products["prometheus"] = {**fake.products["prometheus"], **ROUTES}
    by_hand = {**LOADED, "uid": "other", "name": "Other"}
    fake.products["grafana"]["POST /api/ds/query"] = noted
    fake.products["grafana"]["GET /api/datasources"] = (200, [LOADED, by_hand])
    with fake.running() as expected:
        yield CheckContext(expected), sent


LOADED = {
    "uid": "prometheus",
    "name": "Prometheus",
    "type": "prometheus",
    "url": "http://p",
    "readOnly": True,
}


@pytest.mark.parametrize(
    ("shown", "kind", "sent"),
    [
        (panel("up"), "data", ("up", "prometheus")),
        (
            panel("rate(flat_total[$__rate_interval])"),
            "data",
            ("rate(flat_total[${__rate_interval}])", "prometheus"),
        ),
        (panel("up offset $__from"), "data", None),
        (panel("up", datasource={"type": "prometheus", "uid": "other"}), "data", ("up", "other")),
        (panel("up", datasource="Other"), "data", ("up", "other")),
        (panel("gone"), "empty", ("gone", "prometheus")),
        (panel("nothing_divided"), "empty", ("nothing_divided", "prometheus")),
        (panel("up{}}"), "wrong", ("up{}}", "prometheus")),
        (panel("up", datasource={"type": "prometheus", "uid": "lost"}), "wrong", None),
    ],
)
def test_grafana_answers_where_it_runs_as_it_does_a_browser(
    grafana: tuple[CheckContext, list[dict[str, Any]]],
    shown: dict[str, Any],
    kind: str,
    sent: tuple[str, str] | None,
) -> None:
    context, seen = grafana
    assert of(context, shown).kind == kind
    if sent:
        assert [(one["expr"], one["datasource"]["uid"]) for one in seen] == [sent]


def test_where_grafana_refuses_our_login_prometheus_answers() -> None:
    fake = FakeStack()
    fake.products["prometheus"] = {**fake.products["prometheus"], **ROUTES}
    with fake.running(grafana_password="another") as expected:
        assert of(CheckContext(expected), panel("up")).kind == "data"


@pytest.mark.parametrize("how", ["", " through Grafana"])
def test_the_check_tells_and_never_fails(how: str) -> None:
    fake = FakeStack()
    if how:
        fake.products["grafana"]["POST /api/ds/query"] = framed
    else:
        del fake.products["grafana"]
    fake.products["prometheus"] = {**fake.products["prometheus"], **ROUTES}
    shown = own(panel("up"), panel("gone", title="Q"), panel("up{}}", title="W"))
    with fake.running(dashboards=shown) as expected:
        finding = finding_of(CHECK, expected)
        assert finding.status == "ok"
        assert finding.evidence == f"panels of your own dashboards{how}: 1 with data, 1 empty, 1 wrong"
        (warning,) = finding.warnings
        assert warning.startswith("Mine (mine): of 3 panels 1 wrong, 1 empty: W: ")
        assert warning.endswith("monitoring-stack dashboard check mine names each")


def test_the_check_is_asked_only_where_there_is_an_own_dashboard() -> None:
    with FakeStack().running(dashboards=own(panel("up"), mine=False)) as expected:
        assert not CHECK.concerns(expected)


def test_young_data_is_waited_for_and_an_absent_prometheus_is_a_failure() -> None:
    fake = FakeStack()
    fake.products["prometheus"] = {**fake.products["prometheus"], **ROUTES}
    shown = own(panel("rate(flat_total[5m])"))
    with fake.running(dashboards=shown) as expected:
        assert finding_of(CHECK, expected).status == "ok"
    del fake.products["prometheus"]["GET /api/v1/status/runtimeinfo"]
    with fake.running(dashboards=shown) as expected:
        finding = finding_of(CHECK, expected, seconds=0.2)
        assert finding.status == "failed" and "runtimeinfo" in finding.evidence


def test_time_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stack.checks.own_panels.ENOUGH", -1.0)
    with FakeStack().running(dashboards=own(panel("up"))) as expected:
        (warning,) = finding_of(CHECK, expected).warnings
    assert warning.startswith("1 more of your own dashboards were not judged")


@pytest.mark.parametrize(
    ("shown", "why"),
    [
        (panel('nothing_divided{job=~"$v"}'), "$v has no value"),
        (panel("rate(flat_total[$v])"), "$v has no value"),
        (panel("up[$v]}}"), "$v has no value"),
        (panel('nothing_divided{job=~"$v",x=~"$w"}'), "$v, $w have no value"),
        (panel('gone{job=~"$v"}'), "no series has the name gone"),
        (panel('flat_total{job="$v:"}'), "$v has no value"),
        (panel('gone{job="a"} / flat_total{job = "$v:"}'), "no series has the name gone; $v has no value"),
        (panel('flat_total{job="no",x=~"$v"}'), 'no series of flat_total has job="no"; there is "app"'),
    ],
)
def test_a_variable_without_a_value_is_the_reason(
    context: CheckContext, shown: dict[str, Any], why: str
) -> None:
    nobody = {"query": "label_values(gone, job)"}
    verdict = of(context, shown, v=nobody, w=nobody)
    assert (verdict.kind, verdict.why) == ("empty", why)


@pytest.mark.parametrize(
    "expr", ["# of $old\nup", "up # {job=~'$old'}", 'up{job="app"} # "$old', 'up{job!="#"}']
)
def test_variables_in_comments_are_nobodys_concern(context: CheckContext, expr: str) -> None:
    assert of(context, panel(expr)).kind == "data"


def test_what_looks_like_a_comment_in_a_text_is_none(context: CheckContext) -> None:
    assert "no variable is called old" in of(context, panel('up{job!="# $old"}')).why


def test_what_is_wrong_whatever_the_value_stays_so(context: CheckContext) -> None:
    assert of(context, panel('up{job="$v"}}'), v={"query": "label_values(gone, job)"}).kind == "wrong"


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ('1:1: parse error: unknown function with name "topk_max"', "topk_max is a function of MetricsQL"),
        (
            '1:1: parse error: unknown function with name "prometheus_buckets"',
            "prometheus_buckets is a function of",
        ),
        (
            '1:1: parse error: unknown function with name "rat"',
            '1:1: parse error: unknown function with name "rat"',
        ),
        ("no variable is called x", "no variable is called x"),
    ],
)
def test_another_language_is_named(fault: str, said: str) -> None:
    assert explained(fault).startswith(said)
