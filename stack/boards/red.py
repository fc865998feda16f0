"""Rate, errors and duration of requests, where a job's metrics of HTTP or RPC follow the usual names. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from stack.boards import promql
from stack.boards.drawing import Drawn, Query, Section
from stack.boards.families import Family, count_of
from stack.boards.units import unit_of

PROTOCOL = re.compile(r"(?:^|_)(https?|grpc|rpc)(?:_|$)")
COUNTED = re.compile(r"(requests?|handled|calls|responses)(_total)?$")
TIMED = re.compile(
    r"(request|response|server|handling|call).*(duration|latency|time|handling|seconds|milliseconds|ms)|requests_seconds$"
)
LOOSE = re.compile(r"(.+?)_requests?(?:_|$)")
STATUS = (
    "code", "status", "status_code", "http_status_code", "http_response_status_code", "statuscode", "grpc_code",
    "rpc_grpc_status_code",
)  # fmt: skip
ROUTES = (
    "route",
    "handler",
    "path",
    "uri",
    "endpoint",
    "url",
    "http_route",
    "grpc_method",
    "rpc_method",
    "method",
)
FAILED_GRPC = '!~"OK|0"'
FAILED_HTTP = '=~"5.."'
MOST = 3
QUANTILES = (("0.5", "p50"), ("0.95", "p95"), ("0.99", "p99"))


def red_sections(job: str, families: Sequence[Family]) -> Iterator[Section]:
    """A row for each kind of requests that the job serves, the plainest names first."""
    pairs = sorted(_pairs(families), key=lambda pair: (_secondary(pair[0]), len(pair[0])))
    for prefix, counted, timed in pairs[:MOST]:
        panels = tuple(_panels(job, counted, timed))
        if panels:
            yield Section(f"Requests: {prefix.replace('_', ' ').strip() or 'http'}", panels)


def taken(families: Sequence[Family]) -> frozenset[str]:
    """The metrics that these rows show."""
    pairs = sorted(_pairs(families), key=lambda pair: (_secondary(pair[0]), len(pair[0])))
    return frozenset(one.name for _, *both in pairs[:MOST] for one in both if one is not None)


def _secondary(prefix: str) -> bool:
    """Whether the requests are those of the metrics page itself, or sent to others."""
    return prefix.startswith("promhttp") or "client" in prefix


def _pairs(families: Sequence[Family]) -> list[tuple[str, Family | None, Family | None]]:
    """By the beginning of their names: what counts requests, and what times them.

    Without a protocol in the name they are requests where a status tells how they ended.
    """
    counted: dict[str, Family] = {}
    timed: dict[str, Family] = {}
    for family in families:
        prefix = _prefix(family.name)
        known = prefix if PROTOCOL.search(family.name) else ""
        if (
            family.kind == "counter"
            and COUNTED.search(family.name)
            and (known or (prefix and _status(family)))
        ):
            counted.setdefault(prefix, family)
        elif family.kind in ("histogram", "native", "summary") and TIMED.search(family.name) and prefix:
            timed.setdefault(prefix, family)
    served = {p: one for p, one in timed.items() if p in counted or PROTOCOL.search(one.name)}
    return [(p, counted.get(p), served.get(p)) for p in dict.fromkeys((*counted, *served))]


def _prefix(name: str) -> str:
    """What the names of one kind of requests have in common; empty where nothing says that they are requests."""
    found = PROTOCOL.search(name)
    if found is None:
        loose = LOOSE.match(name)
        return loose[1] if loose else ""
    prefix, rest = name[: found.end()].strip("_"), name[found.end() :]
    side = next((word for word in ("client", "server") if word in rest), "")
    return f"{prefix}_{side}" if side else prefix


def _status(family: Family) -> str:
    """The label that tells how a request ended; empty where there is none."""
    return next((label for label, _ in family.labels if label.lower() in STATUS), "")


def _panels(job: str, counted: Family | None, timed: Family | None) -> Iterator[Drawn]:
    source = counted or timed
    if source is None:
        return
    name = source.name if counted else count_of(source)
    about = f"{name}: {source.help}" if source.help else name
    status = _status(source)
    every = _rate(job, source, name)
    by = (status,) if status else ()
    yield _line("Requests", about, "reqps", Query(promql.total(by, every), promql.legend(by) or "requests"))
    if status:
        wrong = f"{status}{_failed(source, status)}"
        failed = promql.total((), _rate(job, source, name, wrong))
        share = f"({failed} or vector(0)) / clamp_min({promql.total((), every)}, 1e-9)"
        yield _line(
            "Errors", f"Share of requests that failed: {wrong}", "percentunit", Query(share, "errors")
        )
    if timed is not None and not timed.quiet:
        yield from _durations(job, timed)
    route = next((label for label in ROUTES if dict(source.labels).get(label, 0) > 1), "")
    if route:
        largest = f"topk(10, {promql.total((route,), every)})"
        told = f"The ten with the most requests. {about}"
        yield _line(f"Requests by {route}", told, "reqps", Query(largest, promql.legend((route,))), 24)


def _line(title: str, about: str, unit: str, query: Query, width: int = 8) -> Drawn:
    return Drawn("timeseries", title, about, unit, (query,), width)


def _rate(job: str, family: Family, name: str, *matchers: str) -> str:
    inside = promql.rate(job, name, *matchers)
    return f"histogram_count({inside})" if family.kind == "native" else inside


def _failed(family: Family, status: str) -> str:
    words = family.values_of(status)
    by_word = "grpc" in status or any(value in ("OK", "Unavailable", "Internal") for value in words)
    return FAILED_GRPC if by_word else FAILED_HTTP


def _durations(job: str, timed: Family) -> Iterator[Drawn]:
    unit, about = unit_of(timed.name, timed.unit), f"{timed.name}: {timed.help}".rstrip(": ")
    if timed.kind == "summary":
        parts = (promql.total((), promql.rate(job, f"{timed.name}_{part}")) for part in ("sum", "count"))
        yield _line("Duration", f"On average. {about}", unit, Query(" / ".join(parts), "average"))
        return
    queries = tuple(Query(promql.quantile(job, timed, share), name) for share, name in QUANTILES)
    yield Drawn("timeseries", "Duration", about, unit, queries, 8)
