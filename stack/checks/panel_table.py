"""The checks of what the dashboards show. Their questions are imported when they are asked: they know most of all."""

from __future__ import annotations

from stack.checks.check import Check, later

TRAFFIC = "a fresh stack needs two scrapes and some calls: is the load on (STACK_LOAD) and the target up?"
SCRAPED = ("prometheus.targets", "prometheus.storage")
"""What says why there is no data; an empty panel then says nothing new."""
THROUGH_GRAFANA = (*SCRAPED, "grafana.login", "grafana.data_sources", "grafana.data_source_health")
OF_GRAFANA = (
    Check(
        "grafana.variables",
        "every dashboard variable resolves",
        "grafana",
        "proven",
        later("board_variables:variables_in_grafana"),
        TRAFFIC,
        30,
        every=0.2,
        after=THROUGH_GRAFANA,
        by_scrape="shipped",
    ),
    Check(
        "grafana.panels",
        "every panel query returns data",
        "grafana",
        "proven",
        later("panels:data_in_grafana"),
        TRAFFIC,
        45,
        every=0.2,
        after=THROUGH_GRAFANA,
        by_scrape="shipped",
    ),
)
OF_PROMETHEUS = (
    Check(
        "prometheus.variables",
        "every dashboard variable resolves, Grafana being absent",
        "prometheus",
        "proven",
        later("board_variables:variables_in_prometheus"),
        TRAFFIC,
        30,
        every=0.2,
        unless="grafana",
        after=SCRAPED,
        by_scrape="shipped",
    ),
    Check(
        "prometheus.panels",
        "every panel query returns data, Grafana being absent",
        "prometheus",
        "proven",
        later("panels:data_in_prometheus"),
        TRAFFIC,
        45,
        every=0.2,
        unless="grafana",
        after=SCRAPED,
        by_scrape="shipped",
    ),
    Check(
        "prometheus.own_panels",
        "what the panels of your own dashboards show",
        "prometheus",
        "proven",
        later("own_panels:own_panels"),
        "monitoring-stack dashboard check names each panel",
        30,
        every=0.5,
        after=SCRAPED,
        by_scrape="shipped",
        own_boards=True,
    ),
)
