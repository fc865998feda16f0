"""What the panels of a user's dashboard ask, ready to be asked: variables replaced, each by its data source. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from stack.boards.durations import seconds_of
from stack.boards.interpolate import Span, Unknown, Value, interpolated, names_in
from stack.boards.model import (
    BUILT_IN,
    LIKE_PROMETHEUS,
    Model,
    inner,
    objects,
    source_name,
    title_of,
)
from stack.checks.own_variables import Answered
from stack.dashboards.queries import WITHOUT_QUERY

POINTS = 700
"""Points across a panel of usual width."""
QUOTED = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|`[^`]*`')
COMMENT = re.compile(rf"({QUOTED.pattern})|#[^\n]*")
CONDITION = re.compile(rf"(\w+)\s*[=!]~?\s*({QUOTED.pattern})")
EXPRESSIONS = "__expr__"
MIXED = "-- Mixed --"
TAKEN = "monitoring-stack dashboard add FILE names the stack's own"


class Query(Struct, frozen=True):
    """One query of a panel, ready to be asked; ``fault``: why it cannot be.

    ``sent`` is what a browser sends: Grafana itself puts in what follows from time and width. ``source``: whom it asks,
    the name or uid of a data source, empty for the default one. ``lacking``: variables that it names and have no value,
    ``bare``: one of them stands where PromQL wants a number or a duration, ``loose``: labels of whose conditions they
    are a part.
    """

    expr: str
    instant: bool
    span: Span
    fault: str = ""
    sent: str = ""
    source: str = ""
    lacking: tuple[str, ...] = ()
    bare: bool = False
    loose: frozenset[str] = frozenset()


class Scene(Struct, frozen=True):
    """A dashboard that is opened: its variables, its time, and the stack's data sources with their types.

    ``points``: across a panel.
    """

    told: Answered
    span: Span
    sources: Mapping[str, str] = field(default_factory=dict)
    points: int = POINTS


@dataclass
class PanelQueries:
    """A panel, and what it asks; ``skipped``: why there is nothing to judge. ``targets``: each query in its file."""

    title: str
    skipped: str = ""
    queries: list[Query] = field(default_factory=list)
    targets: list[Model] = field(default_factory=list)


def span_of(now: float, length: float, scrape: float, least: float | None, points: int = POINTS) -> Span:
    """To this very moment, whatever the distance of two points, so that young data is seen."""
    interval = max(least or scrape, math.ceil(length / points))
    return Span(now - length, now, float(interval), scrape)


def shown_panels(board: Model) -> Iterator[tuple[dict[str, Any], str]]:
    """The panels that show data, each with the variable that repeats it, or the row that it is in."""
    row = ""
    for panel in objects(board.get("panels")):
        if panel.get("type") == "row":
            row = str(panel.get("repeat") or "")
            yield from (
                (one, str(one.get("repeat") or row)) for one in objects(panel.get("panels")) if _shows(one)
            )
        elif _shows(panel):
            yield panel, str(panel.get("repeat") or row)


def _shows(panel: Model) -> bool:
    return panel.get("type") not in WITHOUT_QUERY


def panel_queries(panel: Model, repeated: str, scene: Scene) -> PanelQueries:
    """What a panel asks; ``repeated``: the variable that repeats it, of which the first value is taken."""
    made = PanelQueries(title_of(panel))
    targets = [one for one in objects(panel.get("targets")) if not one.get("hide")]
    if not targets:
        made.skipped = "a library panel" if panel.get("libraryPanel") else "it has no query"
        return made
    kinds = {_kind_of(one, panel, scene) for one in targets} - {EXPRESSIONS}
    foreign = sorted(kinds - {*LIKE_PROMETHEUS})
    asked = [one for one in targets if _asks(one) and _kind_of(one, panel, scene) in LIKE_PROMETHEUS]
    if not asked:
        made.skipped = f"it asks {' and '.join(foreign)}" if foreign else "it has no query in PromQL"
        return made
    span = scene.span
    if own := seconds_of(panel.get("timeFrom")):
        span = span_of(span.end, own, span.scrape, None, scene.points)
    values = _of_first(scene.told.values, repeated)
    for target in asked:
        name = _named(target, panel)[0]
        fault = _lost(name, scene)
        expr = _without_comments(str(target["expr"]))
        least = seconds_of(_plain(target.get("interval") or panel.get("interval"), values, span))
        shown = span_of(span.end, span.seconds, span.scrape, least, scene.points)
        made.targets.append(target)
        made.queries.append(
            replace(
                _query(expr, _instant(target), values, shown, fault),
                source=_plain(name, values, span),
                lacking=tuple(sorted(names_in(expr) & scene.told.without)),
                bare=bool(names_in(QUOTED.sub("", expr)) & scene.told.without),
                loose=_loose(expr, scene.told.without),
            )
        )
    return made


def _loose(expr: str, without: frozenset[str]) -> frozenset[str]:
    return frozenset(found[1] for found in CONDITION.finditer(expr) if names_in(found[2]) & without)


def _asks(target: Model) -> bool:
    return bool(str(target.get("expr") or "").strip())


def _named(target: Model, panel: Model) -> tuple[str, str]:
    """The data source that a query names, itself or by its panel, and its type."""
    own = target.get("datasource")
    source = own if own and source_name(own) != MIXED else panel.get("datasource")
    return source_name(source), str(inner(source).get("type") or "")


def _kind_of(target: Model, panel: Model, scene: Scene) -> str:
    """The type of the data source that a query asks."""
    name, said = _named(target, panel)
    if EXPRESSIONS in (name, said):
        return EXPRESSIONS
    if name in BUILT_IN:
        return "another panel's result" if name == "-- Dashboard --" else "Grafana itself"
    known = scene.told.sources.get(name.strip("${}")) or scene.sources.get(name)
    return known or said or LIKE_PROMETHEUS[0]


def _lost(name: str, scene: Scene) -> str:
    """What is wrong with a data source of that name: Grafana would not find it. Empty where nothing is."""
    if name[:1] == "$":
        variable = name.strip("${}")
        return "" if variable in scene.told.values else f"no variable is called {variable}; {TAKEN}"
    if not scene.sources or name in ("", "default", *BUILT_IN, *scene.sources):
        return ""
    return f"there is no data source {name}; {TAKEN}"


def _of_first(values: Mapping[str, Value], repeated: str) -> Mapping[str, Value]:
    """What is repeated is judged by its first."""
    value = values.get(repeated)
    if value is None or not value.values:
        return values
    return {**values, repeated: replace(value, values=value.values[:1], whole=None)}


def _plain(text: object, values: Mapping[str, Value], span: Span) -> str:
    try:
        return interpolated(str(text or ""), values, span.macros())
    except Unknown:
        return ""


def _without_comments(expr: str) -> str:
    """Variables in a comment are nobody's concern: Prometheus reads none."""
    return COMMENT.sub(lambda found: found[1] or "", expr)


def _instant(target: Model) -> bool:
    return bool(target.get("instant")) and not target.get("range")


def _query(text: str, instant: bool, values: Mapping[str, Value], span: Span, fault: str) -> Query:
    try:
        sent = interpolated(text, values, span.left_to_grafana())
        return Query(interpolated(text, values, span.macros()), instant, span, fault, sent)
    except Unknown as error:
        return Query(text, instant, span, str(error))
