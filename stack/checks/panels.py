"""Checks of what the dashboards ask: every panel query returns numbers and every variable has a value.

Asked of Grafana as a browser would; where Grafana is absent the same queries go to Prometheus, by checks whose
names say so. A query that returns series of NaN only counts as data where the application makes no load of its own.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from stack.checks.check import Check
from stack.checks.context import CheckContext
from stack.checks.model import Broken, Dashboard
from stack.clients.grafana import Query, Result
from stack.clients.http import HttpFailure
from stack.common.wait import NotYet
from stack.dashboards.queries import PanelQuery, Window, panel_queries, resolve, variables

WINDOW_SECONDS = 300
STEP_SECONDS = 5
ASKERS = 4
SHOWN = 3
LABEL_VALUES = "label_values("


class _Untouched(Window):
    """Leaves Grafana's macros in the text, so that Grafana itself must replace them."""

    def macros(self) -> dict[str, str]:
        """Each macro stands for itself."""
        return {name: f"${name}" for name in Window.macros(self)}


def data_in_grafana(context: CheckContext) -> str:
    """Every panel query of every dashboard returns numbers through /api/ds/query, one batch a dashboard.

    Asked to one step ahead: Grafana rounds the end of a range down to a step, so the newest one would be left out.
    """

    def ask(dashboard: Dashboard) -> Iterator[tuple[PanelQuery, Result]]:
        queries = _by_ref(panel_queries(dashboard.text, _Untouched()))
        results: dict[str, Result] = {}
        now, lost = time.time(), "no result came back"
        try:
            if queries:  # Grafana refuses an empty batch
                results = context.administrator().query(
                    (Query(ref, q.datasource_uid, q.expr, q.instant) for ref, q in queries.items()),
                    now - WINDOW_SECONDS,
                    now + STEP_SECONDS,
                )
        except HttpFailure as failure:
            lost = str(failure)
        for ref, query in queries.items():
            yield query, results.get(ref, Result(lost, 0, 0))

    return _all_have_data(context, ask, "through Grafana")


def _by_ref(queries: Iterable[PanelQuery]) -> dict[str, PanelQuery]:
    """Under references that are unique in a batch, also where two panels have one number."""
    found: dict[str, PanelQuery] = {}
    for query in queries:
        ref = f"p{query.panel_id}_{query.ref_id}"
        found[f"{ref}_{len(found)}" if ref in found else ref] = query
    return found


def data_in_prometheus(context: CheckContext) -> str:
    """The same queries asked of Prometheus, each by itself."""

    def ask(dashboard: Dashboard) -> Iterator[tuple[PanelQuery, Result]]:
        window = Window(range_s=WINDOW_SECONDS, interval_s=STEP_SECONDS)
        for query in panel_queries(dashboard.text, window):
            yield query, _from_prometheus(context, query)

    return _all_have_data(context, ask, f"asked of Prometheus; Grafana is absent: {_reason(context)}")


def _from_prometheus(context: CheckContext, query: PanelQuery) -> Result:
    now = time.time()
    try:
        if query.instant:
            series: Iterable[tuple[float, ...]] = [(s.value,) for s in context.prometheus.query(query.expr)]
        else:
            series = context.prometheus.query_range(query.expr, now - WINDOW_SECONDS, now, STEP_SECONDS)
    except HttpFailure as failure:
        return Result(str(failure), 0, 0)
    columns = tuple(series)
    return Result("", len(columns), sum(math.isfinite(value) for column in columns for value in column))


Asked = Iterable[tuple[PanelQuery, Result]]


def _all_have_data(context: CheckContext, ask: Callable[[Dashboard], Asked], how: str) -> str:
    dashboards = _dashboards(context)
    with ThreadPoolExecutor(ASKERS) as pool:
        answers = [pair for pairs in pool.map(lambda d: list(ask(d)), dashboards) for pair in pairs]
    if not answers and not dashboards:
        return f"none of the {len(context.expected.dashboards)} dashboards is shipped: nothing to judge"
    if not answers:
        raise Broken("no dashboard has a panel query", "the dashboards' files are empty of queries")
    faults = [text for query, result in answers if (text := _fault(context, query, result))]
    if faults:
        raise NotYet(f"{len(faults)} of {len(answers)} panel queries: {'; '.join(faults[:SHOWN])}")
    panels = {(query.dashboard_uid, query.panel_id) for query, _ in answers}
    own = len(context.expected.dashboards) - len(dashboards)
    told = f"{len(panels)} panels with data, {len(answers)} queries of {len(dashboards)} dashboards"
    return f"{told}{f' ({own} of your own not judged)' if own else ''} {how}"


def _fault(context: CheckContext, query: PanelQuery, result: Result) -> str:
    where = f"{query.dashboard_uid} / {query.panel_title} / {query.ref_id}"
    if result.error:
        return f"{where} failed: {result.error}"
    if not result.series:
        return f"{where} is empty: {query.expr}"
    if not result.numbers and context.expected.makes_load:
        return f"{where} has only NaN: {query.expr}"
    return ""


@dataclass(frozen=True, slots=True)
class Variable:
    """A query variable of a dashboard: values of ``label`` among the series of ``selector``."""

    dashboard_uid: str
    name: str
    label: str
    selector: str
    source_uid: str


def variables_in_grafana(context: CheckContext) -> str:
    """Each query variable has values when asked as a browser asks."""
    return _all_resolve(
        context, lambda v: context.administrator().label_values(v.source_uid, v.label, v.selector), ""
    )


def variables_in_prometheus(context: CheckContext) -> str:
    """The same asked of Prometheus."""
    how = f", asked of Prometheus; Grafana is absent: {_reason(context)}"
    return _all_resolve(context, lambda v: context.prometheus.label_values(v.label, v.selector), how)


def _all_resolve(context: CheckContext, ask: Callable[[Variable], tuple[str, ...]], how: str) -> str:
    found = [variable for dashboard in _dashboards(context) for variable in query_variables(dashboard)]
    answers: dict[tuple[str, str, str], tuple[str, ...]] = {}
    for variable in found:
        key = (variable.source_uid, variable.label, variable.selector)
        answers[key] = answers.get(key) or ask(variable)
        if not answers[key]:
            raise NotYet(f"{variable.dashboard_uid} / ${variable.name} has no value: {variable.selector}")
    return f"{len(found)} variables resolve{how}"


def query_variables(dashboard: Dashboard) -> Iterator[Variable]:
    """The variables that Prometheus must fill; ``Broken`` for a kind of query that cannot be judged."""
    model = json.loads(dashboard.text)
    values = variables(model) | _Untouched().macros()
    for variable in model.get("templating", {}).get("list", []):
        if variable.get("type") == "query":
            yield _variable(dashboard.uid, variable, values)


def _variable(uid: str, variable: Mapping[str, Any], values: Mapping[str, str]) -> Variable:
    query = variable.get("query", "")
    text = str(query.get("query", "") if isinstance(query, dict) else query).strip()
    if not (text.startswith(LABEL_VALUES) and text.endswith(")")):
        raise Broken(f"{uid} / ${variable['name']}: cannot judge the query {text!r}", "use label_values(...)")
    selector, _, label = text[len(LABEL_VALUES) : -1].rpartition(",")
    source = str((variable.get("datasource") or {}).get("uid", "${datasource}"))
    return Variable(
        uid, str(variable["name"]), label.strip(), resolve(selector.strip(), values), resolve(source, values)
    )


def _dashboards(context: CheckContext) -> tuple[Dashboard, ...]:
    """The shipped ones. Those of the user's own may ask for what is not there yet."""
    if not context.expected.dashboards:
        raise Broken("no dashboard is expected", "the dashboards' files are empty or were not rendered")
    return tuple(one for one in context.expected.dashboards if not one.own)


def _reason(context: CheckContext) -> str:
    return dict(context.expected.absent).get("grafana", "not part of this stack")


TRAFFIC = "a fresh stack needs two scrapes and some calls: is the load on (STACK_LOAD) and the target up?"
OF_GRAFANA = (
    Check(
        "grafana.variables",
        "every dashboard variable resolves",
        "grafana",
        "proven",
        variables_in_grafana,
        TRAFFIC,
        30,
        every=0.2,
    ),
    Check(
        "grafana.panels",
        "every panel query returns data",
        "grafana",
        "proven",
        data_in_grafana,
        TRAFFIC,
        45,
        every=0.2,
    ),
)
OF_PROMETHEUS = (
    Check(
        "prometheus.variables",
        "every dashboard variable resolves, Grafana being absent",
        "prometheus",
        "proven",
        variables_in_prometheus,
        TRAFFIC,
        30,
        every=0.2,
        unless="grafana",
    ),
    Check(
        "prometheus.panels",
        "every panel query returns data, Grafana being absent",
        "prometheus",
        "proven",
        data_in_prometheus,
        TRAFFIC,
        45,
        every=0.2,
        unless="grafana",
    ),
)
