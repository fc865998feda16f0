"""From a Dashboard to the JSON that Grafana provisions: variables, links, annotations and house rules.

Every dashboard gets the same frame: read-only, UTC, refreshed each 10 s, the variables datasource, job and
instance, links to its siblings and the firing alerts as annotations. It must never write a file.
"""

from __future__ import annotations

import json

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as model

from stack.dashboards.drawing import DATASOURCE, draw
from stack.dashboards.model import Dashboard

FAMILY = "monitoring-stack"


def to_json(dashboard: Dashboard) -> str:
    """The dashboard's file: keys in the SDK's order, two spaces, one newline at the end."""
    framed = (
        build.Dashboard(dashboard.title)
        .uid(dashboard.uid)
        .description(dashboard.description)
        .tags(list(dashboard.tags))
        .readonly()
        .timezone("utc")
        .refresh("10s")
        .time("now-1h", "now")
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .link(_siblings())
        .annotation(_firing_alerts())
    )
    for variable in _variables(dashboard.scope):
        framed.with_variable(variable)
    for number, panel in enumerate(dashboard.panels, start=1):
        framed.with_panel(draw(panel, number))
    return json.dumps(framed.build(), cls=JSONEncoder, indent=2, ensure_ascii=False) + "\n"


def _siblings() -> build.DashboardLink:
    return (
        build.DashboardLink("Monitoring stack")
        .type(model.DashboardLinkType.DASHBOARDS)
        .tags([FAMILY])
        .include_vars(False)
        .keep_time(True)
        .as_dropdown(False)
        .icon("external link")
    )


def _firing_alerts() -> build.AnnotationQuery:
    return (
        build.AnnotationQuery()
        .name("Firing alerts")
        .datasource(DATASOURCE)
        .enable(True)
        .icon_color("red")
        .expr('ALERTS{alertstate="firing", alertname!="Watchdog"}')
        .title_format("{{alertname}}")
        .text_format("{{component}} {{gate}} {{instance}}")
        .tag_keys("severity")
        .step("15s")
    )


def _variables(scope: str) -> tuple[build.DatasourceVariable | build.QueryVariable, ...]:
    source = (
        build.DatasourceVariable("datasource")
        .label("Data Source")
        .type("prometheus")
        .current(model.VariableOption(selected=True, text="Prometheus", value="prometheus"))
    )
    job = _labels("job", "Job", f"label_values({scope}, job)")
    instance = _labels("instance", "Instance", f'label_values({scope}{{job=~"$job"}}, instance)')
    return source, job, instance


def _labels(name: str, label: str, query: str) -> build.QueryVariable:
    return (
        build.QueryVariable(name)
        .label(label)
        .query(query)
        .datasource(DATASOURCE)
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".+")
        .current(model.VariableOption(selected=True, text=["All"], value=["$__all"]))
    )
