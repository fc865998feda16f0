"""What is measured and how: the metric catalogue, the recording functions, the metrics server.

Importing this package never imports prometheus_client; the first gate or recording does.
"""

from stack.telemetry.exposition import Exposition, expose
from stack.telemetry.instrument import gate
from stack.telemetry.recorders import (
    PROMETHEUS_AVAILABLE,
    init_metrics,
    observe_http,
    record_alert_notification,
    record_memory_search,
    record_memory_write,
    record_tool_invocation,
    record_watchdog,
    register_tool,
    registry,
    set_memory_substrate_health,
    set_packet_store_size,
)
from stack.telemetry.request import REQUEST_ID, request_scope

__all__ = [
    "PROMETHEUS_AVAILABLE",
    "REQUEST_ID",
    "Exposition",
    "expose",
    "gate",
    "init_metrics",
    "observe_http",
    "record_alert_notification",
    "record_memory_search",
    "record_memory_write",
    "record_tool_invocation",
    "record_watchdog",
    "register_tool",
    "registry",
    "request_scope",
    "set_memory_substrate_health",
    "set_packet_store_size",
]
