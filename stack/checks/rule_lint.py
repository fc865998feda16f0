"""What is wrong with a rule although Prometheus takes it, as pint finds it: remarks, each named as pint names it.

Pure: texts only, no server. What needs one, such as whether a metric exists, is ``prometheus.series``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct, field

from stack.checks import rule_expressions, rule_texts
from stack.checks.model import Pairs, Rule
from stack.checks.promql import LEGACY_NAME, plain, tree_of
from stack.checks.rule_conditions import ALERTS, certain, filters, needs_for
from stack.checks.rule_windows import Intervals, short_windows
from stack.common.durations import duration

DAY = 86400.0
GAPS = 300.0
RATE = "promql/rate"


class Remark(Struct, frozen=True):
    """One thing about one rule; ``check`` is pint's name of it."""

    rule: Rule
    check: str
    text: str

    def __str__(self) -> str:
        return f"{self.rule.place}: {self.text}"


class World(Struct, frozen=True):
    """What stands beside a rule: all rules, and how often series come."""

    rules: Sequence[Rule] = ()
    intervals: Intervals = field(default_factory=Intervals)

    def choosing(self) -> frozenset[str]:
        """Recorded metrics that are there only while a condition holds, and the metric of alerts."""
        chosen = (rule.name for rule in self.rules if rule.kind == "recording" and _chooses(rule))
        return frozenset((*ALERTS, *chosen))


def _chooses(rule: Rule) -> bool:
    tree = tree_of(rule.expr)
    return tree is not None and filters(tree, ALERTS)


def remarks(rules: Sequence[Rule], world: World) -> list[Remark]:
    """All remarks about ``rules``, but for what their file asks to leave."""
    choosing = world.choosing()
    found = [
        Remark(rule, check, text)
        for rule in rules
        for check, text in (*_of_text(rule), *_of_tree(rule, world, choosing))
    ]
    found += [Remark(rule, "rule/duplicate", text) for rule, text in _duplicates(rules, world.rules)]
    return [one for one in found if not _left(one)]


def windows(rules: Sequence[Rule], intervals: Intervals) -> list[Remark]:
    """Of these the windows alone."""
    return [
        remark
        for rule in rules
        if (tree := tree_of(rule.expr)) is not None
        for text in short_windows(tree, intervals)
        if not _left(remark := Remark(rule, RATE, text))
    ]


def _left(remark: Remark) -> bool:
    return remark.check in remark.rule.left or ("", "") in remark.rule.unchecked


def _of_text(rule: Rule) -> Iterator[tuple[str, str]]:
    if rule.kind == "recording" and not LEGACY_NAME.fullmatch(rule.name):
        yield "rule/name", f'{rule.name} is no plain metric name: a query must write {{"{rule.name}"}}'
    if rule.interval > GAPS:
        yield (
            "group/interval",
            f"its group has a turn each {duration(rule.interval)}, and a sample is seen for {duration(GAPS)}: "
            f"what it yields has gaps",
        )
    if rule.kind == "alerting" and rule.duration >= DAY:
        yield (
            "alerts/for",
            f"for: {duration(rule.duration)}: an hour without Prometheus begins the wait anew, and nobody hears "
            "before; a window in the expression (avg_over_time) keeps what was",
        )


def _of_tree(rule: Rule, world: World, choosing: frozenset[str]) -> Iterator[tuple[str, str]]:
    tree = tree_of(rule.expr)
    if tree is None:
        return
    yield from ((RATE, text) for text in short_windows(tree, world.intervals))
    yield from rule_expressions.faults(tree, world.intervals.recorded)
    if rule.kind == "alerting":
        yield from _of_alert(rule, tree, world, choosing)


def _of_alert(rule: Rule, tree: Any, world: World, choosing: frozenset[str]) -> Iterator[tuple[str, str]]:
    yield from (("alerts/comparison", text) for text in certain(tree, choosing))
    shortest = min(world.intervals.jobs.values(), default=0.0)
    yield from (("alerts/for", text) for text in needs_for(rule, tree, shortest))
    yield from rule_expressions.alert_faults(tree, world.intervals.recorded)
    yield from (("alerts/template", text) for text in rule_texts.faults(rule, tree))


def _duplicates(rules: Sequence[Rule], beside: Sequence[Rule]) -> Iterator[tuple[Rule, str]]:
    """Alerts of one name and the same labels: nobody can tell one from the other, nor silence one of them."""
    of_name: dict[object, list[Rule]] = {}
    for rule in dict.fromkeys((*beside, *rules)):
        of_name.setdefault(_identity(rule), []).append(rule)
    for rule in rules:
        if other := next((one for one in of_name[_identity(rule)] if one != rule), None):
            said = "is an alert of that name with the same labels: give one a label that differs"
            yield rule, f"{other.place} {said if rule.kind == 'alerting' else 'records the same'}"


def _identity(rule: Rule) -> tuple[str, Pairs, str]:
    return rule.name, rule.labels, plain(rule.expr) if rule.kind == "recording" else ""
