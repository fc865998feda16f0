"""Panels of kinds that Grafana has given up, as those that took their place. Pure.

Only what can be said the same way is kept; what is new has the defaults of the new kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from stack.boards.model import inner, objects
from stack.boards.old_graph import timeseries

Panel = dict[str, Any]
FRAME = (
    "id", "title", "description", "gridPos", "datasource", "targets", "transparent", "links", "repeat",
    "repeatDirection", "maxPerRow", "interval", "maxDataPoints", "timeFrom", "timeShift", "hideTimeOverride",
    "transformations", "libraryPanel",
)  # fmt: skip
CALCULATIONS = {
    "current": "lastNotNull",
    "avg": "mean",
    "total": "sum",
    "min": "min",
    "max": "max",
    "first": "firstNotNull",
    "delta": "delta",
    "diff": "diff",
    "range": "range",
    "name": "lastNotNull",
}
NAMED_ONLY = {
    "grafana-worldmap-panel": "geomap",
    "jdbranham-diagram-panel": "canvas",
    "natel-discrete-panel": "state-timeline",
    "flant-statusmap-panel": "status-history",
    "vonage-status-panel": "stat",
    "michaeldmoore-annunciator-panel": "stat",
    "michaeldmoore-multistat-panel": "bargauge",
    "btplc-status-dot-panel": "stat",
    "blackmirror1-singlestat-math-panel": "stat",
}
"""Plug-ins that current servers do not load any more, and what shows the same today."""


BROUGHT = frozenset(
    {
        *(
            "alertlist",
            "annolist",
            "barchart",
            "bargauge",
            "candlestick",
            "canvas",
            "dashlist",
            "datagrid",
            "debug",
        ),
        *("flamegraph", "gauge", "geomap", "gettingstarted", "heatmap", "histogram", "live", "logs", "news"),
        *(
            "nodeGraph",
            "piechart",
            "row",
            "stat",
            "state-timeline",
            "status-history",
            "table",
            "text",
            "timeseries",
        ),
        *("traces", "trend", "welcome", "xychart"),
    }
)
"""The kinds that Grafana itself brings."""


def modern(panel: Panel) -> str:
    """Makes the panel one of today where that is simple; returns its old kind, empty where it was of today."""
    kind = str(panel.get("type"))
    converted = CONVERTED.get(kind)
    if converted is None or not _is_old(kind, panel):
        return ""
    made = converted(panel)
    frame = {key: panel[key] for key in FRAME if key in panel}
    panel.clear()
    panel.update(frame | made)
    return kind


def replacement(kind: str) -> str:
    """What shows the same today as a plug-in that is gone; empty where nothing is known."""
    return NAMED_ONLY.get(kind, "")


def foreign(panel: Mapping[str, Any]) -> str:
    """The plug-in that Grafana must be given for a panel; empty where it needs none."""
    kind = str(panel.get("type") or "")
    return "" if not kind or kind in BROUGHT or replacement(kind) or panel.get("libraryPanel") else kind


def _is_old(kind: str, panel: Mapping[str, Any]) -> bool:
    """Whether a kind whose name was used again has the settings of the old one."""
    if kind == "heatmap":
        return "options" not in panel and ("dataFormat" in panel or "yAxis" in panel)
    if kind == "table":
        return "styles" in panel and "options" not in panel
    if kind == "text":
        return "content" in panel and "options" not in panel
    return True


def _stat(panel: Mapping[str, Any]) -> Panel:
    gauge = inner(panel.get("gauge"))
    steps, colors = _numbers(panel.get("thresholds")), panel.get("colors")
    shown = [str(one) for one in colors] if isinstance(colors, list) and colors else []
    defaults: Panel = {"unit": panel.get("format") or "none", "mappings": _mappings(panel)}
    if isinstance(panel.get("decimals"), int):
        defaults["decimals"] = panel["decimals"]
    if steps and len(shown) > len(steps):
        edges = [
            {"color": shown[0], "value": None},
            *({"color": c, "value": v} for c, v in zip(shown[1:], steps, strict=False)),
        ]
        defaults["thresholds"] = {"mode": "absolute", "steps": edges}
        defaults["color"] = {"mode": "thresholds"}
    calculation = CALCULATIONS.get(str(panel.get("valueName") or "avg"), "mean")
    options: Panel = {"reduceOptions": {"calcs": [calculation], "fields": "", "values": False}}
    if gauge.get("show"):
        defaults |= {"min": gauge.get("minValue", 0), "max": gauge.get("maxValue", 100)}
        return {"type": "gauge", "options": options, "fieldConfig": {"defaults": defaults, "overrides": []}}
    colored = "background" if panel.get("colorBackground") else "value" if panel.get("colorValue") else "none"
    graph = "area" if inner(panel.get("sparkline")).get("show") else "none"
    options |= {"colorMode": colored, "graphMode": graph, "textMode": "auto", "orientation": "horizontal"}
    if panel.get("valueName") == "name":
        options["textMode"] = "name"
    return {"type": "stat", "options": options, "fieldConfig": {"defaults": defaults, "overrides": []}}


def _mappings(panel: Mapping[str, Any]) -> list[Panel]:
    named = {
        str(one["value"]): {"text": str(one.get("text", ""))}
        for one in objects(panel.get("valueMaps"))
        if one.get("value") not in (None, "null")
    }
    made: list[Panel] = [{"type": "value", "options": named}] if named else []
    for one in objects(panel.get("valueMaps")):
        if one.get("value") == "null" and one.get("text"):
            result = {"text": str(one["text"])}
            made.append({"type": "special", "options": {"match": "null", "result": result}})
    if panel.get("mappingType") == 2:
        for one in objects(panel.get("rangeMaps")):
            edges = _numbers(f"{one.get('from')},{one.get('to')}")
            if len(edges) == 2:
                result = {"text": str(one.get("text", ""))}
                made.append(
                    {"type": "range", "options": {"from": edges[0], "to": edges[1], "result": result}}
                )
    return made


def _numbers(text: object) -> list[float]:
    found = []
    for part in str(text or "").split(","):
        try:
            found.append(float(part))
        except ValueError:
            continue
    return found


def _table(panel: Mapping[str, Any]) -> Panel:
    overrides = []
    for style in objects(panel.get("styles")):
        pattern = str(style.get("pattern") or "")
        properties = [*_column(style)]
        if pattern and properties:
            by = "byRegexp" if pattern.startswith("/") else "byName"
            overrides.append({"matcher": {"id": by, "options": pattern}, "properties": properties})
    changes = objects(panel.get("transformations"))
    merged = [*changes, {"id": "merge", "options": {}}] if len(objects(panel.get("targets"))) > 1 else changes
    return {
        "type": "table",
        "options": {"showHeader": bool(panel.get("showHeader", True))},
        "fieldConfig": {"defaults": {"custom": {}}, "overrides": overrides},
        **({"transformations": merged} if merged else {}),
    }


def _column(style: Mapping[str, Any]) -> list[Panel]:
    made: list[Panel] = []
    if style.get("alias"):
        made.append({"id": "displayName", "value": style["alias"]})
    if style.get("type") == "hidden":
        made.append({"id": "custom.hidden", "value": True})
    if style.get("type") == "number" and style.get("unit"):
        made.append({"id": "unit", "value": style["unit"]})
        if isinstance(style.get("decimals"), int):
            made.append({"id": "decimals", "value": style["decimals"]})
    return made


def _heatmap(panel: Mapping[str, Any]) -> Panel:
    axis, color = inner(panel.get("yAxis")), inner(panel.get("color"))
    scheme = str(color.get("colorScheme") or "interpolateOranges").removeprefix("interpolate")
    options = {
        "calculate": panel.get("dataFormat") != "tsbuckets",
        "color": {"mode": "scheme", "scheme": scheme, "scale": "exponential", "exponent": 0.5, "steps": 64},
        "yAxis": {"unit": axis.get("format") or "short"},
        "cellGap": 1,
        "legend": {"show": bool(inner(panel.get("legend")).get("show"))},
        "tooltip": {"mode": "single"},
        "filterValues": {"le": 1e-9},
    }
    unit = {"unit": axis.get("format") or "short"}
    return {"type": "heatmap", "options": options, "fieldConfig": {"defaults": unit, "overrides": []}}


def _pie(panel: Mapping[str, Any]) -> Panel:
    calculation = CALCULATIONS.get(str(panel.get("valueName") or "current"), "lastNotNull")
    options = {
        "pieType": "donut" if panel.get("pieType") == "donut" else "pie",
        "reduceOptions": {"calcs": [calculation], "fields": "", "values": False},
        "legend": {
            "showLegend": True,
            "displayMode": "table",
            "placement": "right",
            "values": ["value", "percent"],
        },
    }
    unit = {"unit": panel.get("format") or "short"}
    return {"type": "piechart", "options": options, "fieldConfig": {"defaults": unit, "overrides": []}}


def _text(panel: Mapping[str, Any]) -> Panel:
    return {"type": "text", "options": {"mode": panel.get("mode") or "markdown", "content": panel["content"]}}


def _empty_text(panel: Mapping[str, Any]) -> Panel:
    return {
        "type": "text",
        "options": {"mode": panel.get("mode") or "markdown", "content": panel.get("content", "")},
    }


CONVERTED: Mapping[str, Callable[[Mapping[str, Any]], Panel]] = {
    "graph": timeseries,
    "singlestat": _stat,
    "grafana-singlestat-panel": _stat,
    "table": _table,
    "table-old": _table,
    "heatmap": _heatmap,
    "grafana-piechart-panel": _pie,
    "text": _text,
    "text2": _empty_text,
}
