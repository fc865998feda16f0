"""The queries that a dashboard's panels ask, ready to be sent: variables and Grafana's macros replaced.

Reads the committed JSON with the standard library alone, so that checks can use it where Grafana's SDK is not
installed. It must never send a query itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

ALL = "$__all"
ALL_VALUE = ".+"
DEFAULT_SOURCE = "prometheus"
"""Grafana takes its default data source where a dashboard names none."""
WITHOUT_QUERY = (
    "row",
    "text",
    "dashlist",
    "alertlist",
    "annolist",
    "news",
    "welcome",
    "gettingstarted",
    "pluginlist",
)
"""Panels that show no data of their own."""


class PanelQuery(Struct, frozen=True):
    """One query of one panel. ``expr`` is PromQL; ``instant`` asks for one moment, else for a range."""

    dashboard_uid: str
    panel_id: int
    panel_title: str
    ref_id: str
    expr: str
    datasource_uid: str
    instant: bool


class Window(Struct, frozen=True):
    """The time that the macros stand for, in seconds; the defaults are an hour seen at the scrape interval."""

    range_s: int = 3600
    interval_s: int = 5
    scrape_s: int = 5

    def macros(self) -> dict[str, str]:
        """Grafana's macros, as its Prometheus data source computes them ($__rate_interval: at least 4 scrapes)."""
        rate = max(self.interval_s + self.scrape_s, 4 * self.scrape_s)
        return {
            "__rate_interval": f"{rate}s",
            "__interval": f"{self.interval_s}s",
            "__interval_ms": str(self.interval_s * 1000),
            "__range": f"{self.range_s}s",
            "__range_s": str(self.range_s),
            "__range_ms": str(self.range_s * 1000),
        }


class Unusable(Struct, frozen=True):
    """What a panel asks and cannot: ``place`` names dashboard, panel and query, ``why`` the fault."""

    place: str
    why: str


def panel_queries(document: str, window: Window | None = None) -> Iterator[PanelQuery]:
    """The queries of all panels, those inside rows too, of one dashboard's JSON text.

    Raises ValueError for text that is not a dashboard or for a variable that no template defines.
    """
    for found in judged_queries(document, "dashboard", window):
        if isinstance(found, Unusable):
            raise ValueError(f"{found.place}: {found.why}")
        yield found


def judged_queries(document: str, name: str, window: Window | None = None) -> Iterator[PanelQuery | Unusable]:
    """The same, each query judged by itself: one that cannot be asked hides no other. ``name`` is the document's."""
    try:
        dashboard = model(document)
        values = variables(dashboard) | (window or Window()).macros()
    except ValueError as error:
        yield Unusable(name, str(error))
        return
    for panel in _panels(dashboard.get("panels", [])):
        yield from _of_panel(str(dashboard["uid"]), panel, values)


def model(document: str) -> dict[str, Any]:
    """The dashboard in a text; ValueError where there is none, or one without a uid or a list of panels."""
    try:
        dashboard = json.loads(document)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the document is no JSON: {error}") from error
    if not isinstance(dashboard, dict) or not dashboard.get("uid"):
        raise ValueError("the dashboard has no uid: export it as a dashboard, without a wrapper")
    if not isinstance(dashboard.get("panels", []), list):
        raise ValueError("the dashboard's panels are no list")
    return dashboard


def templates(dashboard: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The dashboard's variables that have a name."""
    templating = dashboard.get("templating")
    listed = templating.get("list") if isinstance(templating, dict) else None
    return [one for one in _objects(listed) if isinstance(one.get("name"), str)]


def variables(dashboard: Mapping[str, Any]) -> dict[str, str]:
    """Each template variable's current value; "All" becomes the variable's own value for all, or ``.+``."""
    return {variable["name"]: _current(variable) for variable in templates(dashboard)}


def _current(variable: Mapping[str, Any]) -> str:
    current = variable.get("current")
    value = current.get("value", "") if isinstance(current, dict) else ""
    chosen = [str(one) for one in (value if isinstance(value, list) else [value])]
    if variable.get("type") == "datasource" and chosen == ["default"]:
        chosen = [DEFAULT_SOURCE]
    if ALL in chosen or (not any(chosen) and variable.get("includeAll")):
        return str(variable.get("allValue") or ALL_VALUE)
    return "|".join(chosen) or _default(variable)


def _default(variable: Mapping[str, Any]) -> str:
    """The value of a variable that nobody has chosen yet."""
    return DEFAULT_SOURCE if variable.get("type") == "datasource" else ALL_VALUE


def _objects(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _panels(panels: object) -> Iterator[dict[str, Any]]:
    for panel in _objects(panels):
        yield panel
        yield from _panels(panel.get("panels"))


def _of_panel(
    uid: str, panel: Mapping[str, Any], values: Mapping[str, str]
) -> Iterator[PanelQuery | Unusable]:
    title = str(panel.get("title") or panel.get("id") or "a panel without title")
    targets = _objects(panel.get("targets"))
    if not targets and panel.get("type") not in WITHOUT_QUERY and "libraryPanel" not in panel:
        yield Unusable(f"{uid} / {title}", "the panel has no query: give it one, or remove it")
    for target in targets:
        if target.get("expr") and not target.get("hide"):
            try:
                yield _query(uid, panel, target, values)
            except ValueError as error:
                yield Unusable(f"{uid} / {title} / {target.get('refId', 'A')}", str(error))


def _query(
    uid: str, panel: Mapping[str, Any], target: Mapping[str, Any], values: Mapping[str, str]
) -> PanelQuery:
    number = panel.get("id", 0)
    return PanelQuery(
        dashboard_uid=uid,
        panel_id=number if isinstance(number, int) else 0,
        panel_title=str(panel.get("title", "")),
        ref_id=str(target.get("refId", "A")),
        expr=resolve(str(target["expr"]), values),
        datasource_uid=resolve(source_of(target, panel), values),
        instant=bool(target.get("instant")),
    )


def source_of(*owners: Mapping[str, Any]) -> str:
    """The data source that the first of a query, its panel or a variable names: its uid, in older files its name."""
    source = next((owner["datasource"] for owner in owners if owner.get("datasource")), None)
    named = source.get("uid") if isinstance(source, dict) else source
    return str(named or DEFAULT_SOURCE)


def resolve(text: str, values: Mapping[str, str]) -> str:
    """``text`` with ``$name``, ``${name}`` and ``${name:format}`` replaced; ValueError names an unknown variable.

    A number is no variable: ``label_replace`` names its groups so.
    """
    out, rest = [], text
    while True:
        before, dollar, rest = rest.partition("$")
        out.append(before)
        if not dollar:
            return "".join(out)
        name, after = _name(rest)
        if not name or name.isdigit():
            out.append(dollar + rest[: len(rest) - len(after)])
        elif name in values:
            out.append(values[name])
        else:
            raise ValueError(f"no variable is called {name}: define it or correct {text!r}")
        rest = after


def _name(rest: str) -> tuple[str, str]:
    """The variable name that ``rest`` begins with, and what follows it."""
    if rest.startswith("{"):
        inside, _, after = rest[1:].partition("}")
        return inside.partition(":")[0], after
    end = next((i for i, char in enumerate(rest) if not (char.isalnum() or char == "_")), len(rest))
    return rest[:end], rest[end:]
