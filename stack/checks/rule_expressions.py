"""Mistakes within an expression that Prometheus takes: what can never match, and counters read as gauges. Pure."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from typing import Any

from stack.checks.promql import (
    COMPARISONS,
    EQUAL,
    LIKE,
    Matcher,
    children,
    kind_of,
    nodes,
    selector_of,
)
from stack.checks.rule_labels import Labels, is_scalar, labels_of

RATES = frozenset({"rate", "increase", "irate"})
NUMBER_LABELS = ("le", "quantile")
WHOLE = re.compile(r"[0-9]+")
BUCKET, TOTAL = "_bucket", "_total"
Found = tuple[str, str]
"""The name that pint has for it, and the text."""


def faults(tree: Any, recorded: Container[str]) -> Iterator[Found]:
    """Of any rule. ``recorded``: metrics that rules make, whose types nobody knows by their names."""
    for node in nodes(tree):
        kind = kind_of(node)
        if kind == "Call" and node.func.name == "histogram_quantile":
            yield from _quantile(node)
        elif kind == "Call" and node.func.name in RATES:
            yield from _summed_first(node)
        elif kind == "BinaryExpr" and not is_scalar(node.lhs) and not is_scalar(node.rhs):
            yield from _matching(node)
        elif kind == "VectorSelector":
            for matcher in selector_of(node).matchers:
                yield from _whole_number(selector_of(node).metric, matcher)


def alert_faults(tree: Any, recorded: Container[str]) -> Iterator[Found]:
    """Of an alert: a comparison of what only grows."""
    for name in dict.fromkeys(_compared(tree)):
        if name.endswith(TOTAL) and ":" not in name and name not in recorded:
            yield (
                "promql/counter",
                f"{name} is a counter, which grows until its process starts anew: compare rate({name}[5m]) or increase",
            )


def _compared(tree: Any) -> Iterator[str]:
    """Metrics whose plain value is compared with a number that is not zero."""
    for node in nodes(tree):
        if kind_of(node) == "BinaryExpr" and str(node.op) in COMPARISONS:
            for side, other in ((node.lhs, node.rhs), (node.rhs, node.lhs)):
                if is_scalar(other) and str(node.op) in (">", ">=", "<", "<=") and not _is_zero(other):
                    yield from _plain(side)


def _is_zero(node: Any) -> bool:
    return kind_of(node) == "NumberLiteral" and node.val == 0


def _plain(node: Any) -> Iterator[str]:
    """Metrics whose value counts as it is: below sums and brackets, not below functions, differences or counts."""
    kind = kind_of(node)
    if kind == "VectorSelector" and node.offset is None:
        yield selector_of(node).metric
    elif kind == "ParenExpr" or (
        kind == "AggregateExpr" and str(node.op) not in ("count", "group", "count_values")
    ):
        yield from _plain(node.expr)


def _quantile(node: Any) -> Iterator[Found]:
    quantile, of = node.args[0], node.args[1]
    if kind_of(quantile) == "NumberLiteral" and not 0 <= quantile.val <= 1:
        yield (
            "promql/impossible",
            f"histogram_quantile({quantile.val:g}, ...): a quantile is from 0 to 1, such as 0.95",
        )
    read = [selector_of(n).metric for n in nodes(of) if kind_of(n) == "VectorSelector"]
    if read and all(name.endswith(BUCKET) for name in read) and not labels_of(of).possible("le"):
        yield (
            "promql/impossible",
            f"histogram_quantile() of {read[0]} without the label le yields nothing: keep it, sum by (le, ...)",
        )


def _summed_first(node: Any) -> Iterator[Found]:
    for arg in children(node):
        if kind_of(arg) != "SubqueryExpr":
            continue
        below = list(nodes(arg.expr))
        sums = any(kind_of(n) == "AggregateExpr" and str(n.op) == "sum" for n in below)
        if sums and not any(kind_of(n) == "Call" and n.func.name in RATES for n in below):
            yield (
                "promql/rate",
                f"{node.func.name}() of a sum takes each start of a process for a reset of all: sum the rates instead, "
                "sum(rate(...))",
            )


def _matching(node: Any) -> Iterator[Found]:
    """Two sides that have no labels in common, or different ones for certain: no series fits another."""
    modifier = node.modifier
    if str(node.op) == "or" or (modifier is not None and modifier.matching is not None):
        return
    left, right = labels_of(node.lhs), labels_of(node.rhs)
    if left.only is None or right.only is None or left.only == right.only:
        return
    if _empty(left) or _empty(right) or not left.only & right.only:
        yield (
            "promql/vector_matching",
            f"{node.op} matches series of equal labels, and the left has {_named(left)}, the right {_named(right)}: "
            "aggregate both by the same, or say on(...)",
        )


def _empty(labels: Labels) -> bool:
    return labels.only == frozenset()


def _named(labels: Labels) -> str:
    return ", ".join(sorted(labels.only or ())) or "none"


def _whole_number(metric: str, matcher: Matcher) -> Iterator[Found]:
    """Prometheus 3 stores 1 as 1.0 in these labels."""
    if matcher.label not in NUMBER_LABELS or matcher.op not in (EQUAL, LIKE):
        return
    values = matcher.value.split("|") if matcher.op == LIKE else [matcher.value]
    if wrong := [value for value in values if WHOLE.fullmatch(value)]:
        yield (
            "promql/series",
            f'{metric}{{{matcher}}} finds nothing: Prometheus 3 writes {matcher.label}="{wrong[0]}.0"',
        )
