"""Takes measurements of tools, memory, HTTP and alerts into one registry; strict, so it raises on what it
can't place.

``recorders`` wraps it for callers, who must never see an exception. A measurement is checked as a whole
before any series moves, so that a histogram and its counter can't drift apart. This module imports
prometheus_client, so only import it lazily. It must never make a series out of a value that a caller
invents.
"""

from __future__ import annotations

import math
import platform
from collections.abc import Mapping
from threading import Lock

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

import stack
from stack.telemetry.catalogue import TOOL_STATUSES, TOOLS, UNKNOWN_TOOL
from stack.telemetry.collectors import FailureCollector, GateCollector
from stack.telemetry.failures import FAILURES, FailureLog
from stack.telemetry.families import counter, gauge, histogram
from stack.telemetry.meter import METERS, GateMeter
from stack.telemetry.request import EXEMPLAR_LABEL, REQUEST_ID

HTTP_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
MAX_ROUTES = 200
MAX_TOOLS = 100


class Recorders:
    """All children of one registry. Durations must be finite and not negative; labels must be known ones."""

    def __init__(self, meters: Mapping[str, GateMeter] = METERS, failures: FailureLog = FAILURES) -> None:
        # A creation time per series would double the size of a scrape, and Prometheus does not need it.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = registry = CollectorRegistry(auto_describe=True)
        self._growing = Lock()
        self._routes: set[str] = set()
        self._tools = {*TOOLS, UNKNOWN_TOOL}
        registry.register(GateCollector(meters))
        registry.register(FailureCollector(failures))
        self._tool_calls = counter("l9_tool_invocation_total", registry)
        self._tool_ms = histogram("l9_tool_invocation_duration_ms", registry)
        self._writes = counter("l9_memory_write_total", registry)
        self._write_seconds = histogram("l9_memory_write_duration_seconds", registry)
        self._searches = counter("l9_memory_search_total", registry)
        self._hits = histogram("l9_memory_search_hits", registry)
        self._healthy = gauge("l9_memory_substrate_healthy", registry)
        self._packets = gauge("l9_packet_store_size", registry)
        self._requests = counter("http_requests_total", registry)
        self._request_seconds = histogram("http_request_duration_seconds", registry)
        self._notifications = counter("alert_notifications_received_total", registry)
        self._watchdog = gauge("alert_watchdog_last_seen_timestamp_seconds", registry)
        _add_build_info(registry)
        for runtime in (ProcessCollector, PlatformCollector, GCCollector):
            runtime(registry=registry)

    def register_tool(self, tool_id: str) -> None:
        """Makes a tool's series; ValueError when there are too many tools already."""
        with self._growing:
            if tool_id in self._tools:
                return
            if len(self._tools) >= MAX_TOOLS:
                raise ValueError(f"more than {MAX_TOOLS} tools; {tool_id!r} has no series")
            for status in TOOL_STATUSES:
                self._tool_calls.add(tool_id, status)
            self._tool_ms.add(tool_id)
            self._tools.add(tool_id)

    def tool_invocation(self, tool_id: str, status: str, duration_ms: float) -> None:
        """One finished call of a tool; an id that was never registered counts as ``unknown``."""
        known = tool_id if tool_id in self._tools else UNKNOWN_TOOL
        calls = self._tool_calls[known, status]
        self._tool_ms[known,].observe(_amount(duration_ms), _exemplar())
        calls.inc(exemplar=_exemplar())

    def memory_write(self, segment: str, status: str, duration_seconds: float) -> None:
        """One finished write."""
        writes = self._writes[segment, status]
        self._write_seconds[segment,].observe(_amount(duration_seconds), _exemplar())
        writes.inc()

    def memory_search(self, segment: str, search_type: str, hits: int) -> None:
        """One finished search and how many packets it found."""
        searches = self._searches[segment, search_type]
        self._hits[segment,].observe(_amount(hits))
        searches.inc()

    def substrate_health(self, healthy: bool) -> None:
        """The result of the latest write-read probe."""
        self._healthy[()].set(1 if healthy else 0)

    def packet_store_size(self, segment: str, packets: int) -> None:
        """How many packets a segment holds."""
        self._packets[segment,].set(_amount(packets))

    def alert_notification(self, status: str) -> None:
        """One alert in a notification of Alertmanager."""
        self._notifications[status,].inc()

    def watchdog(self, timestamp: float) -> None:
        """The Unix time, in seconds, at which the Watchdog alert was received."""
        self._watchdog[()].set(_amount(timestamp))

    def http(self, method: str, route: str, status: int, seconds: float) -> None:
        """One answered request; ``route`` is the template. LookupError when there are too many routes."""
        amount = _amount(seconds)
        known = method if method in HTTP_METHODS else "other"
        labels = (known, route, _status(status))
        if labels not in self._requests:
            self._add_route(labels)
        self._requests[labels].inc()
        self._request_seconds[labels[:2]].observe(amount, _exemplar())

    def _add_route(self, labels: tuple[str, str, str]) -> None:
        method, route, _ = labels
        with self._growing:
            if route not in self._routes and len(self._routes) >= MAX_ROUTES:
                raise LookupError(f"more than {MAX_ROUTES} routes; {route!r:.80} has no series")
            self._routes.add(route)
            self._request_seconds.add(method, route)
            self._requests.add(*labels)


def _add_build_info(registry: CollectorRegistry) -> None:
    info = gauge("app_build_info", registry)
    labels = (stack.__version__, platform.python_version())
    info.add(*labels)
    info[labels].set(1)


def _amount(value: float) -> float:
    if 0 <= value < math.inf:
        return value
    raise ValueError(f"expected a finite amount that is not negative, got {value!r}")


def _status(status: int) -> str:
    if 100 <= status <= 599:
        return str(int(status))
    raise ValueError(f"expected an HTTP status from 100 to 599, got {status!r}")


def _exemplar() -> dict[str, str] | None:
    request_id = REQUEST_ID.get()
    return {EXEMPLAR_LABEL: request_id} if request_id else None
