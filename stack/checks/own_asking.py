"""Who answers the panels of a user's dashboard: Grafana where it runs, as it does a browser, else Prometheus itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct

from stack.boards.model import LIKE_PROMETHEUS
from stack.checks.context import CheckContext
from stack.checks.model import Broken
from stack.checks.own_queries import Query
from stack.clients import grafana
from stack.clients.http import HttpFailure
from stack.clients.prometheus import Prometheus, Refused

REF = "A"
REFUSALS = range(400, 500)
"""Statuses by which Grafana says that a panel's query cannot be asked."""


class Asked(Struct, frozen=True):
    """What came back: an error, or how many series and numbers."""

    error: str = ""
    series: int = 0
    numbers: int = 0


class Door(Struct, frozen=True):
    """Who is asked: ``ask`` for the answer to a query, ``sources`` for the types of data sources by uid and name.

    ``words`` for how that is.
    """

    ask: Callable[[Query], Asked]
    sources: Mapping[str, str]
    words: str = ""


def door(context: CheckContext) -> Door:
    """Whoever answers now. Where Grafana refuses our login, a check of its own says so."""
    if context.asks_grafana:
        try:
            held = context.administrator()
            return _through(held, held.data_sources())
        except (Broken, HttpFailure):
            pass
    found = context.expected.data_sources
    types = {key: source.type for source in found for key in (source.uid, source.name)}
    return Door(lambda query: _of_prometheus(context.prometheus, query), types)


def _through(held: grafana.Grafana, found: Iterable[grafana.LoadedSource]) -> Door:
    """Also by the data sources that somebody made in Grafana."""
    listed = tuple(found)
    uids = {key: source.uid for source in listed for key in (source.uid, source.name)}
    types = {key: source.type for source in listed for key in (source.uid, source.name)}
    usual = next((source.uid for source in listed if source.type in LIKE_PROMETHEUS), "")
    return Door(
        lambda query: _of_grafana(held, query, uids.get(query.source, usual)), types, " through Grafana"
    )


def _of_grafana(held: grafana.Grafana, query: Query, source: str) -> Asked:
    """To one step ahead: it rounds the end down to a step, so that the newest point would be left out."""
    span = query.span
    sent = grafana.Query(REF, source, query.sent, query.instant, round(span.interval * 1000))
    try:
        result = held.query((sent,), span.start, span.end + span.interval).get(REF)
    except HttpFailure as failure:
        if failure.status not in REFUSALS:
            raise
        return Asked(str(failure))
    return (
        Asked("no result came back") if result is None else Asked(result.error, result.series, result.numbers)
    )


def _of_prometheus(prometheus: Prometheus, query: Query) -> Asked:
    try:
        if query.instant:
            columns: Iterable[tuple[float, ...]] = [(s.value,) for s in prometheus.query(query.expr)]
        else:
            span = query.span
            steps = math.ceil(span.seconds / span.interval)
            lines = prometheus.lines(query.expr, span.end - steps * span.interval, span.end, span.interval)
            columns = [values for _, values in lines]
    except Refused as failure:
        return Asked(str(failure))
    listed = list(columns)
    return Asked("", len(listed), sum(math.isfinite(value) for column in listed for value in column))
