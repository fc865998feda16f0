"""The check of what the rules read: each selector finds series, and each recording rule records some.

A metric that was renamed, a label value that no series has: the rule is healthy and never fires. As pint's
promql/series finds it, and in few requests. A failure for a shipped rule; of the user's own rules a remark, since
there emptiness can be right.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from stack.checks.batches import numbered, side_by_side
from stack.checks.check import USUAL_INTERVAL
from stack.checks.context import CheckContext
from stack.checks.missing_series import Missing, why
from stack.checks.model import Evidence, Pairs, Pending, Rule
from stack.checks.own_rules import own_remarks
from stack.checks.prometheus_rules import evaluated, lately_evaluated
from stack.checks.promql import EQUAL, Reading, Selector, reading
from stack.checks.rule_remarks import bounded
from stack.checks.rule_results import ALERT_NAME, Outcome
from stack.checks.settling import settled
from stack.checks.words import some
from stack.clients.prometheus import Refused
from stack.common.wait import NotYet

AT_ONCE = 40
OLD = 60.0
"""Seconds after which all jobs of a stack have been scraped."""
ALERTS = frozenset({"ALERTS", "ALERTS_FOR_STATE"})
HINT = (
    "correct the name or value in the rule; where it comes only with an event, "
    "# pint disable promql/series(SELECTOR) above the rule says so"
)
Results = Sequence[tuple[Rule, Outcome]]


class Doubt(Struct, frozen=True):
    """Something that a rule reads and nobody has."""

    rule: Rule
    text: str


def series(context: CheckContext) -> Evidence:
    """Every selector of every rule finds series, and every recording rule records some."""
    doubts, selectors = _look(context, lately_evaluated(context))
    if doubts:  # what was evaluated a while ago may have changed
        doubts, selectors = _look(context, evaluated(context))
    return _verdict(context, doubts, selectors)


def _look(context: CheckContext, results: Results) -> tuple[list[Doubt], int]:
    """What is in doubt, and how many selectors there are."""
    readings = [(rule, made, reading(rule.expr)) for rule, made in results]
    wanted = {s: None for rule, _, read in readings if read for s in _looked_for(rule, read)}
    there = found(context, wanted)
    recorded = _recorded(results)
    missing = {s: None for s in wanted if s not in there and not _by_rule(s, recorded)}
    reasons = why(context.prometheus, missing, recorded)
    doubts = [
        doubt
        for rule, made, read in readings
        if read is not None
        for doubt in _of_rule(rule, made, read, reasons, there)
    ]
    doubts += [Doubt(rule, text) for rule, text in _unknown_alerts(context.expected.rules, readings)]
    return doubts, len(wanted)


def _verdict(context: CheckContext, doubts: list[Doubt], selectors: int) -> Evidence:
    failures = [f"{d.rule.place}: {d.text}" for d in doubts if not d.rule.own]
    remarks = tuple(_lines([d for d in doubts if d.rule.own]))
    if doubts and not _settled(context, own=not failures):
        raise Pending(some(failures or remarks), HINT)
    if failures:
        raise NotYet(some(failures), HINT)
    told = f"{selectors} selectors of {len(context.expected.rules)} rules find series"
    own = [rule for rule in context.expected.rules if rule.own]
    return Evidence(told, tuple(bounded((*remarks, *own_remarks(context, own, style=False)))))


def _lines(doubts: Iterable[Doubt]) -> Iterator[str]:
    """One line a rule: many rules of others read a dozen metrics that nobody has here."""
    told: dict[str, dict[str, None]] = {}
    for doubt in doubts:
        told.setdefault(doubt.rule.place, {})[doubt.text] = None
    yield from (f"{place}: {some(texts)}" for place, texts in told.items())


def _settled(context: CheckContext, *, own: bool) -> bool:
    """Whether nothing more will come by itself. A remark on a stack that has run for long is not worth a wait."""
    if own and context.expected.age > OLD:
        return True
    return settled(context, USUAL_INTERVAL if own else context.expected.shipped_interval)


def found(context: CheckContext, selectors: Iterable[Selector]) -> set[Selector]:
    """Those that find at least one series now."""
    asked = list(selectors)
    there: set[Selector] = set()
    for first in range(0, len(asked), AT_ONCE):
        there |= _found(context, asked[first : first + AT_ONCE])
    return there


def _found(context: CheckContext, selectors: list[Selector]) -> set[Selector]:
    try:
        answers = numbered(context.prometheus.query(side_by_side([f"group({s})" for s in selectors])))
    except Refused:
        if len(selectors) == 1:  # Prometheus cannot ask so: no claim is made
            return set(selectors)
        return {one for selector in selectors for one in _found(context, [selector])}
    return {selectors[number] for number in answers}


def _looked_for(rule: Rule, read: Reading) -> Iterator[Selector]:
    """The selectors of a rule, with the conditions that a series must meet, but for what its file asks to leave."""
    for selector in read.selectors:
        if selector.metric in ALERTS or _asked_not_to(rule.unchecked, selector):
            continue
        free = {label for other, label in rule.unchecked if label and _matches(other, selector)}
        told = tuple(m for m in selector.matchers if m.demands and m.label not in free)
        if selector.metric or told:
            yield selector.only(*told)


def _asked_not_to(unchecked: Pairs, selector: Selector) -> bool:
    return any(not label and _matches(other, selector) for other, label in unchecked)


def _matches(text: str, selector: Selector) -> bool:
    """Whether a selector of a comment means this one: its name, and all conditions that it names."""
    if text in ("", selector.metric, str(selector)):
        return True
    other = reading(text)
    if other is None or len(other.selectors) != 1:
        return False
    (meant,) = other.selectors
    return meant.metric in ("", selector.metric) and set(meant.matchers) <= set(selector.matchers)


def _recorded(results: Results) -> dict[str, tuple[Pairs, ...]]:
    """What each recorded metric has, or will have with its rule's next turn."""
    found: dict[str, tuple[Pairs, ...]] = {}
    for rule, made in results:
        if rule.kind == "recording":
            found[rule.name] = (*found.get(rule.name, ()), *made.series)
    return found


def _by_rule(selector: Selector, recorded: dict[str, tuple[Pairs, ...]]) -> bool:
    """Whether a rule of the files provides it. One that records nothing is a finding of its own."""
    if selector.metric not in recorded:
        return False
    known = recorded[selector.metric]
    return not known or any(
        all(m.accepts(dict(labels).get(m.label, "")) for m in selector.matchers) for labels in known
    )


def _of_rule(
    rule: Rule, made: Outcome, read: Reading, reasons: dict[Selector, Missing], there: set[Selector]
) -> Iterator[Doubt]:
    wanted = [*_looked_for(rule, read)]
    yield from (Doubt(rule, reasons[selector].text) for selector in wanted if selector in reasons)
    asked = made.asked and not any(_asked_not_to(rule.unchecked, s) for s in read.selectors)
    if (
        rule.kind == "recording"
        and there.issuperset(wanted)
        and not made.series
        and not read.chooses
        and asked
    ):
        yield Doubt(rule, "it records nothing, though there are series of all that it reads")


def _unknown_alerts(
    rules: Sequence[Rule], readings: Iterable[tuple[Rule, Outcome, Reading | None]]
) -> Iterator[tuple[Rule, str]]:
    known = {rule.name for rule in rules if rule.kind == "alerting"}
    for rule, _, read in readings:
        for selector in read.selectors if read else ():
            names = [m.value for m in selector.matchers if m.label == ALERT_NAME and m.op == EQUAL]
            if selector.metric in ALERTS and names and names[0] not in known:
                yield rule, f"{selector}: no rule has the alert {names[0]}"
