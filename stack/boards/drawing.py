"""Panels of generated dashboards as Grafana's JSON, and where they stand. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from msgspec import Struct

Shape = Literal["timeseries", "stat", "heatmap", "table"]
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
COLUMNS = 24
GREEN = {"color": "green", "value": None}


class Query(Struct, frozen=True):
    """One expression and what its series are called."""

    expr: str
    legend: str = ""


class Drawn(Struct, frozen=True):
    """One panel. ``width`` in Grafana's 24 columns, ``height`` in its lines."""

    shape: Shape
    title: str
    description: str
    unit: str
    queries: tuple[Query, ...]
    width: int = 12
    height: int = 8
    up_or_down: bool = False


class Section(Struct, frozen=True):
    """A row of panels. ``folded``: closed when the dashboard opens."""

    title: str
    panels: tuple[Drawn, ...]
    folded: bool = False


@dataclass
class _Place:
    number: int = 0
    top: int = 0
    panels: list[dict[str, Any]] = field(default_factory=list)


def on_a_page(sections: Iterable[Section]) -> list[dict[str, Any]]:
    """The panels of all sections, one below the other."""
    place = _Place()
    for section in sections:
        place.number += 1
        row = {
            "id": place.number,
            "type": "row",
            "title": section.title,
            "collapsed": section.folded,
            "gridPos": {"x": 0, "y": place.top, "w": COLUMNS, "h": 1},
            "panels": [],
        }
        place.panels.append(row)
        place.top += 1
        inside = _laid_out(section.panels, place)
        if section.folded:
            row["panels"] = inside
        else:
            place.panels += inside
    return place.panels


def _laid_out(panels: Sequence[Drawn], place: _Place) -> list[dict[str, Any]]:
    made, left, height = [], 0, 0
    for panel in panels:
        if left + panel.width > COLUMNS:
            place.top, left, height = place.top + height, 0, 0
        place.number += 1
        spot = {"x": left, "y": place.top, "w": panel.width, "h": panel.height}
        made.append({"id": place.number, "gridPos": spot, **_drawn(panel)})
        left, height = left + panel.width, max(height, panel.height)
    place.top += height
    return made


def _drawn(panel: Drawn) -> dict[str, Any]:
    return {
        "type": panel.shape,
        "title": panel.title,
        "description": panel.description,
        "datasource": SOURCE,
        "targets": [_target(panel, query, chr(ord("A") + n)) for n, query in enumerate(panel.queries)],
        "fieldConfig": {"defaults": _field(panel), "overrides": []},
        "options": _options(panel),
    }


def _target(panel: Drawn, query: Query, ref: str) -> dict[str, Any]:
    now = panel.shape in ("stat", "table")
    formats = {"heatmap": "heatmap", "table": "table"}
    return {
        "refId": ref,
        "datasource": SOURCE,
        "expr": query.expr,
        "legendFormat": query.legend or "__auto",
        "editorMode": "code",
        "instant": now,
        "range": not now,
        **({"format": formats[panel.shape]} if panel.shape in formats else {}),
    }


def _field(panel: Drawn) -> dict[str, Any]:
    if panel.up_or_down:
        states = {"0": {"text": "Down", "color": "red"}, "1": {"text": "Up", "color": "green"}}
        steps = [{"color": "red", "value": None}, {"color": "green", "value": 1}]
        shown = {"mappings": [{"type": "value", "options": states}]}
        return {**shown, "unit": "short", "thresholds": {"mode": "absolute", "steps": steps}}
    if panel.shape != "timeseries":
        return {"unit": panel.unit, "thresholds": {"mode": "absolute", "steps": [GREEN]}}
    custom = {"lineWidth": 1, "fillOpacity": 8, "showPoints": "never"}
    least = {"min": 0} if panel.unit in ("cps", "reqps", "Bps", "bps", "percentunit", "bytes") else {}
    return {"unit": panel.unit, **least, "color": {"mode": "palette-classic-by-name"}, "custom": custom}


def _options(panel: Drawn) -> dict[str, Any]:
    reduced = {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}}
    if panel.shape == "stat":
        color = "value" if panel.up_or_down else "none"
        return {**reduced, "colorMode": color, "graphMode": "none"}
    if panel.shape == "heatmap":
        shades = {"mode": "scheme", "scheme": "Blues", "scale": "exponential", "exponent": 0.5, "steps": 64}
        return {"calculate": False, "color": shades, "yAxis": {"unit": panel.unit}, "cellGap": 1}
    if panel.shape == "table":
        return {"showHeader": True}
    legend = {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []}
    return {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}
