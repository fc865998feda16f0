"""What is measured and how: the metric catalogue, the recorders, the metrics server.

The names below are loaded when they are first used: importing this package never imports prometheus_client.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stack.telemetry.available import PROMETHEUS_AVAILABLE as PROMETHEUS_AVAILABLE
    from stack.telemetry.exposition import Exposition as Exposition
    from stack.telemetry.exposition import expose as expose
    from stack.telemetry.gates import gate as gate
    from stack.telemetry.recorders import init_metrics as init_metrics
    from stack.telemetry.recorders import observe_http as observe_http
    from stack.telemetry.recorders import record_alert_notification as record_alert_notification
    from stack.telemetry.recorders import record_memory_search as record_memory_search
    from stack.telemetry.recorders import record_memory_write as record_memory_write
    from stack.telemetry.recorders import record_tool_invocation as record_tool_invocation
    from stack.telemetry.recorders import record_watchdog as record_watchdog
    from stack.telemetry.recorders import register_tool as register_tool
    from stack.telemetry.recorders import registry as registry
    from stack.telemetry.recorders import set_memory_substrate_health as set_memory_substrate_health
    from stack.telemetry.recorders import set_packet_store_size as set_packet_store_size
    from stack.telemetry.request import REQUEST_ID as REQUEST_ID
    from stack.telemetry.request import request_scope as request_scope

_RECORDERS = (
    "init_metrics",
    "observe_http",
    "record_alert_notification",
    "record_memory_search",
    "record_memory_write",
    "record_tool_invocation",
    "record_watchdog",
    "register_tool",
    "registry",
    "set_memory_substrate_health",
    "set_packet_store_size",
)
_HOME = {
    "PROMETHEUS_AVAILABLE": "available",
    "Exposition": "exposition",
    "expose": "exposition",
    "gate": "gates",
    "REQUEST_ID": "request",
    "request_scope": "request",
    **dict.fromkeys(_RECORDERS, "recorders"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(_HOME)
