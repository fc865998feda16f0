"""``/api/ds/query``: a panel's queries, interpolated, sent to the real Prometheus, answered as frames."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from . import timerange, upstream
from .answers import PLUGIN_UNAVAILABLE, Answer, fault
from .database import Database
from .frames import Asked, empty, frames
from .timerange import Range

NO_QUERIES = fault(400, "query.noQueries", "No queries found")
INVALID_SOURCE = fault(
    400, "query.invalidDatasourceId", "Query does not contain a valid data source identifier"
)
BAD_DATA = Answer(400, {"message": "bad request data"})
UNKNOWN_SOURCE = Answer(404, {"message": "Data source not found"})
EXPRESSION = "__expr__"


def answer(database: Database, body: bytes, content_type: str) -> Answer:
    """The whole batch; one bad query makes it 400, and the good results are in it all the same."""
    if not body:
        return NO_QUERIES
    if content_type.partition(";")[0].strip() != "application/json":
        return BAD_DATA
    try:
        document = json.loads(body)
    except ValueError:
        return BAD_DATA
    queries = document.get("queries") or []
    if not queries:
        return NO_QUERIES
    sources = []
    for query in queries:
        source = _source(database, query)
        if isinstance(source, Answer):
            return source
        sources.append(source)
    span = timerange.read_range(document.get("from"), document.get("to"))
    results = {
        query.get("refId") or "A": _result(source, query, span)
        for query, source in zip(queries, sources, strict=True)
    }
    return Answer(400 if any("error" in r for r in results.values()) else 200, {"results": results})


def _source(database: Database, query: dict[str, Any]) -> dict[str, Any] | Answer:
    named = query.get("datasource")
    if not named:
        return INVALID_SOURCE
    uid = named.get("uid") if isinstance(named, dict) else named
    row = database.row("SELECT * FROM data_source WHERE uid = ?", (uid,))
    if row is None:
        return UNKNOWN_SOURCE
    return PLUGIN_UNAVAILABLE if row["type"] != "prometheus" else dict(row)


def _result(source: dict[str, Any], query: dict[str, Any], span: Range) -> dict[str, Any]:
    scrape = timerange.duration_ms(json.loads(source["json_data"]).get("timeInterval") or "15s")
    own = timerange.duration_ms(str(query.get("interval") or ""))
    least = own or int(query.get("intervalMs") or 0) or scrape or timerange.DEFAULT_STEP_MS
    step = timerange.step_ms(span, least, int(query.get("maxDataPoints") or 0))
    expr = interpolated(str(query.get("expr") or ""), span, step, own or scrape)
    asked = Asked(
        query.get("refId") or "A",
        expr,
        step,
        timerange.go_duration(step),
        str(query.get("legendFormat") or ""),
    )
    found: list[dict[str, Any]] = []
    try:
        for path, values in _requests(query, asked, span):
            reply = upstream.form(source["url"], path, **values)
            if reply.status != 200:
                return _failed(asked, reply)
            found += frames(asked, reply.json()["data"])
    except upstream.Down as down:
        return {"error": str(down), "errorSource": "downstream", "status": 502, "frames": []}
    return {"status": 200, "frames": found or [empty(asked)]}


def _failed(asked: Asked, reply: upstream.Upstream) -> dict[str, Any]:
    document = reply.json()
    text = f"{document.get('errorType', '')}: {document.get('error', '')}"
    return {"error": text, "errorSource": "downstream", "status": reply.status, "frames": [empty(asked)]}


def _requests(query: dict[str, Any], asked: Asked, span: Range) -> Iterable[tuple[str, dict[str, str]]]:
    instant = bool(query.get("instant"))
    if query.get("range") or not instant:
        start, end = (moment // asked.step_ms * asked.step_ms / 1000 for moment in (span.start, span.end))
        times = {"start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{asked.step_ms / 1000:g}"}
        yield "/api/v1/query_range", {"query": asked.expr, **times}
    if instant:
        yield "/api/v1/query", {"query": asked.expr, "time": f"{span.end / 1000:.3f}"}


def interpolated(expr: str, span: Range, step: int, scrape: int) -> str:
    """Grafana's macros replaced; dashboard variables stay as they are, for they are the browser's."""
    seconds = span.length // 1000
    macros = {
        "__rate_interval": timerange.short(max(step + scrape, 4 * scrape)),
        "__interval_ms": str(step),
        "__interval": timerange.short(step),
        "__range_ms": str(span.length),
        "__range_s": str(seconds),
        "__range": f"{seconds}s",
    }
    for name, value in macros.items():
        expr = expr.replace(f"${{{name}}}", value).replace(f"${name}", value)
    return expr
