"""What a drawing of dashboards needs: each panel's series on a grid, faults in their place, and bounds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from stack.boards.interpolate import Span
from stack.checks import drawn_panels
from stack.checks.context import CheckContext
from stack.checks.drawn_panels import Gallery, gallery
from stack.checks.model import Dashboard, Expected
from tests.fakes.drawn_prometheus import Waves, drawn_prometheus

SPAN = Span(1_767_225_600.0, 1_767_229_200.0, 12.0, 5.0)


@pytest.fixture
def waves() -> Waves:
    return Waves()


@pytest.fixture
def context(waves: Waves) -> Iterator[CheckContext]:
    with drawn_prometheus(waves) as address:
        yield CheckContext(Expected("monitoring", (("prometheus", address),)))


def board(*panels: dict[str, Any], uid: str = "b", **more: Any) -> Dashboard:
    return Dashboard(uid, json.dumps({"uid": uid, "title": uid.upper(), "panels": list(panels), **more}))


def panel(expr: str, kind: str = "timeseries", legend: str = "{{gate}}", **more: Any) -> dict[str, Any]:
    target = {"refId": "A", "expr": expr, "legendFormat": legend, **more.pop("target", {})}
    return {"id": 1, "type": kind, "title": "P", "targets": [target], **more}


def drawn(context: CheckContext, *boards: Dashboard) -> Gallery:
    return gallery(context, boards, SPAN, lambda title: None)


def test_a_series_stands_on_its_grid_with_the_labels_that_are_shown(context: CheckContext) -> None:
    (one,) = drawn(context, board(panel("sum by (gate, job) (x)"), tags=["slo"])).boards
    (made,) = one.panels
    assert (one.title, one.tags, len(made["series"])) == ("B", ("slo",), 12)
    first = made["series"][0]
    assert first["l"] == {"gate": "config_gate"} and first["s"] == SPAN.start and first["d"] == 12
    assert len(first["v"]) == 301 and made["span"] == [SPAN.start, SPAN.end]


def test_a_gap_is_a_gap() -> None:
    from stack.clients.ranges import Line

    points = ((10.0, 1.0), (20.0, 2.0), (50.0, float("nan")), (60.0, 4.0))
    assert drawn_panels._points(Line({}, points), 10.0) == {
        "s": 10.0,
        "d": 10.0,
        "v": [1, 2, None, None, None, 4],
    }
    assert drawn_panels._points(Line({}, ()), 10.0) == {"s": 0, "d": 10.0, "v": []}


def test_all_labels_are_kept_where_the_name_is_made_of_them(context: CheckContext) -> None:
    (one,) = drawn(
        context, board(panel("sum by (gate, job) (x)", legend="__auto"), panel("y", "table"))
    ).boards
    assert set(one.panels[0]["series"][0]["l"]) == {"gate", "job"}
    assert set(one.panels[1]["series"][0]["l"]) == {"job", "instance"}


def test_a_query_for_now_has_one_point(context: CheckContext, waves: Waves) -> None:
    (one,) = drawn(context, board(panel("x", "stat", target={"instant": True}))).boards
    assert [len(series["v"]) for series in one.panels[0]["series"]] == [1] * 4


def test_variables_are_replaced_in_query_and_title(context: CheckContext, waves: Waves) -> None:
    variable = {"name": "job", "type": "custom", "query": "shop", "current": {"value": "shop"}}
    told = board(panel('x{job="$job"}', title="Of $job, $nobody"), templating={"list": [variable]})
    (one,) = drawn(context, told).boards
    assert waves.queries[-1] == 'x{job="shop"}' and one.panels[0]["title"] == "Of $job, $nobody"
    (one,) = drawn(context, board(panel("x", title="Of $job"), templating={"list": [variable]})).boards
    assert one.panels[0]["title"] == "Of shop"


def test_what_cannot_be_asked_is_said_in_its_place(context: CheckContext) -> None:
    lost = panel("x", title="Lost", datasource={"type": "loki", "uid": "logs"})
    unknown = panel("x{a=$nothing}")
    (one,) = drawn(context, board(lost, unknown, panel("up"), {"type": "text", "title": "T"})).boards
    assert [made.get("note", "")[:30] for made in one.panels] == [
        "it asks loki",
        "no variable is called nothing:",
        "",
    ]
    assert [bool(made["series"]) for made in one.panels] == [False, False, True]


def test_more_series_than_can_be_read_are_counted(
    context: CheckContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawn_panels, "SERIES", 5)
    (one,) = drawn(context, board(panel("sum by (gate) (x)"))).boards
    assert (len(one.panels[0]["series"]), one.panels[0]["left"]) == (5, 1)


@pytest.mark.parametrize(("name", "bound"), [("MOST_PANELS", 2), ("MOST_BYTES", 10)])
def test_dashboards_beyond_the_bounds_are_left_out_whole_and_named(
    context: CheckContext, monkeypatch: pytest.MonkeyPatch, name: str, bound: int
) -> None:
    monkeypatch.setattr(drawn_panels, name, bound)
    told = [board(panel("x"), panel("y"), uid=uid) for uid in ("a", "b", "c")]
    found = drawn(context, *told)
    assert ([one.uid for one in found.boards], found.left_out) == (["a"], (("B", "b"), ("C", "c")))
