"""The panels of dashboards with the series that they show over a time: what a drawing of them needs, as plain values.

Whatever a panel cannot show is said in its place; nothing here fails.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from msgspec import Struct, field

from stack.boards.interpolate import Span, Unknown, interpolated
from stack.boards.model import Model, inner
from stack.checks.boards import sources_in_files
from stack.checks.context import CheckContext
from stack.checks.model import Dashboard
from stack.checks.own_queries import PanelQueries, Query, Scene, panel_queries, shown_panels
from stack.checks.own_variables import answered
from stack.clients.http import Http, HttpFailure
from stack.clients.ranges import Line, at, over, rounded

POINTS = 300
"""Points of a series: what a printed column can show."""
SERIES = 60
"""Series of a panel that are drawn, as on the quick-look page."""
ROWS = 200
"""The same of a table."""
ASKERS = 4
MOST_PANELS = 400
MOST_BYTES = 16 << 20
"""Of all series as JSON: a file that a browser opens at once and a mail can carry."""
KEPT = ("type", "title", "description", "gridPos", "fieldConfig", "options", "content")
"""What a drawing needs of a panel's file."""
NAMED = re.compile(r"\{\{\s*(\w+)\s*\}\}")
WHOLE_LABELS = ("table", "table-old", "heatmap")
"""Kinds that show labels besides a name."""


class DrawnBoard(Struct, frozen=True):
    """One dashboard over a time: each panel's file as far as it is drawn, its series, and what is missing of it."""

    uid: str
    title: str
    description: str
    tags: tuple[str, ...]
    panels: tuple[Mapping[str, Any], ...]
    remarks: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of it as JSON, about."""
        return len(json.dumps([dict(one) for one in self.panels]))


class Gallery(Struct, frozen=True):
    """All that were drawn; ``left_out``: title and uid of those beyond the bounds."""

    boards: tuple[DrawnBoard, ...] = ()
    left_out: tuple[tuple[str, str], ...] = field(default=())


def gallery(
    context: CheckContext, boards: Iterable[Dashboard], span: Span, told: Callable[[str], None]
) -> Gallery:
    """The dashboards in their order, whole ones, as many as the bounds allow. ``told`` hears the title of each."""
    drawn: list[DrawnBoard] = []
    left: list[tuple[str, str]] = []
    panels = size = 0
    for board in boards:
        model = inner(json.loads(board.text))
        title, count = str(model.get("title") or board.uid), sum(1 for _ in shown_panels(model))
        if left or panels + count > MOST_PANELS or size > MOST_BYTES:
            left.append((title, board.uid))
            continue
        told(title)
        drawn.append(_board(context, board.uid, model, span))
        panels, size = panels + count, size + drawn[-1].size
    return Gallery(tuple(drawn), tuple(left))


def _board(context: CheckContext, uid: str, model: Model, span: Span) -> DrawnBoard:
    http = context.prometheus.http
    answers = answered(context.prometheus, model, span)
    scene = Scene(answers, span, sources_in_files(context), POINTS)
    listed = [(panel, panel_queries(panel, repeated, scene)) for panel, repeated in shown_panels(model)]
    with ThreadPoolExecutor(ASKERS) as pool:
        panels = tuple(pool.map(lambda one: _panel(http, scene, *one), listed))
    return DrawnBoard(
        uid,
        str(model.get("title") or uid),
        str(model.get("description") or ""),
        tuple(str(one) for one in model.get("tags") or ()),
        panels,
        (*answers.faults, *answers.empty),
    )


def _panel(http: Http, scene: Scene, panel: Mapping[str, Any], asked: PanelQueries) -> dict[str, Any]:
    kept = {key: panel[key] for key in KEPT if key in panel}
    made: dict[str, Any] = {**kept, "title": _plain(asked.title, scene), "series": []}
    if asked.skipped:
        return {**made, "note": asked.skipped}
    faults: list[str] = []
    shown = asked.queries[0].span
    made["span"] = [round(shown.start, 3), round(shown.end, 3)]
    for target, query in zip(asked.targets, asked.queries, strict=True):
        try:
            made["series"] += list(_series(http, str(panel.get("type")), target, query))
        except HttpFailure as failure:
            faults.append(str(failure))
    most = ROWS if panel.get("type") in WHOLE_LABELS else SERIES
    if (left := len(made["series"]) - most) > 0:
        made["series"], made["left"] = made["series"][:most], left
    return {**made, "note": "; ".join(dict.fromkeys(faults))} if faults else made


def _series(http: Http, kind: str, target: Model, query: Query) -> Iterator[dict[str, Any]]:
    """Each series; its points stand at ``s``, ``s + d``, ...: None where there is none."""
    if query.fault:
        raise HttpFailure(query.fault)
    span = query.span
    step = span.interval
    lines = (
        at(http, query.expr, span.end)
        if query.instant
        else over(http, query.expr, span.start, span.end, step)
    )
    written = str(target.get("legendFormat") or "")
    for line in lines:
        labels = _labels(line, kind, written)
        told = {"r": str(target.get("refId") or ""), "f": written, "l": labels}
        yield {**told, **_points(line, step)}


def _labels(line: Line, kind: str, written: str) -> Mapping[str, str]:
    """Those that are shown: all where the name is made of all."""
    if kind in WHOLE_LABELS or written in ("", "__auto"):
        return line.labels
    names = NAMED.findall(written)
    return {name: value for name, value in line.labels.items() if name in names}


def _points(line: Line, step: float) -> dict[str, Any]:
    if not line.points:
        return {"s": 0, "d": step, "v": []}
    first = line.points[0][0]
    placed = {round((when - first) / step): value for when, value in line.points}
    values = [rounded(placed[n]) if n in placed else None for n in range(max(placed) + 1)]
    return {"s": round(first, 3), "d": step, "v": values}


def _plain(text: str, scene: Scene) -> str:
    try:
        return interpolated(text, scene.told.values, scene.span.macros())
    except Unknown:
        return text
