"""The one vocabulary of metrics: every name, label and bucket that the application exposes.

Dashboards, rules, recorders and tests all read this table; nothing else may spell a metric of its own.
It holds data only and must never import a metrics library.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]

ERROR_CODES: dict[str, tuple[str, ...]] = {
    "config_gate": ("E_CONFIG_INVALID", "E_CONFIG_VALIDATION"),
    "url_gate": (
        "E_SCHEME",
        "E_USERINFO",
        "E_HOST_DENY",
        "E_PORT_DENY",
        "E_DNS_FAIL",
        "E_PRIVATE_NET",
    ),
    "filesystem_gate": (
        "E_TRAVERSAL",
        "E_CASEFOLD_COLLISION",
        "E_DEPTH",
        "E_SEGMENT_LEN",
        "E_PATH_LEN",
        "E_PORTABILITY",
    ),
    "extraction_gate": (
        "E_SPECIAL_TYPE",
        "E_BOMB_RATIO",
        "E_ENTRY_RATIO",
        "E_FILE_SIZE",
        "E_FILE_SIZE_STREAM",
        "E_ENTRY_BUDGET",
    ),
    "storage_gate": ("E_STORAGE_PUT", "E_STORAGE_MOVE", "E_STORAGE_MARKER"),
    "db_boundary_gate": ("E_DB_TX", "E_DB_MIGRATION", "E_LATEST_MISMATCH"),
}
GATES = tuple(ERROR_CODES)
OUTCOMES = ("ok", "reject")
TOOLS = ("fetch-check", "archive-inspect", "text-search", "hash", "wait")
UNKNOWN_TOOL = "unknown"
TOOL_STATUSES = ("success", "failure", "denied", "timeout")
SEGMENTS = ("governance_meta", "project_history", "tool_audit", "session_context")
WRITE_STATUSES = ("ok", "partial", "error")
SEARCH_TYPES = ("keyword", "recent")
ALERT_STATUSES = ("firing", "resolved")


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric family. ``values`` lists a label's bounded values; others are bounded elsewhere."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)

    @property
    def series(self) -> tuple[str, ...]:
        """The sample names that a query may use."""
        if self.kind == "histogram":
            return (f"{self.name}_bucket", f"{self.name}_sum", f"{self.name}_count")
        return (self.name,)


_TOOL_IDS = {"tool_id": (*TOOLS, UNKNOWN_TOOL)}
_SEGMENT = {"segment": SEGMENTS}
_GATE = {"gate": GATES}

METRICS: tuple[Metric, ...] = (
    Metric(
        "gate_invocations_total",
        "counter",
        "Decisions taken by a gate.",
        ("gate", "outcome"),
        values={**_GATE, "outcome": OUTCOMES},
    ),
    Metric(
        "gate_execution_ms",
        "histogram",
        "Duration of a gate decision in milliseconds.",
        ("gate",),
        (0.1, 0.5, 1, 2.5, 5, 10, 50),
        _GATE,
    ),
    Metric(
        "gate_current_latency_ms",
        "gauge",
        "Duration of a gate's latest decision in milliseconds.",
        ("gate",),
        values=_GATE,
    ),
    Metric(
        "gate_errors_total",
        "counter",
        "Rejections by a gate and error code.",
        ("gate", "error_code"),
        values={**_GATE, "error_code": tuple(code for codes in ERROR_CODES.values() for code in codes)},
    ),
    Metric(
        "gate_pass_rate_percent",
        "gauge",
        "Share of accepted decisions among the last 1,000 or the last 5 minutes, whichever is fewer.",
        ("gate",),
        values=_GATE,
    ),
    Metric(
        "l9_tool_invocation_total",
        "counter",
        "Tool invocations by final status.",
        ("tool_id", "status"),
        values={**_TOOL_IDS, "status": TOOL_STATUSES},
    ),
    Metric(
        "l9_tool_invocation_duration_ms",
        "histogram",
        "Duration of a tool invocation in milliseconds.",
        ("tool_id",),
        (1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000),
        _TOOL_IDS,
    ),
    Metric(
        "l9_memory_write_total",
        "counter",
        "Writes to the memory substrate.",
        ("segment", "status"),
        values={**_SEGMENT, "status": WRITE_STATUSES},
    ),
    Metric(
        "l9_memory_write_duration_seconds",
        "histogram",
        "Duration of a write to the memory substrate in seconds.",
        ("segment",),
        (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
        _SEGMENT,
    ),
    Metric(
        "l9_memory_search_total",
        "counter",
        "Searches of the memory substrate.",
        ("segment", "search_type"),
        values={**_SEGMENT, "search_type": SEARCH_TYPES},
    ),
    Metric(
        "l9_memory_search_hits",
        "histogram",
        "Packets found by a search.",
        ("segment",),
        (0, 1, 2, 5, 10, 20, 50, 100),
        _SEGMENT,
    ),
    Metric(
        "l9_memory_substrate_healthy",
        "gauge",
        "1 when the latest write-read probe of the packet store succeeded, else 0.",
    ),
    Metric(
        "l9_packet_store_size",
        "gauge",
        "Packets held, after expiry.",
        ("segment",),
        values=_SEGMENT,
    ),
    Metric(
        "http_requests_total",
        "counter",
        "HTTP requests by route template.",
        ("method", "route", "status"),
    ),
    Metric(
        "http_request_duration_seconds",
        "histogram",
        "Duration of HTTP requests in seconds.",
        ("method", "route"),
        (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    ),
    Metric(
        "alert_notifications_received_total",
        "counter",
        "Alert notifications received by the webhook.",
        ("status",),
        values={"status": ALERT_STATUSES},
    ),
    Metric(
        "alert_watchdog_last_seen_timestamp_seconds",
        "gauge",
        "Unix time at which the Watchdog alert was last received; 0 before the first.",
    ),
    Metric(
        "app_build_info",
        "gauge",
        "Always 1; the labels carry the versions.",
        ("version", "python"),
    ),
    Metric(
        "telemetry_record_failures_total",
        "counter",
        "Measurements that could not be recorded.",
    ),
)
BY_NAME: dict[str, Metric] = {metric.name: metric for metric in METRICS}
