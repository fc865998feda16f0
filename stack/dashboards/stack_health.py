"""Dashboard stack-health: is the monitoring itself well, from scrape to notification. Data only."""

from __future__ import annotations

from stack.dashboards.model import GREEN, RED, Dashboard, Panel, Query, falling, rising
from stack.dashboards.promql import rate, select, total

STORED = (
    ("prometheus_tsdb_storage_blocks_bytes", "blocks"),
    ("prometheus_tsdb_wal_storage_size_bytes", "write-ahead log"),
    ("prometheus_tsdb_head_chunks_storage_size_bytes", "head chunks"),
    ("prometheus_tsdb_retention_limit_bytes", "limit (0: none)"),
)
RELOADS = (
    ("prometheus_config_last_reload_successful", "Prometheus"),
    ("alertmanager_config_last_reload_successful", "Alertmanager"),
)

STACK_HEALTH = Dashboard(
    uid="stack-health",
    title="Stack health",
    description="The monitoring stack itself: targets, ingestion, rules, storage, alerts and notifications.",
    tags=("monitoring-stack", "stack"),
    scope="up",
    panels=(
        Panel(
            "stat",
            "Targets",
            "Whether each target answered its latest scrape.",
            "short",
            (Query(select("up"), "{{job}}", True),),
            steps=falling(1, 1),
            states=(("1", "up", GREEN), ("0", "down", RED)),
        ),
        Panel(
            "stat",
            "Configuration reloads",
            "Whether the latest reload was accepted; if not, an older configuration is still in force.",
            "short",
            tuple(Query(f"min({select(metric)})", name, True) for metric, name in RELOADS),
            width=6,
            steps=falling(1, 1),
            states=(("1", "loaded", GREEN), ("0", "refused", RED)),
        ),
        Panel(
            "stat",
            "Alerts firing",
            "Alerts that Alertmanager holds as active. A healthy stack has one: the Watchdog.",
            "short",
            (Query(total("", select("alertmanager_alerts", 'state="active"')), "active", True),),
            width=6,
            steps=rising(2, 5),
        ),
        Panel(
            "timeseries",
            "Scrape duration",
            "How long each target takes to answer a scrape; the limit is 4 s.",
            "s",
            (Query(f"max by (job) ({select('scrape_duration_seconds')})", "{{job}}"),),
            steps=rising(1, 4),
            minimum=0,
        ),
        Panel(
            "timeseries",
            "Samples per second",
            "Samples appended to the database.",
            "cps",
            (Query(total("instance", rate("prometheus_tsdb_head_samples_appended_total")), "{{instance}}"),),
            minimum=0,
        ),
        Panel(
            "timeseries",
            "Series",
            "Series in memory. Steady growth means that some label takes unbounded values.",
            "short",
            (Query(f"sum by (instance) ({select('prometheus_tsdb_head_series')})", "{{instance}}"),),
            minimum=0,
        ),
        Panel(
            "timeseries",
            "Rule evaluations",
            "Rules evaluated per second, and those of them that failed.",
            "ops",
            (
                Query(total("", rate("prometheus_rule_evaluations_total")), "evaluated"),
                Query(total("", rate("prometheus_rule_evaluation_failures_total")), "failed"),
            ),
            minimum=0,
        ),
        Panel(
            "timeseries",
            "Storage against retention",
            "Space used by blocks, write-ahead log and head chunks, beside the size limit.",
            "bytes",
            tuple(Query(f"sum({select(metric)})", name) for metric, name in STORED),
            minimum=0,
        ),
        Panel(
            "timeseries",
            "Notifications by integration",
            "Notifications that Alertmanager has tried to send, per second.",
            "ops",
            (Query(total("integration", rate("alertmanager_notifications_total")), "{{integration}}"),),
            minimum=0,
        ),
        Panel(
            "timeseries",
            "Failed and dropped notifications",
            "Notifications that a receiver did not take, by integration, and alerts that never reached Alertmanager.",
            "ops",
            (
                Query(
                    total("integration", rate("alertmanager_notifications_failed_total")),
                    "{{integration}} failed",
                ),
                Query(total("", rate("prometheus_notifications_dropped_total")), "dropped by Prometheus"),
            ),
            steps=rising(0.001, 0.1),
            minimum=0,
        ),
        Panel(
            "timeseries",
            "Grafana requests",
            "HTTP requests that Grafana answers per second; 0 where the stack runs without Grafana.",
            "reqps",
            (
                Query(
                    f"{total('', rate('grafana_http_request_duration_seconds_count'))} or vector(0)",
                    "requests",
                ),
            ),
            minimum=0,
        ),
    ),
)
