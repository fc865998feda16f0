"""The values that a browser would give the variables of a user's dashboard, asked of Prometheus where they ask.

What a variable asks may name others, so they are answered one after the other. One that cannot be answered is told,
and stands for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from msgspec import Struct

from stack.boards.interpolate import Span, Unknown, Value, interpolated
from stack.boards.model import LIKE_PROMETHEUS, Model
from stack.boards.options import filtered, fixed_options
from stack.boards.variables import (
    FREE,
    Question,
    Variable,
    auto_interval,
    question_of,
    value_of,
    variables_of,
)
from stack.checks.promql import quoted
from stack.clients.prometheus import Prometheus, Refused

SOURCE = "datasource"
NAMES = "__name__"


class Answered(Struct, frozen=True):
    """The values by name; ``sources``: data source variables by the type that they choose from.

    ``faults``: variables that cannot be answered, each with the reason; ``empty``: those whose question finds nothing.
    ``without``: the names of all that have no value.
    """

    values: Mapping[str, Value]
    sources: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    without: frozenset[str] = frozenset()


def answered(prometheus: Prometheus, board: Model, span: Span) -> Answered:
    """The variables of a dashboard that is opened now."""
    asking = _Asking(prometheus, span)
    for variable in variables_of(board):
        asking.answer(variable)
    return Answered(
        asking.values,
        asking.sources,
        tuple(asking.faults),
        tuple(asking.empty),
        tuple(asking.notes),
        frozenset(asking.without),
    )


@dataclass
class _Asking:
    prometheus: Prometheus
    span: Span
    values: dict[str, Value] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    without: set[str] = field(default_factory=set)

    def answer(self, variable: Variable) -> None:
        """Its value, from what is known so far."""
        name = variable.name
        if variable.kind == SOURCE:
            self.sources[name] = str(variable.query)
            ours = variable.query in LIKE_PROMETHEUS
            self.values[name] = Value(("prometheus",) if ours else variable.chosen[:1])
            return
        if variable.kind in FREE:
            if variable.kind == "adhoc" and variable.query:
                self.notes.append(f"${name}: its filters are not applied here")
            self.values[name] = Value(variable.chosen or ("",))
            return
        options = self._options(variable) if variable.asks else fixed_options(variable)
        self.values[name] = value_of(variable, options, self.span)
        if variable.kind == "interval":
            self.values[f"__auto_interval_{name}"] = Value((auto_interval(variable, self.span),))

    def _options(self, variable: Variable) -> list[tuple[str, str]]:
        kind = self._kind_of(variable)
        question = question_of(variable.query)
        if kind and kind not in LIKE_PROMETHEUS:
            self.notes.append(f"${variable.name} asks a {kind} data source: its value is that of the file")
            return [(one, one) for one in variable.chosen]
        if question is None:
            return []
        try:
            found = self._asked(question)
        except (Unknown, Refused) as error:
            self.faults.append(f"${variable.name}: {error}")
            self.without.add(variable.name)
            return []
        options = filtered(variable, found)
        if not options:
            self.empty.append(f"${variable.name} has no value: {_told(question)}")
            self.without.add(variable.name)
        return options

    def _kind_of(self, variable: Variable) -> str:
        named = variable.source.strip("${}")
        return self.sources.get(named, "") or variable.source_kind

    def _asked(self, question: Question) -> tuple[str, ...]:
        macros = self.span.macros()
        text = interpolated(question.text, self.values, macros)
        label = interpolated(question.label, self.values, macros)
        since = self.span.start
        if question.kind == "label_values":
            return self.prometheus.label_values(label, text, since)
        if question.kind == "label_names":
            return self.prometheus.label_names(text)
        if question.kind == "metrics":
            selector = f"{{{NAMES}=~{quoted(f'.*(?:{text}).*')}}}" if text else ""
            return self.prometheus.label_values(NAMES, selector, since)
        if question.kind == "query_result":
            return tuple(
                _as_text(s.labels, f" {_number(s.value)} {self.span.end * 1000:.0f}")
                for s in self.prometheus.query(text)
            )
        return tuple(_as_text(labels) for labels in self.prometheus.series(text, since, 1000))


def _as_text(labels: tuple[tuple[str, str], ...], more: str = "") -> str:
    """A series as Grafana gives it to the variable's expression."""
    told = dict(labels)
    name = told.pop(NAMES, "")
    inside = ",".join(f'{label}="{value}"' for label, value in told.items())
    return f"{name}{{{inside}}}{more}"


def _number(value: float) -> str:
    return f"{value:.0f}" if value == int(value) else repr(value)


def _told(question: Question) -> str:
    inside = ", ".join(part for part in (question.text, question.label) if part)
    return inside if question.kind == "series" else f"{question.kind}({inside})"
