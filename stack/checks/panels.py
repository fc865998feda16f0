"""Checks of what the dashboards ask: every panel query returns numbers and every variable has a value.

Asked of Grafana as a browser would; where Grafana is absent the same queries go to Prometheus, by checks whose
names say so. A query that returns series of NaN only counts as data where the application makes no load of its own.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from stack.checks.boards import (
    CORRECT,
    PROMETHEUS,
    SHOWN,
    Sources,
    Untouched,
    dashboards_of,
    kind_of,
    reason_of,
    some,
    sources_in_files,
    sources_in_grafana,
)
from stack.checks.context import CheckContext
from stack.checks.model import Broken, Evidence, Rule
from stack.checks.settling import not_yet
from stack.clients.grafana import Query, Result
from stack.clients.http import HttpFailure
from stack.common.moments import wall_clock
from stack.dashboards.queries import PanelQuery, Unusable, Window, judged_queries
from stack.telemetry.catalogue import METRICS

WINDOW_SECONDS = 300
NAME = re.compile(r"[A-Za-z_:][\w:]*")
ASKERS = 4

Judged = tuple[PanelQuery, Result]
Ask = Callable[[tuple[PanelQuery, ...]], Iterable[Judged]]


def data_in_grafana(context: CheckContext) -> Evidence:
    """Every panel query of every dashboard returns numbers through /api/ds/query, one batch a dashboard.

    Asked to one step ahead: Grafana rounds the end of a range down to a step, so the newest one would be left out.
    """

    def ask(asked: tuple[PanelQuery, ...]) -> Iterator[Judged]:
        queries = _by_ref(asked)
        results: dict[str, Result] = {}
        now, lost = wall_clock(), "no result came back"
        try:
            if queries:  # Grafana refuses an empty batch
                results = context.administrator().query(
                    (Query(ref, q.datasource_uid, q.expr, q.instant) for ref, q in queries.items()),
                    now - WINDOW_SECONDS,
                    now + _step(context),
                )
        except HttpFailure as failure:
            lost = str(failure)
        for ref, query in queries.items():
            yield query, results.get(ref, Result(lost, 0, 0))

    return _all_have_data(context, ask, Untouched(), sources_in_grafana(context), "through Grafana")


def _step(context: CheckContext) -> int:
    """Seconds from one point of a graph to the next where all are drawn: one scrape."""
    return round(context.expected.panel_interval)


def _by_ref(queries: Iterable[PanelQuery]) -> dict[str, PanelQuery]:
    """Under references that are unique in a batch, also where two panels have one number."""
    found: dict[str, PanelQuery] = {}
    for query in queries:
        ref = f"p{query.panel_id}_{query.ref_id}"
        found[f"{ref}_{len(found)}" if ref in found else ref] = query
    return found


def data_in_prometheus(context: CheckContext) -> Evidence:
    """The same queries asked of Prometheus, each by itself."""

    def ask(queries: tuple[PanelQuery, ...]) -> Iterator[Judged]:
        for query in queries:
            yield query, _from_prometheus(context, query)

    step = _step(context)
    window = Window(range_s=WINDOW_SECONDS, interval_s=step, scrape_s=step)
    how = f"asked of Prometheus; Grafana is absent: {reason_of(context)}"
    return _all_have_data(context, ask, window, sources_in_files(context), how)


def _from_prometheus(context: CheckContext, query: PanelQuery) -> Result:
    now = wall_clock()
    try:
        if query.instant:
            series: Iterable[tuple[float, ...]] = [(s.value,) for s in context.prometheus.query(query.expr)]
        else:
            step = _step(context)
            series = context.prometheus.query_range(query.expr, now - WINDOW_SECONDS, now, step)
    except HttpFailure as failure:
        return Result(str(failure), 0, 0)
    columns = tuple(series)
    return Result("", len(columns), sum(math.isfinite(value) for column in columns for value in column))


def _all_have_data(context: CheckContext, ask: Ask, window: Window, sources: Sources, how: str) -> Evidence:
    dashboards = dashboards_of(context)
    found = [one for board in dashboards for one in judged_queries(board.text, board.uid, window)]
    broken = [f"{one.place}: {one.why}" for one in found if isinstance(one, Unusable)]
    queries = [one for one in found if isinstance(one, PanelQuery)]
    missing = [query for query in queries if kind_of(sources, query.datasource_uid) == ""]
    broken += [f"{_place(q)}: there is no data source {q.datasource_uid}" for q in missing]
    if broken:
        raise Broken(some(broken, "panel queries cannot be asked"), CORRECT)
    answers = list(_answers(ask, [q for q in queries if kind_of(sources, q.datasource_uid) == PROMETHEUS]))
    if not answers and not dashboards:
        return Evidence(
            f"none of the {len(context.expected.dashboards)} dashboards is shipped: nothing to judge"
        )
    if not answers:
        raise Broken("no dashboard has a panel query", "the dashboards' files are empty of queries")
    faults = [text for query, result in answers if (text := _fault(context, query, result))]
    if faults:
        told = f"{len(faults)} of {len(answers)} panel queries: {'; '.join(faults[:SHOWN])}"
        raise not_yet(context, told)
    empty = [query for query, result in answers if not result.series]
    panels = {(q.dashboard_uid, q.panel_id) for q, _ in answers} - {
        (q.dashboard_uid, q.panel_id) for q in empty
    }
    own = len(context.expected.dashboards) - len(dashboards)
    told = f"{len(panels)} panels with data, {len(answers)} queries of {len(dashboards)} dashboards"
    evidence = f"{told}{f' ({own} of your own apart)' if own else ''} {how}"
    return Evidence(evidence, (*_unjudged(queries, sources), *_idle(context, empty)))


def _idle(context: CheckContext, empty: Iterable[PanelQuery]) -> Iterator[str]:
    """Panels that are empty while the application makes no load of its own, those apart that this explains."""
    loads = _counted_by_load(context.expected.rules)
    by_load: dict[bool, list[str]] = {}
    for query in empty:
        by_load.setdefault(not loads.isdisjoint(NAME.findall(query.expr)), []).append(_place(query))
    for explained, places in sorted(by_load.items(), reverse=True):
        why = (
            ", the application's load being off"
            if explained
            else ", which the application's load does not explain"
        )
        yield f"{len(places)} panel queries are empty{why}: {'; '.join(places[:SHOWN])}"


def _counted_by_load(rules: Iterable[Rule]) -> set[str]:
    """The names of the application's series, and of what rules record of them."""
    names = {name for metric in METRICS for name in metric.series}
    for rule in rules:
        if rule.kind == "recording" and not names.isdisjoint(NAME.findall(rule.expr)):
            names.add(rule.name)
    return names


def _answers(ask: Ask, queries: Iterable[PanelQuery]) -> Iterator[Judged]:
    """The results, some dashboards at a time."""
    boards: dict[str, list[PanelQuery]] = {}
    for query in queries:
        boards.setdefault(query.dashboard_uid, []).append(query)
    with ThreadPoolExecutor(ASKERS) as pool:
        for judged in pool.map(lambda asked: list(ask(tuple(asked))), boards.values()):
            yield from judged


def _unjudged(queries: Iterable[PanelQuery], sources: Sources) -> Iterator[str]:
    for query in queries:
        if (kind := kind_of(sources, query.datasource_uid)) != PROMETHEUS:
            yield f"{_place(query)} was not asked: data source {query.datasource_uid} is of type {kind}"


def _place(query: PanelQuery) -> str:
    return f"{query.dashboard_uid} / {query.panel_title} / {query.ref_id}"


def _fault(context: CheckContext, query: PanelQuery, result: Result) -> str:
    where = _place(query)
    if result.error:
        return f"{where} failed: {result.error}"
    if not context.expected.makes_load:
        return ""
    if not result.series:
        return f"{where} is empty: {query.expr}"
    if not result.numbers:
        return f"{where} has only NaN: {query.expr}"
    return ""
