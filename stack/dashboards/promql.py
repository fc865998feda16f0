"""The few PromQL forms that all panels are made of, each with the dashboard's job and instance matchers.

A metric must stand in the catalogue or among the products' names below, so a dashboard can't ask for what
nobody exposes. It builds text only and must never evaluate anything.
"""

from __future__ import annotations

from stack.dashboards.exporter_metrics import EXPORTER_METRICS
from stack.telemetry.catalogue import METRICS

PRODUCT_METRICS: frozenset[str] = frozenset(
    {
        "up",
        "scrape_duration_seconds",
        "scrape_samples_scraped",
        "prometheus_config_last_reload_successful",
        "prometheus_remote_storage_queue_highest_sent_timestamp_seconds",
        "prometheus_remote_storage_samples_failed_total",
        "prometheus_notifications_dropped_total",
        "prometheus_rule_evaluation_failures_total",
        "prometheus_rule_evaluations_total",
        "prometheus_tsdb_head_chunks_storage_size_bytes",
        "prometheus_tsdb_head_samples_appended_total",
        "prometheus_tsdb_head_series",
        "prometheus_tsdb_retention_limit_bytes",
        "prometheus_tsdb_storage_blocks_bytes",
        "prometheus_tsdb_wal_storage_size_bytes",
        "alertmanager_alerts",
        "alertmanager_config_last_reload_successful",
        "alertmanager_notifications_failed_total",
        "alertmanager_notifications_total",
        "grafana_http_request_duration_seconds_count",
        "node_boot_time_seconds",
        "node_cpu_seconds_total",
        "node_disk_read_bytes_total",
        "node_disk_written_bytes_total",
        "node_filesystem_avail_bytes",
        "node_filesystem_readonly",
        "node_filesystem_size_bytes",
        "node_load1",
        "node_load15",
        "node_load5",
        "node_memory_MemAvailable_bytes",
        "node_memory_MemTotal_bytes",
        "node_network_receive_bytes_total",
        "node_network_transmit_bytes_total",
        "node_timex_offset_seconds",
        "probe_dns_duration_seconds",
        "probe_dns_lookup_time_seconds",
        "probe_duration_seconds",
        "probe_http_duration_seconds",
        "probe_http_status_code",
        "probe_icmp_duration_seconds",
        "probe_ssl_earliest_cert_expiry",
        "probe_success",
    }
)
"""The metrics of Prometheus, Alertmanager, Grafana and the exporters that dashboards and rules use."""

KNOWN: frozenset[str] = (
    PRODUCT_METRICS | EXPORTER_METRICS | {name for metric in METRICS for name in metric.series}
)
RATE = "$__rate_interval"


def select(metric: str, *matchers: str) -> str:
    """A selector with the job and instance matchers and ``matchers``; an unknown metric is a ValueError."""
    if metric not in KNOWN:
        raise ValueError(
            f"dashboards: no metric is called {metric}: add it to the catalogue or correct the name"
        )
    inside = ", ".join(('job=~"$job"', 'instance=~"$instance"', *matchers))
    return f"{metric}{{{inside}}}"


def rate(metric: str, *matchers: str) -> str:
    """Increase per second over the panel's rate interval."""
    return f"rate({select(metric, *matchers)}[{RATE}])"


def increase(window: str, metric: str, *matchers: str) -> str:
    """Increase over ``window``, which may be a variable such as ``$__range``."""
    return f"increase({select(metric, *matchers)}[{window}])"


def total(by: str, vector: str) -> str:
    """Sum over everything but the labels ``by``; over everything when it is empty."""
    return f"sum by ({by}) ({vector})" if by else f"sum({vector})"


def quantile(share: float, by: str, buckets: str) -> str:
    """The ``share`` quantile of a histogram's bucket rates, per ``by`` and over the rest."""
    labels = f"{by}, le" if by else "le"
    return f"histogram_quantile({share}, sum by ({labels}) ({buckets}))"


def ratio(part: str, whole: str) -> str:
    """``part`` / ``whole``; nothing of nothing counts as 0, so an idle system shows 0 and not a gap."""
    return f"{part} / clamp_min({whole}, 1e-9)"
