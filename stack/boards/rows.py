"""Dashboards from before 2018 keep their panels in rows: as one list of panels on a grid. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from stack.boards.model import objects

COLUMNS, PIXELS = 24, 38
HEIGHT = 250


def on_a_grid(board: dict[str, Any]) -> bool:
    """Whether there were rows, which are panels from now on."""
    rows = objects(board.pop("rows", None))
    if not rows or board.get("panels"):
        return False
    shown = any(row.get("showTitle") or row.get("collapse") or row.get("repeat") for row in rows)
    made: list[dict[str, Any]] = []
    top = 0
    for row in rows:
        top = _row(row, top, made, titled=shown)
    board["panels"] = made
    return True


def _row(row: Mapping[str, Any], top: int, made: list[dict[str, Any]], *, titled: bool) -> int:
    """Adds the row and its panels; the first free line below it."""
    collapsed = bool(row.get("collapse"))
    inside: list[dict[str, Any]] = []
    if titled:
        place = {"x": 0, "y": top, "w": COLUMNS, "h": 1}
        head = {"type": "row", "title": row.get("title") or "Row", "collapsed": collapsed, "gridPos": place}
        head |= {"panels": inside if collapsed else []}
        head |= {"repeat": row["repeat"]} if row.get("repeat") else {}
        made.append(head)
        top += 1
    left, height = 0, _lines(row.get("height"))
    line = top
    for panel in objects(row.get("panels")):
        width = min(COLUMNS, max(1, round(_span(panel) * 2)))
        tall = _lines(panel.get("height")) if panel.get("height") else height
        if left + width > COLUMNS:
            left, line = 0, line + height
        panel["gridPos"] = {"x": left, "y": line, "w": width, "h": tall}
        left += width
        (inside if collapsed and titled else made).append(panel)
    return top if collapsed and titled else line + height


def _span(panel: Mapping[str, Any]) -> float:
    span = panel.get("span")
    return float(span) if isinstance(span, int | float) and span > 0 else 4.0


def _lines(height: object) -> int:
    found = re.match(r"\d+", str(height or HEIGHT))
    return max(3, -(-int(found[0] if found else HEIGHT) // PIXELS) + 1)
