"""The recording functions that every part of the application calls, and the registry that they record into.

No function here raises or blocks: what cannot be recorded is counted and logged once. A value outside the
catalogue never makes a series: an unknown tool counts as ``unknown``, anything else is dropped and counted
as a failure. Without prometheus_client each function does nothing. The gates' own metrics are in ``instrument``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from importlib.util import find_spec
from threading import Lock
from typing import TYPE_CHECKING, ParamSpec

from stack.telemetry.catalogue import TOOL_STATUSES, UNKNOWN_TOOL
from stack.telemetry.failures import FAILURES
from stack.telemetry.request import exemplar

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from stack.telemetry.meter import GateMeter
    from stack.telemetry.series import Series

P = ParamSpec("P")

HTTP_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
MAX_ROUTES = 200
MAX_TOOLS = 100


def _installed() -> bool:
    try:
        return find_spec("prometheus_client") is not None
    except (ImportError, ValueError):
        return False


# Found out without importing it: an import costs 35-75 ms.
PROMETHEUS_AVAILABLE = _installed()


_building = Lock()
_series: Series | None = None


def current() -> Series | None:
    """The series of this process, built at the first call; None when nothing is recorded."""
    global _series  # noqa: PLW0603 - the process has one registry, as it has one /metrics
    if _series is None and PROMETHEUS_AVAILABLE:
        with _building:
            if _series is None:
                try:
                    # Imported here: this package must not load prometheus_client before it is used.
                    from stack.telemetry.series import Series

                    _series = Series()
                except Exception as failure:
                    FAILURES.note("the registry could not be built", failure)
    return _series


def init_metrics() -> bool:
    """Builds the registry with every series at 0; true when metrics are recorded. A second call changes nothing.

    The first gate or recording does it too, but then pays for the import of prometheus_client (35-75 ms).
    """
    return current() is not None


def registry() -> CollectorRegistry | None:
    """What a scrape of this process reads, or None when nothing is recorded."""
    series = current()
    return None if series is None else series.registry


def gate_meters() -> dict[str, GateMeter]:
    """Every gate's meter, settled, by the gate's name; empty when nothing is recorded."""
    series = current()
    meters = {} if series is None else dict(series.gates)
    for meter in meters.values():
        meter.settle()
    return meters


def recording() -> Series:
    """As ``current``. Raises LookupError when nothing is recorded."""
    series = current()
    if series is None:
        raise LookupError("there is no registry")
    return series


def _never_raising(record: Callable[P, None]) -> Callable[P, None]:
    @wraps(record)
    def safely(*args: P.args, **kwargs: P.kwargs) -> None:
        if PROMETHEUS_AVAILABLE:
            try:
                record(*args, **kwargs)
            except Exception as failure:
                FAILURES.note(f"{record.__name__} dropped a measurement", failure)

    return safely


@_never_raising
def register_tool(tool_id: str) -> None:
    """Gives a tool beyond the shipped ones its own series at 0. At most 100 tools; the rest are ``unknown``."""
    series = recording()
    with series.growing:
        if not series.has("l9_tool_invocation_duration_ms", tool_id):
            if len(series.tools) >= MAX_TOOLS:
                raise ValueError(f"more than {MAX_TOOLS} tools; {tool_id!r} has no series")
            series.tools.add(tool_id)
            for status in TOOL_STATUSES:
                series.add("l9_tool_invocation_total", tool_id, status)
            series.add("l9_tool_invocation_duration_ms", tool_id)


@_never_raising
def record_tool_invocation(tool_id: str, status: str, duration_ms: float) -> None:
    """One finished call of a tool: status success, failure, denied or timeout; milliseconds."""
    series = recording()
    known = tool_id if series.has("l9_tool_invocation_duration_ms", tool_id) else UNKNOWN_TOOL
    calls = series.counter("l9_tool_invocation_total", known, status)
    series.histogram("l9_tool_invocation_duration_ms", known).observe(_amount(duration_ms), exemplar())
    calls.inc(exemplar=exemplar())


@_never_raising
def record_memory_write(segment: str, status: str, duration_seconds: float) -> None:
    """One finished write to the packet store: status ok, partial or error; seconds."""
    writes = recording().counter("l9_memory_write_total", segment, status)
    seconds = recording().histogram("l9_memory_write_duration_seconds", segment)
    seconds.observe(_amount(duration_seconds), exemplar())
    writes.inc()


@_never_raising
def record_memory_search(segment: str, search_type: str, hits: int) -> None:
    """One finished search (keyword or recent) and the number of packets it found."""
    searches = recording().counter("l9_memory_search_total", segment, search_type)
    recording().histogram("l9_memory_search_hits", segment).observe(_amount(hits))
    searches.inc()


@_never_raising
def set_memory_substrate_health(healthy: bool) -> None:
    """The result of the latest write-read probe of the packet store."""
    recording().gauge("l9_memory_substrate_healthy").set(1 if healthy else 0)


@_never_raising
def set_packet_store_size(segment: str, packets: int) -> None:
    """How many packets a segment holds, after expiry."""
    recording().gauge("l9_packet_store_size", segment).set(_amount(packets))


@_never_raising
def record_alert_notification(status: str) -> None:
    """One alert received from Alertmanager: firing or resolved."""
    recording().counter("alert_notifications_received_total", status).inc()


@_never_raising
def record_watchdog(timestamp: float) -> None:
    """The Watchdog alert was received at this Unix time, in seconds."""
    recording().gauge("alert_watchdog_last_seen_timestamp_seconds").set(_amount(timestamp))


@_never_raising
def observe_http(method: str, route: str, status: int, seconds: float) -> None:
    """One answered request. ``route`` is the template (``/memory/{segment}``) or a constant, never a raw path.

    At most 200 routes; what is beyond them has no series.
    """
    series, amount = recording(), _amount(seconds)
    if not 100 <= status <= 599:
        raise ValueError(f"expected an HTTP status from 100 to 599, got {status!r}")
    labels = (method if method in HTTP_METHODS else "other", route, str(int(status)))
    if not series.has("http_requests_total", *labels):
        with series.growing:
            if route not in series.routes and len(series.routes) >= MAX_ROUTES:
                raise LookupError(f"more than {MAX_ROUTES} routes; {route!r:.80} has no series")
            series.routes.add(route)
            series.add("http_request_duration_seconds", *labels[:2])
            series.add("http_requests_total", *labels)
    series.counter("http_requests_total", *labels).inc()
    series.histogram("http_request_duration_seconds", *labels[:2]).observe(amount, exemplar())


def _amount(value: float) -> float:
    if 0 <= value < math.inf:
        return value
    raise ValueError(f"expected a finite amount that is not negative, got {value!r}")
