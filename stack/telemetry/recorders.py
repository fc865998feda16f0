"""The recording functions that every part of the application calls, and the registry that they record into.

No function here raises or blocks: what cannot be recorded is counted and logged once. A value outside the
catalogue never makes a series: an unknown tool counts as ``unknown``, anything else is dropped and counted
as a failure. Without prometheus_client each function does nothing. One process only: counts of several
worker processes are not added up.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING

from stack.telemetry.available import PROMETHEUS_AVAILABLE
from stack.telemetry.failures import FAILURES

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from stack.telemetry.recording import Recorders

_building = Lock()
_recorders: Recorders | None = None


def init_metrics() -> bool:
    """Builds the registry with every series at 0; true when metrics are recorded. A second call changes
    nothing.

    The first recording does it too, but then pays for the import of prometheus_client (35-75 ms).
    """
    return _current() is not None


def registry() -> CollectorRegistry | None:
    """The registry of this process, or None without prometheus_client."""
    recorders = _current()
    return None if recorders is None else recorders.registry


def register_tool(tool_id: str) -> None:
    """Gives a tool beyond the shipped ones its own series at 0. At most 100 tools; the rest are
    ``unknown``.
    """
    _attempt("register_tool", lambda recorders: recorders.register_tool(tool_id))


def record_tool_invocation(tool_id: str, status: str, duration_ms: float) -> None:
    """One finished call of a tool: status success, failure, denied or timeout; milliseconds."""
    _attempt(
        "record_tool_invocation", lambda recorders: recorders.tool_invocation(tool_id, status, duration_ms)
    )


def record_memory_write(segment: str, status: str, duration_seconds: float) -> None:
    """One finished write to the packet store: status ok, partial or error; seconds."""
    _attempt(
        "record_memory_write", lambda recorders: recorders.memory_write(segment, status, duration_seconds)
    )


def record_memory_search(segment: str, search_type: str, hits: int) -> None:
    """One finished search (keyword or recent) and the number of packets it found."""
    _attempt("record_memory_search", lambda recorders: recorders.memory_search(segment, search_type, hits))


def set_memory_substrate_health(healthy: bool) -> None:
    """The result of the latest write-read probe of the packet store."""
    _attempt("set_memory_substrate_health", lambda recorders: recorders.substrate_health(healthy))


def set_packet_store_size(segment: str, packets: int) -> None:
    """How many packets a segment holds, after expiry."""
    _attempt("set_packet_store_size", lambda recorders: recorders.packet_store_size(segment, packets))


def record_alert_notification(status: str) -> None:
    """One alert received from Alertmanager: firing or resolved."""
    _attempt("record_alert_notification", lambda recorders: recorders.alert_notification(status))


def record_watchdog(timestamp: float) -> None:
    """The Watchdog alert was received at this Unix time, in seconds."""
    _attempt("record_watchdog", lambda recorders: recorders.watchdog(timestamp))


def observe_http(method: str, route: str, status: int, seconds: float) -> None:
    """One answered request. ``route`` is the template (``/memory/{segment}``) or a constant, never a raw
    path.
    """
    _attempt("observe_http", lambda recorders: recorders.http(method, route, status, seconds))


def _attempt(name: str, record: Callable[[Recorders], None]) -> None:
    try:
        recorders = _current()
        if recorders is not None:
            record(recorders)
    except Exception as failure:
        FAILURES.note(f"{name} dropped a measurement", failure)


def _current() -> Recorders | None:
    global _recorders  # noqa: PLW0603 - the process has one registry, as it has one /metrics
    if _recorders is None and PROMETHEUS_AVAILABLE:
        with _building:
            if _recorders is None:
                _recorders = _build()
    return _recorders


def _build() -> Recorders:
    from stack.telemetry.recording import Recorders

    return Recorders()
