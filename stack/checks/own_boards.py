"""Each panel of a user's dashboard, judged as somebody would who opens it: it has data, is empty and why, or is wrong.

Emptiness can be right there: what the panel asks for may not exist in this Prometheus. So nothing here fails a check.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

from msgspec import Struct

from stack.boards.durations import range_of
from stack.boards.model import Model
from stack.checks.context import CheckContext
from stack.checks.missing_series import Missing, why
from stack.checks.own_asking import Asked, Door, door
from stack.checks.own_queries import PanelQueries, Query, Scene, panel_queries, shown_panels, span_of
from stack.checks.own_variables import answered
from stack.checks.prometheus_series import found
from stack.checks.promql import Selector, one_line, reading
from stack.checks.words import some, some_names
from stack.clients.prometheus import Refused

ASKERS = 4
Reason = tuple[Sequence[Missing], str]
"""What a query without data lacks, and why it has none where it lacks nothing."""
Kind = Literal["data", "empty", "wrong", "skipped"]
DATA: Kind = "data"
EMPTY: Kind = "empty"
WRONG: Kind = "wrong"
SKIPPED: Kind = "skipped"
YOUNG = "its series exist and yield nothing now; a rate needs two samples in its window"
"""Why a panel is empty that may have data after the next scrape."""
UNMET = "its series exist and none meets its condition now"
ONLY_NAN = "it has only NaN or infinity: a division by zero, or what the target itself exposes"


UNKNOWN_FUNCTION = re.compile(r'unknown function with name "(\w+)"')
OF_VICTORIA_METRICS = re.compile(
    r"(topk|bottomk|outliers|range|running|label|rollup|default|keep|count|share|sum|histogram|increase|rate)_\w+"
    r"|\w+_over_time|rollup|prometheus_buckets|buckets_limit|interpolate|remove_resets|alias|union|any|median|limitk"
    r"|distinct|zscore|mad|geomean|lag|lifetime|scrape_interval|integrate|ideriv|deriv_fast|duration_over_time|step|now"
)


class Verdict(Struct, frozen=True):
    """What became of a panel; ``why`` is empty for one with data, ``queries`` are what was asked."""

    panel: str
    kind: Kind
    why: str = ""
    queries: tuple[str, ...] = ()


class Judgement(Struct, frozen=True):
    """All panels of a dashboard; ``remarks`` are about its variables."""

    uid: str
    title: str
    panels: tuple[Verdict, ...]
    remarks: tuple[str, ...] = ()

    def of(self, kind: Kind) -> tuple[Verdict, ...]:
        """The panels with this verdict."""
        return tuple(one for one in self.panels if one.kind == kind)

    @property
    def summary(self) -> str:
        """One line."""
        counted = [(DATA, "with data"), (EMPTY, "empty"), (WRONG, "wrong"), (SKIPPED, "not judged")]
        parts = [
            f"{count} {word}" for kind, word in counted if (count := sum(p.kind == kind for p in self.panels))
        ]
        word = "panel" if len(self.panels) == 1 else "panels"
        return f"{len(self.panels)} {word}: {', '.join(parts)}" if parts else "no panel that shows data"

    def lines(self) -> Iterator[str]:
        """One for each panel that a person would look at again, and each remark."""
        for kind in (WRONG, EMPTY, SKIPPED):
            for one in (p for p in self.panels if p.kind == kind):
                yield (
                    f"{one.panel}: {kind}: {one.why}"
                    if kind != SKIPPED
                    else f"{one.panel}: not judged: {one.why}"
                )
        yield from self.remarks


def judged(context: CheckContext, board: Model, now: float, by: Door | None = None) -> Judgement:
    """The judgement of a dashboard that is opened at a Unix time; ``by``: who is asked, where that is known already."""
    asked = by or door(context)
    length = range_of(board.get("time"))
    span = span_of(now, length, context.expected.panel_interval, None)
    told = answered(context.prometheus, board, span)
    scene = Scene(told, span, asked.sources)
    listed = [panel_queries(panel, repeated, scene) for panel, repeated in shown_panels(board)]
    queries = list(dict.fromkeys(q for panel in listed for q in panel.queries if not q.fault))
    with ThreadPoolExecutor(ASKERS) as pool:
        answers = dict(zip(queries, pool.map(asked.ask, queries), strict=True))
    reasons = _reasons(context, [q.expr for q, a in answers.items() if not a.error and not a.numbers])
    verdicts = tuple(_verdict(panel, answers, reasons) for panel in listed)
    remarks = (*told.faults, *told.empty, *told.notes)
    return Judgement(str(board.get("uid", "")), str(board.get("title", "")), verdicts, remarks)


def _verdict(panel: PanelQueries, answers: Mapping[Query, Asked], reasons: Mapping[str, Reason]) -> Verdict:
    if panel.skipped:
        return Verdict(panel.title, SKIPPED, panel.skipped)
    exprs = tuple(one_line(query.expr) for query in panel.queries)
    broken = [(query, fault) for query in panel.queries if (fault := query.fault or answers[query].error)]
    if faults := [fault for query, fault in broken if query.fault or not _for_want(query, fault)]:
        return Verdict(
            panel.title, WRONG, some(dict.fromkeys(explained(one_line(one)) for one in faults)), exprs
        )
    results = [answers[query] for query in panel.queries]
    if any(one.numbers for one in results):
        return Verdict(panel.title, DATA, "", exprs)
    told = dict.fromkeys(
        _why_empty(query, answers[query], *reasons.get(query.expr, ((), YOUNG))) for query in panel.queries
    )
    return Verdict(panel.title, EMPTY, some(told), exprs)


def _for_want(query: Query, error: str) -> bool:
    """Whether it is no expression since a variable has no value."""
    return query.bare and not UNKNOWN_FUNCTION.search(error)


def _why_empty(query: Query, found: Asked, lacks: Sequence[Missing], otherwise: str) -> str:
    """What a query without a value makes of a condition is no fault of the condition."""
    told = dict.fromkeys(one.text for one in lacks if query.loose.isdisjoint(one.labels))
    if query.lacking and (found.error or not told or len(told) < len(lacks)):
        has = "have" if len(query.lacking) > 1 else "has"
        told[f"{some_names(f'${name}' for name in query.lacking)} {has} no value"] = None
    return some(told) or (ONLY_NAN if found.series else otherwise)


def explained(fault: str) -> str:
    """What Prometheus says, with a word on what is known to be another language."""
    found = UNKNOWN_FUNCTION.search(fault)
    if found is None or not OF_VICTORIA_METRICS.fullmatch(found[1]):
        return fault
    return f"{found[1]} is a function of MetricsQL, the language of VictoriaMetrics, which Prometheus does not know"


def _reasons(context: CheckContext, exprs: list[str]) -> dict[str, Reason]:
    """Why each of these expressions finds nothing."""
    readings = {expr: reading(expr) for expr in dict.fromkeys(exprs)}
    wanted = {s: None for read in readings.values() if read for s in _needed(read.selectors)}
    missing: dict[Selector, Missing] = {}
    try:
        there = found(context, wanted)
        missing = why(context.prometheus, [s for s in wanted if s not in there], {})
    except Refused:
        there = set(wanted)
    return {
        expr: (
            [missing[s] for s in _needed(read.selectors) if s in missing] if read else [],
            UNMET if read is not None and read.chooses else YOUNG,
        )
        for expr, read in readings.items()
    }


def _needed(selectors: Iterable[Selector]) -> Iterator[Selector]:
    """The selectors with the conditions that a series must meet; one that names nothing at all is not looked for."""
    for selector in selectors:
        demanded = selector.only(*(m for m in selector.matchers if m.demands))
        if demanded.metric or demanded.matchers:
            yield demanded
