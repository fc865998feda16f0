"""What a rule makes of the samples that its expression yields: its labels applied as Prometheus applies them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec import Struct

from stack.checks.model import Pairs, Rule
from stack.checks.promql import NAME

ALERT_NAME = "alertname"
TEMPLATE = re.compile(r"\{\{-?\s*(?:\$labels|\.Labels)\.(\w+)\s*-?\}\}")
SAME = "vector contains metrics with the same labelset after applying {kind} labels"


class Outcome(Struct, frozen=True):
    """What a rule yields: its series' labels, or why Prometheus would refuse them, with the remedy.

    Of one that was not ``asked`` nothing is known.
    """

    series: tuple[Pairs, ...] = ()
    error: str = ""
    remedy: str = ""
    asked: bool = True


def outcome(rule: Rule, samples: Iterable[Pairs]) -> Outcome:
    """The rule's series; an error where two samples become one, or the group's limit is exceeded.

    A label whose template is more than ``{{ $labels.x }}`` can make any difference: nothing is claimed then.
    """
    labels = [applied(rule, sample) for sample in samples]
    series = tuple(one for one in labels if one is not None)
    if len(series) < len(labels):
        return Outcome(series)
    if double := next((one for one in series if series.count(one) > 1), None):
        kind = "alert" if rule.kind == "alerting" else "rule"
        told = ", ".join(f"{name}={value}" for name, value in double)
        return Outcome(error=f"{SAME.format(kind=kind)}: {told}", remedy=_apart(rule))
    if rule.limit and len(series) > rule.limit:
        return Outcome(
            error=f"exceeded limit of {rule.limit} with {len(series)} series",
            remedy=f"raise the limit of the group {rule.group}, or aggregate more",
        )
    return Outcome(series)


def applied(rule: Rule, sample: Pairs) -> Pairs | None:
    """The labels of the series that a sample becomes; None where a template cannot be expanded here."""
    labels = dict(sample)
    found = {name: value for name, value in labels.items() if name != NAME}
    for name, value in rule.labels:
        text = TEMPLATE.sub(lambda m: labels.get(m[1], ""), value) if rule.kind == "alerting" else value
        if rule.kind == "alerting" and "{{" in text:
            return None
        found[name] = text
    found[ALERT_NAME if rule.kind == "alerting" else NAME] = rule.name
    return tuple(sorted((name, value) for name, value in found.items() if value))


def _apart(rule: Rule) -> str:
    """How to keep the series of a rule apart."""
    if rule.labels:
        names = ", ".join(name for name, _ in rule.labels)
        return f"{rule.place}: its labels ({names}) replace what tells the series apart; give others, or aggregate"
    return f"{rule.place}: aggregate, so that each series has labels of its own"


REMEDIES = (
    (
        r"many-to-many matching not allowed|found duplicate series for the match group",
        "{place}: add labels to on(...) until one side has one series for each match, or aggregate that side",
    ),
    (
        r"many-to-one matching must be explicit",
        "{place}: aggregate one side, or add group_left or group_right for the side with more series",
    ),
    (
        r"grouping labels must ensure unique matches",
        "{place}: leave out labels of group_left(...) or group_right(...), or aggregate the other side",
    ),
    (
        r"cannot contain metrics with the same labelset",
        "{place}: a function removes the name or label that tells two series apart; select one of them, or aggregate",
    ),
    (r"too many samples", "{place}: a shorter range, a narrower selector, or a recording rule below it"),
    (r"timed out", "{place}: a shorter range, a narrower selector, or a recording rule below it"),
    (r"exceeded limit", "{place}: raise the limit of its group, or aggregate more"),
    (
        r"same labelset after applying",
        "{place}: its labels replace what tells the series apart; or aggregate",
    ),
)


def remedy(rule: Rule, error: str) -> str:
    """What to do about an error of Prometheus at a rule."""
    fitting = (text for pattern, text in REMEDIES if re.search(pattern, error))
    return next(fitting, "{place}: mend the expression").format(place=rule.place)
