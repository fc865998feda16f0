"""What is measured and how: the metric catalogue, the recording functions, the metrics server.

The names below are loaded when they are first used: who wants the catalogue only needs nothing else of this package,
and prometheus_client is imported by the first gate or recording.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
_ELSEWHERE = {"Exposition": "exposition", "expose": "exposition", "gate": "instrument"} | dict.fromkeys(
    ("REQUEST_ID", "request_scope"), "request"
)


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ELSEWHERE.get(name, 'recorders')}"), name)
