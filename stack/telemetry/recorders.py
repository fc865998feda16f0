"""The recording functions that every part of the application calls, and the registry that they record into.

No function here raises or blocks: what cannot be recorded is counted and logged once. A value outside the
catalogue never makes a series: an unknown tool counts as ``unknown``, anything else is dropped and counted
as a failure. Without prometheus_client each function does nothing. The gates' own metrics are in ``instrument``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import wraps
from importlib.util import find_spec
from threading import Lock
from typing import TYPE_CHECKING, ParamSpec

from stack.telemetry.catalogue import ERROR_CODES, TOOL_STATUSES, TOOLS, UNKNOWN_TOOL
from stack.telemetry.failures import FAILURES, FailureLog
from stack.telemetry.request import exemplar

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from stack.telemetry.meter import GateMeter

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


class Recorder:
    """One registry, its gates, and what bounds the rest of its series."""

    def __init__(self, failures: FailureLog = FAILURES) -> None:
        # Imported here: this package must not load prometheus_client before it is used.
        from stack.telemetry.meter import GateMeter
        from stack.telemetry.series import Series

        self.series = Series(failures)
        self.growing = Lock()
        self.gates = {gate: GateMeter(gate, codes, self.series) for gate, codes in ERROR_CODES.items()}
        self.tools = {*TOOLS, UNKNOWN_TOOL}
        self.routes: set[str] = set()

    def meter(self, gate: str, error_codes: Iterable[str] = ()) -> GateMeter:
        """The meter of a gate; with error codes it is made when there is none. Raises KeyError."""
        from stack.telemetry.meter import GateMeter

        with self.growing:
            if error_codes and gate not in self.gates:
                self.gates[gate] = GateMeter(gate, error_codes, self.series)
            return self.gates[gate]


_building = Lock()
_recorder: Recorder | None = None


def current() -> Recorder | None:
    """The recorder of this process, built at the first call; None without prometheus_client."""
    global _recorder  # noqa: PLW0603 - the process has one registry, as it has one /metrics
    if _recorder is None and PROMETHEUS_AVAILABLE:
        with _building:
            if _recorder is None:
                _recorder = Recorder()
    return _recorder


def _never_raising(record: Callable[P, None]) -> Callable[P, None]:
    @wraps(record)
    def safely(*args: P.args, **kwargs: P.kwargs) -> None:
        if PROMETHEUS_AVAILABLE:
            try:
                record(*args, **kwargs)
            except Exception as failure:
                FAILURES.note(f"{record.__name__} dropped a measurement", failure)

    return safely


def init_metrics() -> bool:
    """Builds the registry with every series at 0; true when metrics are recorded. A second call changes nothing.

    The first gate or recording does it too, but then pays for the import of prometheus_client (35-75 ms).
    """
    return registry() is not None


def registry() -> CollectorRegistry | None:
    """What a scrape of this process reads, or None when nothing is recorded."""
    try:
        recorder = current()
    except Exception as failure:
        FAILURES.note("the registry could not be built", failure)
        return None
    return None if recorder is None else recorder.series.registry


def gate_meters() -> dict[str, GateMeter]:
    """Every gate's meter, settled, by the gate's name; empty when nothing is recorded."""
    if registry() is None:
        return {}
    meters = dict(recording().gates)
    for meter in meters.values():
        meter.settle()
    return meters


@_never_raising
def register_tool(tool_id: str) -> None:
    """Gives a tool beyond the shipped ones its own series at 0. At most 100 tools; the rest are ``unknown``."""
    recorder = recording()
    with recorder.growing:
        if tool_id in recorder.tools:
            return
        if len(recorder.tools) >= MAX_TOOLS:
            raise ValueError(f"more than {MAX_TOOLS} tools; {tool_id!r} has no series")
        for status in TOOL_STATUSES:
            recorder.series.add("l9_tool_invocation_total", tool_id, status)
        recorder.series.add("l9_tool_invocation_duration_ms", tool_id)
        recorder.tools.add(tool_id)


@_never_raising
def record_tool_invocation(tool_id: str, status: str, duration_ms: float) -> None:
    """One finished call of a tool: status success, failure, denied or timeout; milliseconds."""
    recorder = recording()
    known = tool_id if tool_id in recorder.tools else UNKNOWN_TOOL
    calls = recorder.series.counter("l9_tool_invocation_total", known, status)
    recorder.series.histogram("l9_tool_invocation_duration_ms", known).observe(
        _amount(duration_ms), exemplar()
    )
    calls.inc(exemplar=exemplar())


@_never_raising
def record_memory_write(segment: str, status: str, duration_seconds: float) -> None:
    """One finished write to the packet store: status ok, partial or error; seconds."""
    series = recording().series
    writes = series.counter("l9_memory_write_total", segment, status)
    series.histogram("l9_memory_write_duration_seconds", segment).observe(
        _amount(duration_seconds), exemplar()
    )
    writes.inc()


@_never_raising
def record_memory_search(segment: str, search_type: str, hits: int) -> None:
    """One finished search (keyword or recent) and the number of packets it found."""
    series = recording().series
    searches = series.counter("l9_memory_search_total", segment, search_type)
    series.histogram("l9_memory_search_hits", segment).observe(_amount(hits))
    searches.inc()


@_never_raising
def set_memory_substrate_health(healthy: bool) -> None:
    """The result of the latest write-read probe of the packet store."""
    recording().series.gauge("l9_memory_substrate_healthy").set(1 if healthy else 0)


@_never_raising
def set_packet_store_size(segment: str, packets: int) -> None:
    """How many packets a segment holds, after expiry."""
    recording().series.gauge("l9_packet_store_size", segment).set(_amount(packets))


@_never_raising
def record_alert_notification(status: str) -> None:
    """One alert received from Alertmanager: firing or resolved."""
    recording().series.counter("alert_notifications_received_total", status).inc()


@_never_raising
def record_watchdog(timestamp: float) -> None:
    """The Watchdog alert was received at this Unix time, in seconds."""
    recording().series.gauge("alert_watchdog_last_seen_timestamp_seconds").set(_amount(timestamp))


@_never_raising
def observe_http(method: str, route: str, status: int, seconds: float) -> None:
    """One answered request. ``route`` is the template (``/memory/{segment}``) or a constant, never a raw path.

    At most 200 routes; what is beyond them has no series.
    """
    recorder = recording()
    series, amount = recorder.series, _amount(seconds)
    if not 100 <= status <= 599:
        raise ValueError(f"expected an HTTP status from 100 to 599, got {status!r}")
    labels = (method if method in HTTP_METHODS else "other", route, str(int(status)))
    if ("http_requests_total", *labels) not in series:
        with recorder.growing:
            if route not in recorder.routes and len(recorder.routes) >= MAX_ROUTES:
                raise LookupError(f"more than {MAX_ROUTES} routes; {route!r:.80} has no series")
            recorder.routes.add(route)
            series.add("http_request_duration_seconds", *labels[:2])
            series.add("http_requests_total", *labels)
    series.counter("http_requests_total", *labels).inc()
    series.histogram("http_request_duration_seconds", *labels[:2]).observe(amount, exemplar())


def recording() -> Recorder:
    """As ``current``. Raises LookupError without prometheus_client."""
    recorder = current()
    if recorder is None:
        raise LookupError("prometheus_client is not installed")
    return recorder


def _amount(value: float) -> float:
    if 0 <= value < math.inf:
        return value
    raise ValueError(f"expected a finite amount that is not negative, got {value!r}")
