"""The remarks about the user's own rules where Prometheus can be asked whose series they read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stack.checks.context import CheckContext
from stack.checks.model import Rule
from stack.checks.promql import quoted, tree_of
from stack.checks.rule_remarks import ASKED_OF_PROMETHEUS, MATTERS_OF_STYLE, of_own
from stack.checks.rule_windows import intervals_of, windows_of
from stack.clients.http import HttpFailure

AT_MOST = 200
"""Metrics that are asked for: a query has its length."""


def own_remarks(context: CheckContext, rules: Sequence[Rule], *, style: bool) -> list[str]:
    """One line each; what exists is not among them, since that is asked for elsewhere. ``style``: all that is left."""
    if not rules:
        return []
    expected = context.expected
    intervals = intervals_of(expected.jobs, expected.rules, _jobs_of(context, rules))
    unsaid = {ASKED_OF_PROMETHEUS, *(() if style else MATTERS_OF_STYLE)}
    return list(of_own(expected, rules, intervals, unsaid))


def _jobs_of(context: CheckContext, rules: Sequence[Rule]) -> Mapping[str, tuple[str, ...]]:
    """Metric > the jobs that have it, of metrics whose window may be too short for some job."""
    longest = max((job.interval for job in context.expected.jobs), default=0.0)
    names = dict.fromkeys(
        window.selector.metric
        for rule in rules
        if (tree := tree_of(rule.expr)) is not None
        for window in windows_of(tree)
        if window.seconds < 2 * longest and window.selector.metric
    )
    found: dict[str, tuple[str, ...]] = {}
    if not names:
        return found
    wanted = quoted("|".join(list(names)[:AT_MOST]))
    try:
        answer = context.prometheus.query(f"group by (__name__, job) ({{__name__=~{wanted}}})")
    except HttpFailure:  # then it is as where nobody can be asked
        return found
    for sample in answer:
        labels = dict(sample.labels)
        name = labels.get("__name__", "")
        found[name] = (*found.get(name, ()), labels.get("job", ""))
    return found
