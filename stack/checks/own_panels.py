"""The check of the user's own dashboards: what becomes of their panels is told, and is never a failure."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

from stack.checks.context import CheckContext
from stack.checks.model import Dashboard, Evidence, Pending
from stack.checks.own_asking import Door, door
from stack.checks.own_boards import DATA, EMPTY, SKIPPED, WRONG, YOUNG, Judgement, judged
from stack.checks.settling import settled
from stack.checks.words import some
from stack.common.moments import wall_clock

ENOUGH = 10.0
"""Seconds after which no further dashboard is judged: a check is no benchmark."""


def own_panels(context: CheckContext) -> Evidence:
    """Each panel of each dashboard of the user's own, as far as there is time."""
    boards = [one for one in context.expected.dashboards if one.own]
    by = door(context)
    steady, began = settled(context, context.expected.shipped_interval), time.monotonic()
    found: list[Judgement] = []
    for board in boards:
        if time.monotonic() - began > ENOUGH:
            break
        found.append(_judged(context, board, by))
    if any(one.why == YOUNG for judgement in found for one in judgement.panels) and not steady:
        raise Pending("panels of your own dashboards wait for the second scrape")
    counted = [(kind, sum(len(one.of(kind)) for one in found)) for kind in (DATA, EMPTY, WRONG, SKIPPED)]
    words = {DATA: "with data", SKIPPED: "not judged"}
    told = ", ".join(f"{count} {words.get(kind, kind)}" for kind, count in counted if count)
    evidence = f"panels of your own dashboards{by.words}: {told or 'none'}"
    return Evidence(evidence, (*_remarks(found), *_unseen(len(boards) - len(found))))


def _judged(context: CheckContext, board: Dashboard, by: Door) -> Judgement:
    try:
        model = json.loads(board.text)
    except (ValueError, RecursionError):  # refused before it is written
        model = {}
    return judged(context, model, wall_clock(), by)


def _remarks(found: list[Judgement]) -> Iterator[str]:
    """One line for each dashboard of which somebody would look at a panel again."""
    for one in found:
        wrong, empty = one.of(WRONG), one.of(EMPTY)
        if not wrong and not empty:
            continue
        counts = ", ".join(f"{len(of)} {word}" for of, word in ((wrong, "wrong"), (empty, "empty")) if of)
        first = some((f"{panel.panel}: {panel.why}" for panel in (*wrong, *empty)), "; ", 1)
        yield (
            f"{one.title} ({one.uid}): of {len(one.panels)} panels {counts}: {first}; "
            f"monitoring-stack dashboard check {one.uid} names each"
        )


def _unseen(count: int) -> Iterator[str]:
    if count:
        yield f"{count} more of your own dashboards were not judged: monitoring-stack dashboard check does it"
