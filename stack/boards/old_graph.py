"""The old ``graph`` panel as a ``timeseries`` one, or a ``barchart`` or ``histogram`` where its axis said so. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from stack.boards.model import inner, objects

Panel = dict[str, Any]
VALUES = {"current": "lastNotNull", "avg": "mean", "min": "min", "max": "max", "total": "sum"}
SORTED = {0: "none", 1: "asc", 2: "desc"}


def timeseries(panel: Mapping[str, Any]) -> Panel:
    """What it draws: lines, bars or points, stacked or not, its axes, thresholds and exceptions by series."""
    axes = [*objects(panel.get("yaxes")), {}, {}]
    defaults = _axis(axes[0], str(panel.get("format") or "short"))
    custom = _drawing(panel)
    if axes[0].get("logBase") in (2, 10):
        custom["scaleDistribution"] = {"type": "log", "log": axes[0]["logBase"]}
    if axes[0].get("label"):
        custom["axisLabel"] = axes[0]["label"]
    if isinstance(panel.get("decimals"), int):
        defaults["decimals"] = panel["decimals"]
    if steps := _thresholds(panel):
        defaults["thresholds"] = {"mode": "absolute", "steps": steps}
        custom["thresholdsStyle"] = {"mode": "line"}
    defaults |= {"color": {"mode": "palette-classic"}, "custom": custom}
    overrides = [*_colors(inner(panel.get("aliasColors"))), *_exceptions(panel, axes[1])]
    return {
        "type": _kind(panel),
        "fieldConfig": {"defaults": defaults, "overrides": overrides},
        "options": {
            "legend": _legend(inner(panel.get("legend"))),
            "tooltip": _tooltip(inner(panel.get("tooltip"))),
        },
    }


def _kind(panel: Mapping[str, Any]) -> str:
    return "histogram" if inner(panel.get("xaxis")).get("mode") == "histogram" else "timeseries"


def _axis(axis: Mapping[str, Any], otherwise: str) -> Panel:
    made: Panel = {"unit": axis.get("format") or otherwise}
    for key in ("min", "max"):
        value = axis.get(key)
        try:
            made |= {key: float(value)} if value not in (None, "", "auto") else {}
        except (TypeError, ValueError):
            continue
    return made


def _drawing(panel: Mapping[str, Any]) -> Panel:
    bars, lines, points = (bool(panel.get(key)) for key in ("bars", "lines", "points"))
    if "lines" not in panel:
        lines = not bars and not points
    width, fill = panel.get("linewidth", 1), panel.get("fill", 1)
    style = "bars" if bars else "line" if lines else "points"
    custom: Panel = {
        "drawStyle": style,
        "lineWidth": width if isinstance(width, int | float) else 1,
        "fillOpacity": 100 if bars else min(100, fill * 10) if isinstance(fill, int | float) else 10,
        "showPoints": "always" if points else "never",
        "spanNulls": panel.get("nullPointMode") == "connected",
        "lineInterpolation": "stepAfter" if panel.get("steppedLine") else "linear",
    }
    if panel.get("stack"):
        custom["stacking"] = {"mode": "percent" if panel.get("percentage") else "normal", "group": "A"}
    return custom


def _thresholds(panel: Mapping[str, Any]) -> list[Panel]:
    steps: list[Panel] = [{"color": "transparent", "value": None}]
    for one in sorted(objects(panel.get("thresholds")), key=lambda t: _value(t) or 0.0):
        if (value := _value(one)) is not None:
            color = {"critical": "red", "warning": "orange", "ok": "green"}.get(
                str(one.get("colorMode")), "red"
            )
            steps.append({"color": one.get("lineColor") or color, "value": value})
    return steps if len(steps) > 1 else []


def _value(threshold: Mapping[str, Any]) -> float | None:
    value = threshold.get("value")
    return float(value) if isinstance(value, int | float) else None


def _legend(legend: Mapping[str, Any]) -> Panel:
    return {
        "showLegend": bool(legend.get("show", True)),
        "displayMode": "table" if legend.get("alignAsTable") else "list",
        "placement": "right" if legend.get("rightSide") else "bottom",
        "calcs": [new for old, new in VALUES.items() if legend.get(old)],
    }


def _tooltip(tooltip: Mapping[str, Any]) -> Panel:
    order = tooltip.get("sort")
    return {
        "mode": "multi" if tooltip.get("shared", True) else "single",
        "sort": SORTED.get(order, "none") if isinstance(order, int) else "none",
    }


def _colors(colors: Mapping[str, Any]) -> Iterator[Panel]:
    for name, color in colors.items():
        yield _override(name, [{"id": "color", "value": {"mode": "fixed", "fixedColor": color}}])


def _exceptions(panel: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[Panel]:
    for one in objects(panel.get("seriesOverrides")):
        properties = [*_properties(one, second)]
        if one.get("alias") and properties:
            yield _override(str(one["alias"]), properties)


def _override(name: str, properties: list[Panel]) -> Panel:
    by = "byRegexp" if name.startswith("/") and name.count("/") > 1 else "byName"
    return {"matcher": {"id": by, "options": name}, "properties": properties}


def _properties(one: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[Panel]:
    if one.get("yaxis") == 2:
        yield {"id": "custom.axisPlacement", "value": "right"}
        yield {"id": "unit", "value": second.get("format") or "short"}
    if one.get("color"):
        yield {"id": "color", "value": {"mode": "fixed", "fixedColor": one["color"]}}
    if one.get("transform") == "negative-Y":
        yield {"id": "custom.transform", "value": "negative-Y"}
    if isinstance(one.get("fill"), int):
        yield {"id": "custom.fillOpacity", "value": min(100, one["fill"] * 10)}
    if isinstance(one.get("linewidth"), int):
        yield {"id": "custom.lineWidth", "value": one["linewidth"]}
    if one.get("stack") is False:
        yield {"id": "custom.stacking", "value": {"mode": "none", "group": "A"}}
    if one.get("bars"):
        yield {"id": "custom.drawStyle", "value": "bars"}
    if one.get("dashes"):
        yield {"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [10, 10]}}
    if one.get("legend") is False:
        yield {"id": "custom.hideFrom", "value": {"legend": True, "tooltip": False, "viz": False}}
