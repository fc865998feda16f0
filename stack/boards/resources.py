"""Dashboards in Grafana's format of resources, version 2, as classic ones. Pure.

What the classic format cannot say (tabs, conditions, automatic grids) becomes what comes nearest to it, and is named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from stack.boards.model import inner, objects, some

COLUMNS = 24
AUTO_HEIGHTS = {"short": 5, "standard": 8, "tall": 12}
AUTO_COLUMNS = 3
REFRESH = {"never": 0, "onDashboardLoad": 1, "onTimeRangeChanged": 2}
HIDE = {"dontHide": 0, "hideLabel": 1, "hideVariable": 2, "inControlsMenu": 3}
SORT = {
    "disabled": 0,
    "alphabeticalAsc": 1,
    "alphabeticalDesc": 2,
    "numericalAsc": 3,
    "numericalDesc": 4,
    "alphabeticalCaseInsensitiveAsc": 5,
    "alphabeticalCaseInsensitiveDesc": 6,
    "naturalAsc": 7,
    "naturalDesc": 8,
}
CURSOR = {"Off": 0, "Crosshair": 1, "Tooltip": 2}
KINDS = {
    "QueryVariable": "query",
    "TextVariable": "textbox",
    "ConstantVariable": "constant",
    "DatasourceVariable": "datasource",
    "IntervalVariable": "interval",
    "CustomVariable": "custom",
    "GroupByVariable": "groupby",
    "AdhocVariable": "adhoc",
    "SwitchVariable": "switch",
}
KEPT = ("name", "label", "description", "regex", "multi", "includeAll", "allValue", "skipUrlSync", "auto")
Panel = dict[str, Any]


def is_v2(spec: Mapping[str, Any]) -> bool:
    """Whether it is the inside of a resource of version 2."""
    return isinstance(spec.get("elements"), dict) and isinstance(spec.get("layout"), dict)


def classic(spec: Mapping[str, Any], name: str) -> tuple[dict[str, Any], list[str]]:
    """The dashboard in the classic format, and what could not be kept. ``name``: the resource's, which is the uid."""
    layout = _Layout(inner(spec["elements"]))
    placed = layout.placed(inner(spec["layout"]))
    if unplaced := [title for key, title in layout.titles() if key not in layout.used]:
        count = f"{len(unplaced)} panel{'s' if len(unplaced) > 1 else ''}"
        layout.lost.append(f"{count} that its layout shows nowhere left out: {some(unplaced)}")
    time = inner(spec.get("timeSettings"))
    board = {
        "uid": name,
        "title": spec.get("title", ""),
        "description": spec.get("description", ""),
        "tags": spec.get("tags") or [],
        "editable": spec.get("editable", True),
        "graphTooltip": CURSOR.get(str(spec.get("cursorSync")), 0),
        "links": objects(spec.get("links")),
        "schemaVersion": 42,
        "time": {"from": time.get("from", "now-1h"), "to": time.get("to", "now")},
        "refresh": time.get("autoRefresh", ""),
        "timezone": time.get("timezone", ""),
        "panels": placed,
        "templating": {"list": [*_variables(spec)]},
        "annotations": {
            "list": [_annotation(inner(one.get("spec"))) for one in objects(spec.get("annotations"))]
        },
    }
    return board, list(dict.fromkeys(layout.lost))


@dataclass
class _Layout:
    """Puts elements where a layout says; ``lost`` names what the classic format has no word for."""

    elements: Mapping[str, Any]
    lost: list[str] = field(default_factory=list)
    used: set[str] = field(default_factory=set)

    def titles(self) -> Iterator[tuple[str, str]]:
        """The title of each element by its name."""
        for key, one in self.elements.items():
            yield key, str(inner(inner(one).get("spec")).get("title") or key)

    def placed(self, layout: Mapping[str, Any]) -> list[Panel]:
        """The panels of the outermost layout: rows and tabs as rows, one below the other."""
        panels: list[Panel] = []
        top = 0
        for said, titles, inside in self._parts(layout, ()):
            if said is None:
                panels += self._grid(inside, top)[0]
                continue
            row = _row(said, " / ".join(titles), top)
            below, end = self._grid(inside, top + 1)
            row["id"] = 100_000 + len(panels)
            row["panels"] = below if row["collapsed"] else []
            panels += [row] if row["collapsed"] else [row, *below]
            top = top + 1 if row["collapsed"] else end
        return panels

    def _parts(
        self, layout: Mapping[str, Any], titles: tuple[str, ...], said: Mapping[str, Any] | None = None
    ) -> Iterator[tuple[Mapping[str, Any] | None, tuple[str, ...], Mapping[str, Any]]]:
        """Each grid with the row that it is in and the titles of all rows and tabs around it."""
        kind, spec = layout.get("kind"), inner(layout.get("spec"))
        if kind not in ("RowsLayout", "TabsLayout"):
            yield said, titles, layout
            return
        for number, one in enumerate(objects(spec.get("rows") or spec.get("tabs")), 1):
            inside = inner(one.get("spec"))
            if kind == "TabsLayout":
                self.lost.append("tabs became rows")
            if inside.get("conditionalRendering"):
                self.lost.append("conditions under which a part is shown were left out")
            if inside.get("variables"):
                self.lost.append("variables of a single row or tab were left out")
            title = str(inside.get("title") or f"Row {number}")
            yield from self._parts(inner(inside.get("layout")), (*titles, title), inside)

    def _grid(self, layout: Mapping[str, Any], top: int) -> tuple[list[Panel], int]:
        spec = inner(layout.get("spec"))
        if layout.get("kind") == "AutoGridLayout":
            return self._automatic(spec, top)
        panels, end = [], top
        for one in objects(spec.get("items")):
            said = inner(one.get("spec"))
            x, y = _number(said, "x", 0), _number(said, "y", 0) + top
            place = {"x": x, "y": y, "w": _number(said, "width", 12), "h": _number(said, "height", 8)}
            if (panel := self._panel(said, place)) is not None:
                panels.append(panel)
                end = max(end, y + place["h"])
        return panels, end

    def _automatic(self, spec: Mapping[str, Any], top: int) -> tuple[list[Panel], int]:
        columns = min(max(1, _number(spec, "maxColumnCount", AUTO_COLUMNS)), 12)
        width, height = COLUMNS // columns, AUTO_HEIGHTS.get(str(spec.get("rowHeightMode")), 8)
        panels: list[Panel] = []
        for one in objects(spec.get("items")):
            place = {
                "x": len(panels) % columns * width,
                "y": top + len(panels) // columns * height,
                "w": width,
                "h": height,
            }
            if (panel := self._panel(inner(one.get("spec")), place)) is not None:
                panels.append(panel)
        return panels, top + -(-len(panels) // columns) * height

    def _panel(self, item: Mapping[str, Any], place: dict[str, int]) -> Panel | None:
        name = str(inner(item.get("element")).get("name"))
        self.used.add(name)
        element = inner(self.elements.get(name))
        said = inner(element.get("spec"))
        if not element:
            self.lost.append("a place without its panel was left out")
            return None
        repeat = inner(item.get("repeat"))
        common: Panel = {"id": _number(said, "id", 0), "title": said.get("title", ""), "gridPos": place}
        if repeat.get("value"):
            common |= {"repeat": repeat["value"], "repeatDirection": repeat.get("direction", "h")}
            common |= {"maxPerRow": repeat["maxPerRow"]} if "maxPerRow" in repeat else {}
        if element.get("kind") == "LibraryPanel":
            return {**common, "libraryPanel": inner(said.get("libraryPanel")), "type": "library-panel-ref"}
        return {**common, **_drawn(said), **_asked(inner(inner(said.get("data")).get("spec")))}


def _row(said: Mapping[str, Any], title: str, top: int) -> Panel:
    row: Panel = {
        "type": "row",
        "title": title,
        "collapsed": bool(said.get("collapse")),
        "gridPos": {"x": 0, "y": top, "w": COLUMNS, "h": 1},
    }
    repeat = inner(said.get("repeat")).get("value")
    return row | ({"repeat": repeat} if repeat else {})


def _drawn(said: Mapping[str, Any]) -> Panel:
    """How it looks: the kind of panel stands under ``group``, in the first versions under ``kind``."""
    drawing = inner(said.get("vizConfig"))
    spec = inner(drawing.get("spec"))
    return {
        "type": drawing.get("group") or drawing.get("kind") or "timeseries",
        "description": said.get("description", ""),
        "transparent": bool(said.get("transparent")),
        "links": objects(said.get("links")),
        "options": inner(spec.get("options")),
        "fieldConfig": inner(spec.get("fieldConfig")) or {"defaults": {}, "overrides": []},
    }


def _asked(group: Mapping[str, Any]) -> Panel:
    targets = [_target(inner(one.get("spec"))) for one in objects(group.get("queries"))]
    sources = [one["datasource"] for one in targets if "datasource" in one]
    mixed = any(one != sources[0] for one in sources)
    changes = [
        {
            "id": one.get("group") or one.get("kind"),
            **{k: v for k, v in inner(one.get("spec")).items() if k != "id"},
        }
        for one in objects(group.get("transformations"))
    ]
    options = {k: v for k, v in inner(group.get("queryOptions")).items() if v not in (None, "")}
    source = {"type": "datasource", "uid": "-- Mixed --"} if mixed else next(iter(sources), None)
    return {
        "targets": targets,
        **({"datasource": source} if source else {}),
        **({"transformations": changes} if changes else {}),
        **options,
    }


def _target(said: Mapping[str, Any]) -> dict[str, Any]:
    query = inner(said.get("query"))
    source = _source(query) or inner(said.get("datasource"))
    return {
        **inner(query.get("spec")),
        "refId": said.get("refId", "A"),
        "hide": bool(said.get("hidden")),
        **({"datasource": source} if source else {}),
    }


def _source(query: Mapping[str, Any]) -> dict[str, str]:
    """The reference to a data source: its type is the query's ``group``, in the first versions its ``kind``."""
    kind = query.get("group") or query.get("kind")
    kind = "" if kind == "DataQuery" else str(kind or "")
    named = inner(query.get("datasource")).get("name")
    if not named and not kind:
        return {}
    return {"type": kind, **({"uid": str(named)} if named else {})}


def _variables(spec: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for one in objects(spec.get("variables")):
        said, kind = inner(one.get("spec")), KINDS.get(str(one.get("kind")))
        if kind is None or not said.get("name"):
            continue
        made: dict[str, Any] = {key: said[key] for key in KEPT if key in said} | {"type": kind}
        made |= {"hide": HIDE.get(str(said.get("hide")), 0), "sort": SORT.get(str(said.get("sort")), 0)}
        made |= {"refresh": REFRESH.get(str(said.get("refresh")), 1), "options": objects(said.get("options"))}
        made |= {"current": said["current"]} if isinstance(said.get("current"), dict) else {}
        yield made | _of_kind(kind, said, one)


def _of_kind(kind: str, said: Mapping[str, Any], whole: Mapping[str, Any]) -> dict[str, Any]:
    if kind == "query":
        query = inner(said.get("query"))
        asked, source = inner(query.get("spec")), _source(query) or inner(said.get("datasource"))
        text = asked.get("__legacyStringValue") or asked.get("query") or said.get("definition") or ""
        return {"query": asked if asked.get("qryType") is not None else text, "datasource": source or None}
    if kind == "datasource":
        return {"query": said.get("pluginId", "prometheus")}
    if kind == "interval":
        auto = {"auto_min": said.get("auto_min", "10s"), "auto_count": said.get("auto_count", 30)}
        return {"query": said.get("query", ""), **auto}
    if kind == "adhoc":
        return {
            "filters": said.get("filters") or [],
            "datasource": _source(whole) or inner(said.get("datasource")),
        }
    if kind == "switch":
        value = said.get("current", "")
        options = [said.get("enabledValue", "true"), said.get("disabledValue", "false")]
        return {"query": ",".join(map(str, options)), "current": {"text": value, "value": value}}
    return {"query": said.get("query", "")}


def _annotation(said: Mapping[str, Any]) -> dict[str, Any]:
    query = inner(said.get("query"))
    source = _source(query)
    kept = {key: said[key] for key in ("enable", "hide", "iconColor", "name", "filter") if key in said}
    built_in = {"builtIn": 1, "type": "dashboard"} if said.get("builtIn") else {}
    return {
        **inner(said.get("legacyOptions")),
        **inner(query.get("spec")),
        **kept,
        "datasource": source,
        **built_in,
    }


def _number(said: Mapping[str, Any], key: str, otherwise: int) -> int:
    value = said.get(key)
    return int(value) if isinstance(value, int | float) else otherwise
