"""Faults of dashboards: no data source, an unknown variable, a panel without data, no JSON."""

from __future__ import annotations

from tests.breakage.breakage import Act, Breakage, Kind
from tests.breakage.hands import edited, pristine, written

SLO = "grafana/dashboards/slo.json"
MINE = "grafana/dashboards/mine.json"
PANEL = """{"uid": "mine", "title": "Mine", "schemaVersion": 42, "templating": {"list": []}, "panels": [
  {"id": 1, "type": "stat", "title": "Lost", "datasource": {"type": "prometheus", "uid": "SOURCE"},
   "targets": [{"refId": "A", "expr": "EXPR", "instant": true, "range": false}]}]}
"""


def own(expr: str, source: str = "prometheus") -> Act:
    """A dashboard of the user's own with one panel."""
    return written(MINE, PANEL.replace("EXPR", expr).replace("SOURCE", source))


def _both(name: str, how: Act, said: str, remedy: str, entry: str) -> tuple[Breakage, ...]:
    kinds: tuple[Kind, ...] = ("bare", "whole")
    return tuple(
        Breakage(
            f"{name}-{kind}", how, said, remedy, entry, start="refuses", applied=True, undo=pristine, on=kind
        )
        for kind in kinds
    )


ROWS = (
    Breakage(
        "dashboard-no-json",
        edited(SLO, "{", "{,"),
        r"grafana/dashboards/slo\.json:1:\d+",
        "JSON",
        "COMPONENT/FILE:LINE:COLUMN: ... correct the YAML",
        code=2,
        start="refuses",
        applied=True,
        undo=pristine,
        on="whole",
    ),
    *_both(
        "panel-without-source",
        own("up", source="nobody"),
        r"(grafana|prometheus)\.panels: .*mine / Lost / A: there is no data source nobody",
        "correct that dashboard's file",
        "COMPONENT.panels: UID / PANEL / QUERY: there is no data source NAME",
    ),
    *_both(
        "panel-unknown-variable",
        own("up{job='$nobody'}"),
        r"(grafana|prometheus)\.panels: .*mine / Lost / A: no variable is called nobody",
        "correct that dashboard's file",
        "COMPONENT.panels: UID / PANEL / QUERY: no variable is called NAME",
    ),
    Breakage(
        "shipped-panel-empty",
        edited(SLO, "(gate_invocations_total{", "(gate_invocations_totals{"),
        r"prometheus\.variables: .*slo / .*has no value: gate_invocations_totals",
        "",
        "COMPONENT.variables: UID / ... has no value",
        start="refuses",
        applied=True,
        undo=pristine,
    ),
)
