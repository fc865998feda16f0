"""The one table of all checks: what each proves, whom it asks, in which stage, by when. Order is for reading only."""

from __future__ import annotations

from stack.checks import alert_path, alertmanager, app, grafana, node_exporter, panels, prometheus
from stack.checks.check import Check

LOGS = "monitoring-stack logs shows why"
RELOAD = "monitoring-stack reload writes and loads the rendered files"
PROVISIONING = "monitoring-stack reload provisions again; Grafana's log names the file at fault"
TRAFFIC = "a fresh stack needs two scrapes and some calls: is the load on (STACK_LOAD) and the target up?"

CHECKS: tuple[Check, ...] = (
    Check("prometheus.ready", "Prometheus serves", "prometheus", "ready", prometheus.ready, LOGS, 60),
    Check("alertmanager.ready", "Alertmanager serves", "alertmanager", "ready", alertmanager.ready, LOGS, 60),
    Check(
        "node_exporter.ready", "node_exporter serves", "node_exporter", "ready", node_exporter.ready, LOGS, 60
    ),
    Check("app.ready", "the application serves", "app", "ready", app.ready, LOGS, 60),
    Check("grafana.ready", "Grafana serves, provisioned", "grafana", "ready", grafana.ready, LOGS, 90),
    Check(
        "prometheus.config",
        "it runs exactly the rendered files",
        "prometheus",
        "checked",
        prometheus.configuration,
        RELOAD,
        10,
    ),
    Check("prometheus.rules", "every rule is loaded", "prometheus", "checked", prometheus.rules, RELOAD, 10),
    Check(
        "prometheus.expressions",
        "every rule's expression evaluates",
        "prometheus",
        "checked",
        prometheus.expressions,
        "mend the expression that the evidence names",
        10,
        every=0.2,
    ),
    Check(
        "prometheus.alertmanagers",
        "alerts have somewhere to go",
        "prometheus",
        "proven",
        prometheus.alertmanagers,
        "prometheus.yml names alertmanager:9093 under alerting",
        20,
        every=0.1,
        needs=("alertmanager",),
    ),
    Check(
        "alertmanager.config",
        "it runs exactly the rendered file",
        "alertmanager",
        "checked",
        alertmanager.configuration,
        RELOAD,
        10,
    ),
    Check(
        "path.alert",
        "an alert and its end reach the receiver",
        "alertmanager",
        "checked",
        alert_path.alert,
        alert_path.ROUTE_HINT,
        needs=("app",),
    ),
    Check("grafana.login", "our administrator can log in", "grafana", "checked", grafana.login, "", 10),
    Check(
        "grafana.default_login", "admin/admin is refused", "grafana", "checked", grafana.default_login, "", 10
    ),
    Check(
        "grafana.anonymous", "nobody enters without login", "grafana", "checked", grafana.anonymous, "", 10
    ),
    Check(
        "grafana.data_sources",
        "data sources are those of the files",
        "grafana",
        "checked",
        grafana.data_sources,
        PROVISIONING,
        10,
    ),
    Check(
        "grafana.data_source_health",
        "Grafana reaches its data sources",
        "grafana",
        "checked",
        grafana.data_source_health,
        "is the component behind the data source up?",
        10,
    ),
    Check(
        "grafana.dashboards",
        "dashboards are those of the files",
        "grafana",
        "checked",
        grafana.dashboards,
        PROVISIONING,
        10,
        every=0.1,
    ),
    Check(
        "app.metrics", "the whole catalogue is exposed", "app", "proven", app.catalogue, LOGS, 15, every=0.2
    ),
    Check("app.counter", "a request moves its counters", "app", "proven", app.counter, LOGS, 10, every=0.2),
    Check(
        "app.store",
        "the database keeps a packet and finds it again",
        "app",
        "checked",
        app.store,
        "monitoring-stack logs postgres shows why",
        20,
        every=0.1,
        database=True,
    ),
    Check(
        "prometheus.targets",
        "all targets are up, by job and number",
        "prometheus",
        "proven",
        prometheus.targets,
        "monitoring-stack logs of the target that is down",
        30,
        every=0.1,
    ),
    Check(
        "path.watchdog",
        "the alert that always fires has come through",
        "app",
        "proven",
        alert_path.watchdog,
        "is the rule Watchdog loaded, and has Alertmanager a route for it to the application?",
        75,
        every=0.1,
        needs=("prometheus", "alertmanager"),
    ),
    Check(
        "grafana.variables",
        "every dashboard variable resolves",
        "grafana",
        "proven",
        panels.variables_in_grafana,
        TRAFFIC,
        30,
        every=0.2,
    ),
    Check(
        "grafana.panels",
        "every panel query returns data",
        "grafana",
        "proven",
        panels.data_in_grafana,
        TRAFFIC,
        45,
        every=0.2,
    ),
    Check(
        "prometheus.variables",
        "every dashboard variable resolves, Grafana being absent",
        "prometheus",
        "proven",
        panels.variables_in_prometheus,
        TRAFFIC,
        30,
        every=0.2,
        unless="grafana",
    ),
    Check(
        "prometheus.panels",
        "every panel query returns data, Grafana being absent",
        "prometheus",
        "proven",
        panels.data_in_prometheus,
        TRAFFIC,
        45,
        every=0.2,
        unless="grafana",
    ),
)
NEEDED_AFTER_A_CHANGE = {
    "prometheus": ("prometheus.ready", "prometheus.config", "prometheus.rules"),
    "alertmanager": ("alertmanager.ready", "alertmanager.config"),
    "grafana": ("grafana.ready", "grafana.login", "grafana.data_sources", "grafana.dashboards"),
    "app": ("app.ready",),
    "node_exporter": ("node_exporter.ready",),
}


def names_for_verify(component: str) -> tuple[str, ...]:
    """Which checks prove that a component runs what was written for it; none for an unknown one."""
    return NEEDED_AFTER_A_CHANGE.get(component, ())
