"""Dashboards in the format of resources, version 2, become classic ones; what is lost is named."""

from __future__ import annotations

from typing import Any

import pytest

from stack.boards.board import Board
from tests.unit.boards.test_importing import sources, take

Item = dict[str, Any]


def query(expr: str = "up", **said: Any) -> Item:
    data = {
        "kind": "DataQuery",
        "group": "prometheus",
        "version": "v0",
        "datasource": {"name": "elsewhere"},
        "spec": {"expr": expr},
    }
    return {"kind": "PanelQuery", "spec": {"refId": "A", "hidden": False, "query": {**data, **said}}}


def panel(number: int, *queries: Item, **said: Any) -> Item:
    group = {"queries": list(queries) or [query()], "transformations": [], "queryOptions": {}}
    shown = {"options": {"legend": {}}, "fieldConfig": {"defaults": {"unit": "s"}, "overrides": []}}
    return {
        "kind": "Panel",
        "spec": {
            "id": number,
            "title": f"P{number}",
            "data": {"kind": "QueryGroup", "spec": group},
            "vizConfig": {"kind": "VizConfig", "group": "stat", "version": "12.4.0", "spec": shown},
            **said,
        },
    }


def item(name: str, x: int = 0, y: int = 0, **said: Any) -> Item:
    element = {"kind": "ElementReference", "name": name}
    return {
        "kind": "GridLayoutItem",
        "spec": {"x": x, "y": y, "width": 8, "height": 6, "element": element, **said},
    }


def grid(*items: Item) -> Item:
    return {"kind": "GridLayout", "spec": {"items": list(items)}}


def row(title: str, layout: Item, **said: Any) -> Item:
    return {"kind": "RowsLayoutRow", "spec": {"title": title, "collapse": False, "layout": layout, **said}}


def tab(title: str, layout: Item) -> Item:
    return {"kind": "TabsLayoutTab", "spec": {"title": title, "layout": layout}}


def rows(*listed: Item) -> Item:
    return {"kind": "RowsLayout", "spec": {"rows": list(listed)}}


def board(layout: Item, *, wrapped: bool = True, **said: Any) -> Board:
    elements = {f"panel-{n}": panel(n) for n in (1, 2, 3)} | said.pop("elements", {})
    spec = {
        "title": "Two",
        "elements": elements,
        "layout": layout,
        "variables": [],
        "annotations": [],
        **said,
    }
    if not wrapped:
        return take({**spec, "uid": "two"})
    return take(
        {
            "apiVersion": "dashboard.grafana.app/v2beta1",
            "kind": "Dashboard",
            "metadata": {"name": "two"},
            "spec": spec,
        }
    )


def shape(made: Board) -> list[tuple[str, int, int]]:
    return [(p["title"], p["gridPos"]["x"], p["gridPos"]["y"]) for p in made.model["panels"]]


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_grid(wrapped: bool) -> None:
    made = board(grid(item("panel-1"), item("panel-2", 8), item("panel-3", 16)), wrapped=wrapped)
    assert (made.uid, made.title) == ("two", "Two")
    assert shape(made) == [("P1", 0, 0), ("P2", 8, 0), ("P3", 16, 0)]
    first = made.model["panels"][0]
    assert (first["type"], first["fieldConfig"]["defaults"]["unit"]) == ("stat", "s")
    assert first["targets"][0]["expr"] == "up" and sources(made) == {"${datasource}"}
    assert made.notes == ("converted from the format of resources, version 2",)


def test_panels_that_the_layout_shows_nowhere_are_named() -> None:
    made = board(grid(item("panel-2")))
    assert made.notes[1:] == ("2 panels that its layout shows nowhere left out: P1, P3",)


def test_rows_tabs_and_what_is_inside() -> None:
    layout = {
        "kind": "TabsLayout",
        "spec": {
            "tabs": [
                tab(
                    "A",
                    rows(
                        row("One", grid(item("panel-1"))),
                        row("Two", grid(item("panel-2", 0, 2)), collapse=True),
                    ),
                ),
                tab("B", grid(item("panel-3"))),
            ]
        },
    }
    made = board(layout)
    assert shape(made) == [("A / One", 0, 0), ("P1", 0, 1), ("A / Two", 0, 7), ("B", 0, 8), ("P3", 0, 9)]
    assert [p["title"] for p in made.model["panels"][2]["panels"]] == ["P2"]
    assert "tabs became rows" in made.notes


def test_an_automatic_grid_repeats_and_conditions() -> None:
    auto = {
        "kind": "AutoGridLayout",
        "spec": {
            "maxColumnCount": 2,
            "rowHeightMode": "tall",
            "items": [{"kind": "AutoGridLayoutItem", "spec": item(f"panel-{n}")["spec"]} for n in (1, 2, 3)],
        },
    }
    made = board(
        rows(row("R", auto, repeat={"mode": "variable", "value": "job"}, conditionalRendering={"kind": "x"}))
    )
    assert shape(made) == [("R", 0, 0), ("P1", 0, 1), ("P2", 12, 1), ("P3", 0, 13)]
    assert made.model["panels"][0]["repeat"] == "job"
    assert "conditions under which a part is shown were left out" in made.notes
    repeated = board(
        grid(item("panel-1", repeat={"mode": "variable", "value": "job", "direction": "v", "maxPerRow": 3}))
    )
    assert (repeated.model["panels"][0]["repeat"], repeated.model["panels"][0]["maxPerRow"]) == ("job", 3)


def test_a_panel_that_is_missing_and_one_of_the_library() -> None:
    library = {
        "kind": "LibraryPanel",
        "spec": {"id": 9, "title": "L", "libraryPanel": {"uid": "l", "name": "Lib"}},
    }
    made = board(grid(item("panel-1"), item("gone"), item("lib")), elements={"lib": library})
    assert [p["title"] for p in made.model["panels"]] == ["P1", "L"]
    assert "a place without its panel was left out" in made.notes
    assert any("Lib" in note for note in made.notes)


def test_several_sources_in_a_panel_are_mixed() -> None:
    other = query("{a='b'}", group="loki", datasource={"name": "logs"})
    made = board(grid(item("panel-1")), elements={"panel-1": panel(1, query(), other)})
    assert sources(made) == {"-- Mixed --", "${datasource}", "logs"}


def test_the_first_versions_named_kinds_otherwise() -> None:
    old = {
        "kind": "PanelQuery",
        "spec": {
            "refId": "B",
            "hidden": True,
            "datasource": {"type": "prometheus", "uid": "p"},
            "query": {"kind": "prometheus", "spec": {"expr": "up"}},
        },
    }
    drawn = {"kind": "gauge", "spec": {"options": {}, "fieldConfig": {}}}
    made = board(grid(item("panel-1")), elements={"panel-1": panel(1, old, vizConfig=drawn)})
    first = made.model["panels"][0]
    assert (first["type"], first["targets"][0]["hide"], first["targets"][0]["refId"]) == ("gauge", True, "B")
    assert sources(made) == {"${datasource}"}


def test_variables_of_every_kind() -> None:
    current = {"current": {"text": "a", "value": "a"}, "options": [], "hide": "hideLabel"}
    asked = {"kind": "DataQuery", "group": "prometheus", "datasource": {"name": "p"}}
    listed: list[tuple[str, Item]] = [
        (
            "QueryVariable",
            {
                "name": "q",
                "query": {**asked, "spec": {"query": "label_values(up, job)"}},
                "refresh": "onTimeRangeChanged",
                "sort": "naturalDesc",
            },
        ),
        (
            "QueryVariable",
            {"name": "l", "query": {**asked, "spec": {"__legacyStringValue": "label_values(job)"}}},
        ),
        (
            "QueryVariable",
            {"name": "b", "query": {**asked, "spec": {"qryType": 1, "label": "job", "metric": "up"}}},
        ),
        ("TextVariable", {"name": "t", "query": "text"}),
        ("ConstantVariable", {"name": "c", "query": "k"}),
        ("DatasourceVariable", {"name": "d", "pluginId": "prometheus"}),
        (
            "IntervalVariable",
            {"name": "i", "query": "1m,5m", "auto": True, "auto_min": "10s", "auto_count": 20},
        ),
        ("CustomVariable", {"name": "u", "query": "a,b", "multi": True, "includeAll": True}),
        ("SwitchVariable", {"name": "s", "current": "on", "enabledValue": "on", "disabledValue": "off"}),
        ("AdhocVariable", {"name": "h", "filters": []}),
        ("UnheardOf", {"name": "z"}),
    ]
    made = board(grid(), variables=[{"kind": kind, "spec": {**current, **said}} for kind, said in listed])
    found = {v["name"]: v for v in made.model["templating"]["list"]}
    kinds = {name: v["type"] for name, v in found.items()}
    assert kinds == {
        "q": "query", "l": "query", "b": "query", "t": "textbox", "c": "constant", "d": "datasource",
        "i": "interval", "u": "custom", "s": "switch", "h": "adhoc",
    }  # fmt: skip
    assert (found["q"]["query"], found["q"]["refresh"], found["q"]["sort"]) == ("label_values(up, job)", 2, 8)
    assert found["q"]["hide"] == 1 and found["q"]["datasource"]["uid"] == "${d}"
    assert found["l"]["query"] == "label_values(job)" and found["b"]["query"]["qryType"] == 1
    assert (found["i"]["auto_count"], found["s"]["query"]) == (20, "on,off")


def test_times_links_and_annotations() -> None:
    annotation = {
        "kind": "AnnotationQuery",
        "spec": {
            "name": "A",
            "enable": True,
            "iconColor": "red",
            "query": {"group": "prometheus", "datasource": {"name": "p"}, "spec": {"expr": "ALERTS"}},
        },
    }
    built_in = {
        "kind": "AnnotationQuery",
        "spec": {
            "name": "B",
            "builtIn": True,
            "query": {"group": "grafana", "datasource": {"name": "-- Grafana --"}, "spec": {}},
        },
    }
    settings = {"from": "now-3h", "to": "now", "autoRefresh": "30s", "timezone": "utc"}
    made = board(
        grid(), timeSettings=settings, cursorSync="Tooltip", annotations=[built_in, annotation], tags=["t"]
    )
    model = made.model
    assert (model["time"]["from"], model["refresh"], model["graphTooltip"], model["tags"]) == (
        "now-3h",
        "30s",
        2,
        ["t"],
    )
    first, second = model["annotations"]["list"]
    assert (first["builtIn"], first["datasource"]["uid"]) == (1, "-- Grafana --")
    assert (second["expr"], second["datasource"]["uid"]) == ("ALERTS", "${datasource}")


@pytest.mark.parametrize(
    "layout", [{}, {"kind": "New", "spec": {}}, {"kind": "GridLayout", "spec": {"items": [3]}}, rows()]
)
def test_strange_layouts_do_no_harm(layout: Item) -> None:
    assert board(layout).model["panels"] == []
