"""The queries that a dashboard's panels ask, ready to be sent: variables and Grafana's macros replaced.

Reads the committed JSON with the standard library alone, so that checks can use it where Grafana's SDK is not
installed. It must never send a query itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

ALL = "$__all"
ALL_VALUE = ".+"
DEFAULT_SOURCE = "prometheus"
"""Grafana takes its default data source where a dashboard names none."""


@dataclass(frozen=True, slots=True)
class PanelQuery:
    """One query of one panel. ``expr`` is PromQL; ``instant`` asks for one moment, else for a range."""

    dashboard_uid: str
    panel_id: int
    panel_title: str
    ref_id: str
    expr: str
    datasource_uid: str
    instant: bool


@dataclass(frozen=True, slots=True)
class Window:
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


def panel_queries(document: str, window: Window | None = None) -> Iterator[PanelQuery]:
    """The queries of all panels, those inside rows too, of one dashboard's JSON text.

    Raises ValueError for text that is not a dashboard or for a variable that no template defines.
    """
    dashboard = json.loads(document)
    if not isinstance(dashboard, dict) or not dashboard.get("uid"):
        raise ValueError("dashboard: the document has no uid: export it as a dashboard, without a wrapper")
    values = variables(dashboard) | (window or Window()).macros()
    for panel in _panels(dashboard.get("panels", [])):
        for target in panel.get("targets", []):
            if target.get("expr") and not target.get("hide"):
                yield _query(dashboard["uid"], panel, target, values)


def variables(dashboard: Mapping[str, Any]) -> dict[str, str]:
    """Each template variable's current value; "All" becomes the variable's own value for all, or ``.+``."""
    found = {}
    for variable in dashboard.get("templating", {}).get("list", []):
        current = variable.get("current", {}).get("value", "")
        chosen = [str(value) for value in (current if isinstance(current, list) else [current])]
        if variable.get("type") == "datasource" and chosen == ["default"]:
            chosen = [DEFAULT_SOURCE]
        everything = ALL in chosen or (not any(chosen) and variable.get("includeAll"))
        found[variable["name"]] = (
            variable.get("allValue") or ALL_VALUE if everything else "|".join(chosen) or _default(variable)
        )
    return found


def _default(variable: Mapping[str, Any]) -> str:
    """The value of a variable that nobody has chosen yet."""
    return DEFAULT_SOURCE if variable.get("type") == "datasource" else ALL_VALUE


def _panels(panels: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for panel in panels:
        yield panel
        yield from _panels(panel.get("panels", []))


def _query(
    uid: str, panel: Mapping[str, Any], target: Mapping[str, Any], values: Mapping[str, str]
) -> PanelQuery:
    source = target.get("datasource") or panel.get("datasource") or {}
    source_uid = source if isinstance(source, str) else source.get("uid") or DEFAULT_SOURCE
    return PanelQuery(
        dashboard_uid=uid,
        panel_id=int(panel.get("id", 0)),
        panel_title=str(panel.get("title", "")),
        ref_id=str(target.get("refId", "A")),
        expr=resolve(str(target["expr"]), values),
        datasource_uid=resolve(str(source_uid), values),
        instant=bool(target.get("instant")),
    )


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
            raise ValueError(f"dashboard: no variable is called {name}: define it or correct {text!r}")
        rest = after


def _name(rest: str) -> tuple[str, str]:
    """The variable name that ``rest`` begins with, and what follows it."""
    if rest.startswith("{"):
        inside, _, after = rest[1:].partition("}")
        return inside.partition(":")[0], after
    end = next((i for i, char in enumerate(rest) if not (char.isalnum() or char == "_")), len(rest))
    return rest[:end], rest[end:]
