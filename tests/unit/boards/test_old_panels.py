"""Panels of kinds that are gone become those that took their place, with what can be said the same way."""

from __future__ import annotations

from typing import Any

import pytest

from stack.boards.old_panels import modern, replacement

FRAME = {"id": 3, "title": "T", "gridPos": {"x": 0, "y": 0, "w": 6, "h": 4}, "targets": [{"expr": "up"}]}


def turned(**said: Any) -> dict[str, Any]:
    panel = {**FRAME, **said}
    assert modern(panel) == said["type"]
    assert {key: panel[key] for key in FRAME} == FRAME
    return panel


def test_a_graph() -> None:
    panel = turned(
        type="graph",
        lines=True,
        fill=3,
        linewidth=2,
        stack=True,
        percentage=True,
        nullPointMode="connected",
        steppedLine=True,
        yaxes=[
            {"format": "bytes", "min": "0", "max": None, "label": "Size", "logBase": 10},
            {"format": "percent"},
        ],
        legend={"show": True, "alignAsTable": True, "rightSide": True, "current": True, "max": True},
        tooltip={"shared": True, "sort": 2},
        thresholds=[{"value": 90, "colorMode": "critical"}, {"value": 70, "colorMode": "warning"}],
        aliasColors={"a": "#ff0000"},
        seriesOverrides=[
            {
                "alias": "/err.*/",
                "yaxis": 2,
                "transform": "negative-Y",
                "fill": 0,
                "stack": False,
                "bars": True,
            },
            {"alias": "plain"},
            {"alias": "b", "color": "red", "dashes": True, "linewidth": 3, "legend": False},
        ],
        decimals=2,
    )
    assert panel["type"] == "timeseries"
    field = panel["fieldConfig"]["defaults"]
    assert (field["unit"], field["min"], field["decimals"], "max" in field) == ("bytes", 0.0, 2, False)
    custom = field["custom"]
    assert (custom["drawStyle"], custom["fillOpacity"], custom["lineWidth"]) == ("line", 30, 2)
    assert (custom["stacking"]["mode"], custom["spanNulls"]) == ("percent", True)
    assert (custom["lineInterpolation"], custom["axisLabel"]) == ("stepAfter", "Size")
    assert custom["scaleDistribution"] == {"type": "log", "log": 10}
    assert [step["value"] for step in field["thresholds"]["steps"]] == [None, 70.0, 90.0]
    assert panel["options"]["legend"] == {
        "showLegend": True, "displayMode": "table", "placement": "right", "calcs": ["lastNotNull", "max"],
    }  # fmt: skip
    assert panel["options"]["tooltip"] == {"mode": "multi", "sort": "desc"}
    matched = {o["matcher"]["options"]: o["matcher"]["id"] for o in panel["fieldConfig"]["overrides"]}
    assert matched == {"a": "byName", "/err.*/": "byRegexp", "b": "byName"}
    second = {p["id"]: p["value"] for p in panel["fieldConfig"]["overrides"][1]["properties"]}
    assert (second["custom.axisPlacement"], second["unit"]) == ("right", "percent")
    assert (second["custom.transform"], second["custom.drawStyle"]) == ("negative-Y", "bars")


@pytest.mark.parametrize(
    ("said", "style", "points"),
    [
        ({"bars": True, "lines": False}, "bars", "never"),
        ({"bars": False, "lines": False, "points": True}, "points", "always"),
        ({}, "line", "never"),
        ({"xaxis": {"mode": "histogram"}}, "line", "never"),
    ],
)
def test_how_a_graph_is_drawn(said: dict[str, Any], style: str, points: str) -> None:
    panel = turned(type="graph", **said)
    custom = panel["fieldConfig"]["defaults"]["custom"]
    assert (custom["drawStyle"], custom["showPoints"]) == (style, points)
    assert panel["type"] == ("histogram" if "xaxis" in said else "timeseries")


def test_a_single_value() -> None:
    panel = turned(
        type="singlestat",
        format="percentunit",
        valueName="current",
        thresholds="0.5, 0.9",
        colors=["green", "orange", "red"],
        colorBackground=True,
        sparkline={"show": True},
        valueMaps=[{"value": "1", "text": "Up"}, {"value": "null", "text": "N/A"}],
        decimals=1,
    )
    assert panel["type"] == "stat"
    field = panel["fieldConfig"]["defaults"]
    assert (field["unit"], field["decimals"]) == ("percentunit", 1)
    assert [(s["color"], s["value"]) for s in field["thresholds"]["steps"]] == [
        ("green", None), ("orange", 0.5), ("red", 0.9),
    ]  # fmt: skip
    assert field["mappings"][0]["options"] == {"1": {"text": "Up"}}
    assert field["mappings"][1]["options"]["match"] == "null"
    options = panel["options"]
    assert (options["colorMode"], options["graphMode"]) == ("background", "area")
    assert options["reduceOptions"]["calcs"] == ["lastNotNull"]


def test_a_single_value_with_a_dial_and_ranges() -> None:
    ranges = [{"from": "0", "to": "10", "text": "low"}, {"from": "x", "to": "y", "text": "?"}]
    panel = turned(
        type="singlestat",
        gauge={"show": True, "minValue": 5, "maxValue": 50},
        mappingType=2,
        rangeMaps=ranges,
    )
    field = panel["fieldConfig"]["defaults"]
    assert (panel["type"], field["min"], field["max"]) == ("gauge", 5, 50)
    assert [one["options"]["from"] for one in field["mappings"]] == [0.0]


def test_a_table() -> None:
    styles = [
        {"pattern": "Time", "type": "hidden"},
        {"pattern": "Value #A", "alias": "CPU", "type": "number", "unit": "percent", "decimals": 1},
        {"pattern": "/.*/", "type": "number"},
    ]
    panel = turned(type="table", styles=styles, transform="table", targets=FRAME["targets"])
    overrides = panel["fieldConfig"]["overrides"]
    assert [o["matcher"]["options"] for o in overrides] == ["Time", "Value #A"]
    assert {p["id"] for p in overrides[1]["properties"]} == {"displayName", "unit", "decimals"}
    assert panel["type"] == "table" and "transformations" not in panel


def test_a_heat_map_a_pie_and_a_text() -> None:
    heat = turned(
        type="heatmap",
        dataFormat="tsbuckets",
        yAxis={"format": "s"},
        color={"colorScheme": "interpolateSpectral"},
    )
    assert heat["options"]["calculate"] is False and heat["options"]["color"]["scheme"] == "Spectral"
    assert heat["fieldConfig"]["defaults"]["unit"] == "s"
    pie = turned(type="grafana-piechart-panel", pieType="donut", valueName="current", format="bytes")
    assert (pie["type"], pie["options"]["pieType"]) == ("piechart", "donut")
    text = turned(type="text", mode="html", content="<b>x</b>")
    assert text["options"] == {"mode": "html", "content": "<b>x</b>"}


@pytest.mark.parametrize(
    "panel",
    [
        {"type": "timeseries", "options": {}},
        {"type": "table", "options": {"showHeader": True}, "fieldConfig": {}},
        {"type": "heatmap", "options": {"calculate": True}},
        {"type": "text", "options": {"content": "x"}},
        {"type": "geomap"},
    ],
)
def test_panels_of_today_stay(panel: dict[str, Any]) -> None:
    before = dict(panel)
    assert modern(panel) == "" and panel == before


def test_a_plug_in_that_is_gone_has_a_named_replacement() -> None:
    assert replacement("grafana-worldmap-panel") == "geomap" and replacement("somebodys-panel") == ""


@pytest.mark.parametrize(
    "broken", [{"yaxes": "x"}, {"thresholds": 3}, {"seriesOverrides": [3]}, {"legend": None}, {"fill": "x"}]
)
def test_strange_settings_do_no_harm(broken: dict[str, Any]) -> None:
    assert turned(type="graph", **broken)["type"] == "timeseries"
