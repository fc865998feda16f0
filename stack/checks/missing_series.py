"""Why a selector finds nothing: the metric, a label or one of its values does not exist, and what does.

It asks Prometheus, in two requests and one for each value that is in question, and only where something is missing.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from stack.checks.batches import numbered, side_by_side
from stack.checks.model import Pairs
from stack.checks.promql import Matcher, Selector
from stack.checks.words import some
from stack.clients.http import HttpFailure
from stack.clients.prometheus import Prometheus

VALUES_SHOWN = 5
NEAR = 0.8
EXPLAINED = 5


class Missing(Struct, frozen=True):
    """Why a selector finds nothing, in words. ``labels``: those whose conditions leave none of the metric's series."""

    text: str
    labels: tuple[str, ...] = ()


def why(
    prometheus: Prometheus, missing: Iterable[Selector], recorded: Mapping[str, Sequence[Pairs]]
) -> dict[Selector, Missing]:
    """The reason for each; the first few with what is there instead."""
    asked = list(missing)
    if not asked:
        return {}
    there = _existing(prometheus, {part for selector in asked for part in _parts(selector)})
    names: list[str] = []
    found = {}
    for number, selector in enumerate(asked):
        explained = number < EXPLAINED
        if selector.metric and selector.only() not in there and selector.metric not in recorded:
            names = names or (list(prometheus.label_values("__name__", "")) if explained else [])
            found[selector] = Missing(_no_metric(selector, names))
        else:
            values = _values(prometheus, selector, recorded) if explained else {}
            found[selector] = _no_match(selector, there, values)
    return found


def _parts(selector: Selector) -> list[Selector]:
    """The metric alone, and with each condition alone."""
    labels = [selector.only(_any(m)) for m in selector.matchers]
    return [
        s
        for s in (selector.only(), *labels, *(selector.only(m) for m in selector.matchers))
        if str(s) != "{}"
    ]


def _any(matcher: Matcher) -> Matcher:
    return Matcher(matcher.label, "!=", "")


def _existing(prometheus: Prometheus, parts: set[Selector]) -> set[Selector]:
    asked = [part for part in sorted(parts, key=str) if part.metric or part.matchers[0].op != "!="]
    try:
        answers = numbered(prometheus.query(side_by_side([f"group({part})" for part in asked])))
    except HttpFailure:
        return set()
    return {asked[number] for number in answers}


def _values(
    prometheus: Prometheus, selector: Selector, recorded: Mapping[str, Sequence[Pairs]]
) -> dict[str, tuple[str, ...]]:
    """Label > its values among the series of the metric."""
    labels = dict.fromkeys(m.label for m in selector.matchers)
    if known := recorded.get(selector.metric):
        return {label: tuple(sorted({dict(one).get(label, "") for one in known} - {""})) for label in labels}
    if not selector.metric:
        return {}
    try:
        return {label: prometheus.label_values(label, str(selector.only())) for label in labels}
    except HttpFailure:
        return {}


def _no_metric(selector: Selector, names: list[str]) -> str:
    near = difflib.get_close_matches(selector.metric, names, n=1, cutoff=NEAR)
    instead = f"; there is {near[0]}" if near else ""
    return f"no series has the name {selector.metric}{instead}"


def _no_match(selector: Selector, there: set[Selector], values: Mapping[str, tuple[str, ...]]) -> Missing:
    metric = selector.metric or "any metric"
    for matcher in selector.matchers:
        known, label = values.get(matcher.label), (matcher.label,)
        if known == () or (known is None and selector.metric and selector.only(_any(matcher)) not in there):
            return Missing(f"no series of {metric} has the label {matcher.label}", label)
        if known is not None and not any(matcher.accepts(value) for value in known):
            text = f"no series of {metric} has {matcher}; there is {_shown(matcher, known)}"
            return Missing(text, label)
        if known is None and selector.only(matcher) not in there:
            return Missing(f"no series of {metric} has {matcher}", label)
    together = " and ".join(str(m) for m in selector.matchers)
    return Missing(f"no series of {metric} has {together} at once", tuple(m.label for m in selector.matchers))


def _shown(matcher: Matcher, known: Sequence[str]) -> str:
    """The values that come nearest first: the same number in another spelling, then a similar text."""
    near = [
        value for value in known if _number(value) is not None and _number(value) == _number(matcher.value)
    ]
    near += difflib.get_close_matches(matcher.value, known, n=2)
    ordered = list(dict.fromkeys((*near, *known)))
    return some((f'"{value}"' for value in ordered), ", ", VALUES_SHOWN)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
