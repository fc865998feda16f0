"""A dashboard's variables, and which value a browser gives each when it opens the dashboard. Pure.

The file's own choice holds where it is still one of the options; else "All" is chosen where there is one, else the
first option. Query variables have no options in the file: whoever may ask Prometheus gives them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from stack.boards.durations import seconds_of
from stack.boards.interpolate import ALL, Span, Value, names_in
from stack.boards.model import Model, inner, objects, source_name, source_type, templates

AUTO = "$__auto"
FUNCTION = re.compile(r"\s*(label_values|label_names|metrics|query_result)\s*\((.*)\)\s*$", re.DOTALL)
ASKING = "query"
TYPED = ("constant", "interval", "switch", "textbox")
FREE = ("adhoc", "groupby")
"""Kinds that stand for no text of a query."""
KINDS: Mapping[int, str] = {0: "label_names", 1: "label_values", 2: "metrics", 3: "query_result", 4: "series"}


class Question(Struct, frozen=True):
    """What a query variable asks. ``kind``: label_values, label_names, metrics, query_result or series."""

    kind: str
    text: str = ""
    label: str = ""


class Variable(Struct, frozen=True):
    """One variable as its file has it; ``chosen`` are the values of the file, ``shown`` their text."""

    name: str
    kind: str
    query: Any = ""
    chosen: tuple[str, ...] = ()
    shown: str = ""
    regex: str = ""
    multi: bool = False
    include_all: bool = False
    all_value: str | None = None
    sort: int = 0
    auto: bool = False
    auto_count: float = 30
    auto_min: str = "10s"
    source: str = ""
    source_kind: str = ""

    @property
    def several(self) -> bool:
        """Whether it is an expression in PromQL."""
        return self.multi or self.include_all

    @property
    def asks(self) -> bool:
        """Whether its options come from a data source."""
        return self.kind == ASKING

    def needs(self) -> set[str]:
        """The variables that what it asks names."""
        return names_in(f"{json.dumps(self.query)} {self.source} {self.regex}")


def variables_of(board: Model) -> tuple[Variable, ...]:
    """The dashboard's variables, each after those that it needs; in a circle as they stand in the file."""
    waiting = [_variable(one) for one in templates(board)]
    ordered: list[Variable] = []
    while waiting:
        names = {one.name for one in waiting}
        ready = next((one for one in waiting if not one.needs() & (names - {one.name})), waiting[0])
        waiting.remove(ready)
        ordered.append(ready)
    return tuple(ordered)


def _variable(found: Mapping[str, Any]) -> Variable:
    current = inner(found.get("current"))
    value, source = current.get("value"), found.get("datasource")
    chosen = value if isinstance(value, list) else [] if value in (None, "") else [value]
    text = current.get("text")
    count = found.get("auto_count")
    return Variable(
        name=found["name"],
        kind=str(found.get("type") or ASKING),
        query=found.get("query", ""),
        chosen=tuple(str(one) for one in chosen),
        shown=" + ".join(map(str, text)) if isinstance(text, list) else str(text or ""),
        regex=str(found.get("regex") or ""),
        multi=bool(found.get("multi")),
        include_all=bool(found.get("includeAll")),
        all_value=str(found["allValue"]) if found.get("allValue") else None,
        sort=found["sort"] if isinstance(found.get("sort"), int) else 0,
        auto=bool(found.get("auto")),
        auto_count=count if isinstance(count, int | float) and count > 0 else 30,
        auto_min=str(found.get("auto_min") or "10s"),
        source=source_name(source),
        source_kind=source_type(source),
    )


def question_of(query: Any) -> Question | None:
    """What a query variable asks of Prometheus; None where it asks nothing."""
    if isinstance(query, dict):
        built = _built(query)
        if built is not None:
            return built
        query = query.get("query", "")
    text = str(query or "").strip()
    if not text:
        return None
    if (found := FUNCTION.match(text)) is None:
        return Question("series", text)
    kind, inside = found[1], found[2].strip()
    if kind != "label_values":
        return Question(kind, inside)
    selector, _, label = inside.rpartition(",")
    return Question(kind, selector.strip(), label.strip().strip("\"'"))


def _built(query: Mapping[str, Any]) -> Question | None:
    """What the editor's fields say where they have no text beside them."""
    if str(query.get("query") or "").strip():
        return None
    kind = KINDS.get(query.get("qryType", -1))
    if kind is None:
        return None
    if kind != "label_values":
        keys = {"metrics": "metric", "query_result": "varQuery", "series": "seriesQuery"}
        return Question(kind, str(query.get(keys.get(kind, "match")) or ""))
    filters = [
        f'{one.get("label")}{one.get("op", "=")}"{one.get("value", "")}"'
        for one in objects(query.get("labelFilters"))
    ]
    metric = str(query.get("metric") or "")
    return Question(
        kind, f"{metric}{{{','.join(filters)}}}" if filters else metric, str(query.get("label") or "")
    )


def value_of(variable: Variable, options: Sequence[tuple[str, str]], span: Span) -> Value:
    """What the browser takes when it opens the dashboard."""
    if variable.kind in TYPED:
        return Value((_typed(variable, options, span),))
    known = {value: text for text, value in options}
    kept = [one for one in variable.chosen if one in known]
    if not kept and len(variable.chosen) == 1 and not variable.multi:  # by what it is called, as Grafana does
        kept = [value for text, value in options if text == variable.shown][:1]
    if kept and ALL not in variable.chosen:
        return Value(tuple(kept if variable.multi else kept[:1]), variable.several, text=known[kept[0]])
    if variable.include_all:
        return Value(tuple(known), True, variable.all_value, "All")
    first = tuple(known)[:1]
    return Value(
        first or (() if variable.multi else ("",)),
        variable.several,
        text=known.get(first[0], "") if first else "",
    )


def _typed(variable: Variable, options: Sequence[tuple[str, str]], span: Span) -> str:
    """The one text of a variable that has no list of values to choose from."""
    chosen = next(iter(variable.chosen), "")
    if variable.kind == "interval":
        return _interval(variable, options, span)
    if variable.kind == "constant":
        return str(variable.query or "") or chosen
    if variable.kind == "textbox":
        return chosen or (variable.query if isinstance(variable.query, str) else "")
    return chosen or "false"


def _interval(variable: Variable, options: Sequence[tuple[str, str]], span: Span) -> str:
    chosen = next(iter(variable.chosen), "")
    plain = [value for _, value in options if value != AUTO]
    if not chosen.startswith(AUTO):
        return chosen if chosen in plain or not options else next(iter(plain), chosen)
    return auto_interval(variable, span)


def auto_interval(variable: Variable, span: Span) -> str:
    """What ``auto`` of an interval variable stands for: the span in so many steps, none shorter than the least."""
    seconds = max(span.seconds / variable.auto_count, seconds_of(variable.auto_min) or 10.0)
    return f"{round_interval(seconds):.0f}s"


def round_interval(seconds: float) -> float:
    """A round number of seconds near it."""
    steps = (
        1,
        2,
        5,
        10,
        15,
        20,
        30,
        60,
        120,
        300,
        600,
        900,
        1200,
        1800,
        3600,
        7200,
        10800,
        21600,
        43200,
        86400,
    )
    return float(min(steps, key=lambda step: abs(step - seconds)))
