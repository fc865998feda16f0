"""A dashboard as a server of schema v2 gives it to those who ask the older way: converted there and back.

Panels and queries are the same; defaults are filled in, keys come in another order, short forms are long, what is empty
is left out, and the schemaVersion is the server's own.
"""

from __future__ import annotations

from typing import Any

SCHEMA_VERSION = 42
ANNOTATIONS = {
    "builtIn": 1,
    "datasource": {"type": "grafana", "uid": "-- Grafana --"},
    "enable": True,
    "hide": True,
    "iconColor": "rgba(0, 211, 255, 1)",
    "name": "Annotations & Alerts",
    "type": "dashboard",
}
OF_VARIABLES = {"hide": 0, "multi": False, "includeAll": False, "regex": "", "skipUrlSync": False}
OF_PANELS = {"transparent": False, "repeatDirection": "h", "pluginVersion": "13.2.3"}
SUCCESSORS = {"graph": "timeseries", "singlestat": "stat", "table-old": "table"}
EMPTY: tuple[Any, ...] = (None, "", [], {})


def converted(model: dict[str, Any]) -> dict[str, Any]:
    """The same dashboard in the server's writing."""
    listed = (model.get("annotations") or {}).get("list") or [ANNOTATIONS]
    variables = [_variable(v) for v in (model.get("templating") or {}).get("list") or []]
    new = {
        **{key: value for key, value in model.items() if value not in EMPTY},
        "annotations": {"list": listed},
        "fiscalYearStartMonth": 0,
        "links": model.get("links") or [],
        "panels": _panels(model.get("panels") or []),
        "preload": False,
        "schemaVersion": SCHEMA_VERSION,
        "templating": {"list": variables},
        "timepicker": {},
        "weekStart": "",
    }
    return {key: new[key] for key in sorted(new)}


def _variable(variable: dict[str, Any]) -> dict[str, Any]:
    new = {**OF_VARIABLES, **variable}
    if variable.get("type") == "query" and isinstance(variable.get("query"), str):
        new["query"] = {"qryType": 1, "query": variable["query"], "refId": "PrometheusVariableQueryEditor"}
        new["definition"] = variable["query"]
    new.pop("current", None)
    return {key: new[key] for key in sorted(new)}


def _panels(panels: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows are rows again, each with its panels behind it, as if it were open."""
    found = []
    for panel in panels:
        if panel.get("type") == "row":
            found.append({**panel, "collapsed": False, "panels": []})
            found += _panels(panel.get("panels") or [])
        else:
            found.append(_panel(panel))
    return found


def _panel(panel: dict[str, Any]) -> dict[str, Any]:
    new = {**OF_PANELS, **panel, "targets": [_target(panel, t) for t in panel.get("targets") or []]}
    if panel["type"] in SUCCESSORS:
        new |= {"type": SUCCESSORS[panel["type"]], "autoMigrateFrom": panel["type"]}
    new.pop("datasource", None)
    return {key: new[key] for key in sorted(new)}


def _target(panel: dict[str, Any], target: dict[str, Any]) -> dict[str, Any]:
    source = target.get("datasource") or panel.get("datasource") or "prometheus"
    full = source if isinstance(source, dict) else {"type": "prometheus", "uid": source}
    return {
        **target,
        "datasource": full,
        "hide": target.get("hide", False),
        "refId": target.get("refId", "A"),
    }
