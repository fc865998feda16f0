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
    gate: tuple(codes.split())
    for gate, codes in {
        "config_gate": "E_CONFIG_INVALID E_CONFIG_VALIDATION",
        "url_gate": "E_SCHEME E_USERINFO E_HOST_DENY E_PORT_DENY E_DNS_FAIL E_PRIVATE_NET",
        "filesystem_gate": "E_TRAVERSAL E_CASEFOLD_COLLISION E_DEPTH E_SEGMENT_LEN E_PATH_LEN E_PORTABILITY",
        "extraction_gate": "E_SPECIAL_TYPE E_BOMB_RATIO E_ENTRY_RATIO E_FILE_SIZE E_FILE_SIZE_STREAM E_ENTRY_BUDGET",
        "storage_gate": "E_STORAGE_PUT E_STORAGE_MOVE E_STORAGE_MARKER",
        "db_boundary_gate": "E_DB_TX E_DB_MIGRATION E_LATEST_MISMATCH",
    }.items()
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


def _metric(
    name: str, kind: Kind, text: str, buckets: tuple[float, ...] = (), **labels: tuple[str, ...]
) -> Metric:
    """Each label with its values; none: bounded elsewhere."""
    bounded = {label: values for label, values in labels.items() if values}
    return Metric(name, kind, text, tuple(labels), buckets, bounded)


_MILLISECONDS = (0.1, 0.5, 1, 2.5, 5, 10, 50)
_LONG_MILLISECONDS = (1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000)
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_HITS = (0, 1, 2, 5, 10, 20, 50, 100)
_TOOL_IDS = (*TOOLS, UNKNOWN_TOOL)
_ALL_CODES = tuple(code for codes in ERROR_CODES.values() for code in codes)
_ELSEWHERE = ()
_SHARE = "Share of accepted decisions among the last 1,000 or the last 5 minutes, whichever is fewer."
_HEALTHY = "1 when the latest write-read probe of the packet store succeeded, else 0."
_WATCHDOG = "Unix time at which the Watchdog alert was last received; 0 before the first."

# fmt: off
METRICS: tuple[Metric, ...] = (
    _metric("gate_invocations_total", "counter", "Decisions taken by a gate.", gate=GATES, outcome=OUTCOMES),
    _metric("gate_execution_ms", "histogram", "Duration of a gate decision in milliseconds.", _MILLISECONDS,
            gate=GATES),
    _metric("gate_current_latency_ms", "gauge", "Duration of a gate's latest decision in milliseconds.", gate=GATES),
    _metric("gate_errors_total", "counter", "Rejections by a gate and error code.", gate=GATES, error_code=_ALL_CODES),
    _metric("gate_pass_rate_percent", "gauge", _SHARE, gate=GATES),
    _metric("l9_tool_invocation_total", "counter", "Tool invocations by final status.",
            tool_id=_TOOL_IDS, status=TOOL_STATUSES),
    _metric("l9_tool_invocation_duration_ms", "histogram", "Duration of a tool invocation in milliseconds.",
            _LONG_MILLISECONDS, tool_id=_TOOL_IDS),
    _metric("l9_memory_write_total", "counter", "Writes to the memory substrate.",
            segment=SEGMENTS, status=WRITE_STATUSES),
    _metric("l9_memory_write_duration_seconds", "histogram",
            "Duration of a write to the memory substrate in seconds.", _SECONDS, segment=SEGMENTS),
    _metric("l9_memory_search_total", "counter", "Searches of the memory substrate.",
            segment=SEGMENTS, search_type=SEARCH_TYPES),
    _metric("l9_memory_search_hits", "histogram", "Packets found by a search.", _HITS, segment=SEGMENTS),
    _metric("l9_memory_substrate_healthy", "gauge", _HEALTHY),
    _metric("l9_packet_store_size", "gauge", "Packets held, after expiry.", segment=SEGMENTS),
    _metric("http_requests_total", "counter", "HTTP requests by route template.",
            method=_ELSEWHERE, route=_ELSEWHERE, status=_ELSEWHERE),
    _metric("http_request_duration_seconds", "histogram", "Duration of HTTP requests in seconds.", _SECONDS,
            method=_ELSEWHERE, route=_ELSEWHERE),
    _metric("alert_notifications_received_total", "counter", "Alert notifications received by the webhook.",
            status=ALERT_STATUSES),
    _metric("alert_watchdog_last_seen_timestamp_seconds", "gauge", _WATCHDOG),
    _metric("app_build_info", "gauge", "Always 1; the labels carry the versions.",
            version=_ELSEWHERE, python=_ELSEWHERE),
    _metric("telemetry_record_failures_total", "counter", "Measurements that could not be recorded."),
)
# fmt: on
BY_NAME: dict[str, Metric] = {metric.name: metric for metric in METRICS}
