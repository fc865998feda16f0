"""Checks of the dashboards' variables: each that Prometheus must fill has a value, each judged by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from stack.checks.boards import (
    CORRECT,
    PROMETHEUS,
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
from stack.checks.model import Broken, Dashboard, Evidence
from stack.checks.settling import not_yet
from stack.dashboards.queries import Unusable, model, resolve, source_of, templates, variables

LABEL_VALUES = "label_values("


class Variable(Struct, frozen=True):
    """A query variable of a dashboard: values of ``label`` among the series of ``selector``."""

    dashboard_uid: str
    name: str
    label: str
    selector: str
    source_uid: str

    @property
    def place(self) -> str:
        """Where it stands, for a person."""
        return f"{self.dashboard_uid} / ${self.name}"


class Other(Struct, frozen=True):
    """A variable that asks something else, which may be right and is not judged here."""

    place: str
    query: str


def variables_in_grafana(context: CheckContext) -> Evidence:
    """Each query variable has values when asked as a browser asks."""

    def ask(variable: Variable) -> tuple[str, ...]:
        return context.administrator().label_values(variable.source_uid, variable.label, variable.selector)

    return _all_resolve(context, ask, sources_in_grafana(context), "")


def variables_in_prometheus(context: CheckContext) -> Evidence:
    """The same asked of Prometheus."""
    how = f", asked of Prometheus; Grafana is absent: {reason_of(context)}"
    sources = sources_in_files(context)
    return _all_resolve(context, lambda v: context.prometheus.label_values(v.label, v.selector), sources, how)


def _all_resolve(
    context: CheckContext, ask: Callable[[Variable], tuple[str, ...]], sources: Sources, how: str
) -> Evidence:
    found = [one for dashboard in dashboards_of(context) for one in query_variables(dashboard)]
    variables = [one for one in found if isinstance(one, Variable)]
    broken = [f"{one.place}: {one.why}" for one in found if isinstance(one, Unusable)]
    unknown = [v for v in variables if not kind_of(sources, v.source_uid)]
    broken += [f"{v.place}: there is no data source {v.source_uid}" for v in unknown]
    if broken:
        raise Broken(some(broken, "variables cannot be asked for"), CORRECT)
    empty = list(_asked_once(ask, [v for v in variables if sources.get(v.source_uid) == PROMETHEUS]))
    if empty:
        told = some([f"{v.place} has no value: {v.selector}" for v in empty], "variables are empty")
        raise not_yet(context, told)
    return Evidence(f"{len(variables)} variables resolve{how}", tuple(_unasked(found, sources)))


def _unasked(found: Iterable[Variable | Unusable | Other], sources: Sources) -> Iterator[str]:
    for one in found:
        if isinstance(one, Other):
            yield f"{one.place} was not asked for: {one.query!r} is no label_values(...)"
        elif isinstance(one, Variable) and (kind := kind_of(sources, one.source_uid)) != PROMETHEUS:
            yield f"{one.place} was not asked for: data source {one.source_uid} is of type {kind}"


def _asked_once(
    ask: Callable[[Variable], tuple[str, ...]], variables: Iterable[Variable]
) -> Iterator[Variable]:
    """The variables without a value; those that ask the same are asked once."""
    answers: dict[tuple[str, str, str], tuple[str, ...]] = {}
    for variable in variables:
        key = (variable.source_uid, variable.label, variable.selector)
        if key not in answers:
            answers[key] = ask(variable)
        if not answers[key]:
            yield variable


def query_variables(dashboard: Dashboard) -> Iterator[Variable | Unusable | Other]:
    """The variables that Prometheus must fill; what cannot be asked for, or judged, with its reason."""
    try:
        board = model(dashboard.text)
    except ValueError as error:
        yield Unusable(dashboard.uid, str(error))
        return
    values = variables(board) | Untouched().macros()
    for variable in templates(board):
        if variable.get("type") == "query":
            yield _variable(dashboard.uid, variable, values)


def _variable(
    uid: str, variable: Mapping[str, Any], values: Mapping[str, str]
) -> Variable | Unusable | Other:
    query, name = variable.get("query", ""), variable["name"]
    text = str(query.get("query", "") if isinstance(query, dict) else query).strip()
    place = f"{uid} / ${name}"
    if not (text.startswith(LABEL_VALUES) and text.endswith(")")):
        return Other(place, text)
    selector, _, label = text[len(LABEL_VALUES) : -1].rpartition(",")
    try:
        source = resolve(source_of(variable), values)
        return Variable(uid, name, label.strip(), resolve(selector.strip(), values), source)
    except ValueError as error:
        return Unusable(place, str(error))
