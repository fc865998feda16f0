"""Whether an alert has a condition, and whether it waits: what always fires, and what one bad sample fires. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stack.checks.model import Rule
from stack.checks.promql import (
    ABSENT,
    COMPARISONS,
    always_there,
    children,
    kind_of,
    nodes,
    returns_bool,
    selector_of,
)
from stack.checks.rule_labels import SET_OPERATORS, is_scalar
from stack.common.durations import duration

ALERTS = frozenset({"ALERTS", "ALERTS_FOR_STATE"})
SCRAPES = 2
MOMENTS = frozenset({"time", "timestamp"})


def filters(node: Any, choosing: frozenset[str]) -> bool:
    """Whether it may rightly yield nothing. ``choosing``: metrics that are there only while something holds."""
    kind = kind_of(node)
    if kind == "BinaryExpr":
        return _operation_filters(node, choosing)
    if kind == "VectorSelector":
        return selector_of(node).metric in choosing
    if kind == "Call":
        if is_scalar(node) or node.func.name == "vector":
            return False
        return node.func.name in ABSENT or any(filters(arg, choosing) for arg in node.args)
    if kind == "AggregateExpr":
        return filters(node.expr, choosing)
    return any(filters(child, choosing) for child in children(node))


def _operation_filters(node: Any, choosing: frozenset[str]) -> bool:
    operator = str(node.op)
    sides = [filters(side, choosing) for side in (node.lhs, node.rhs)]
    if operator in COMPARISONS:
        return not returns_bool(node) or any(sides)
    if operator == "or":
        return all(sides)
    return operator in SET_OPERATORS or any(sides)


def certain(tree: Any, choosing: frozenset[str]) -> Iterator[str]:
    """Why an alert fires whatever its values are. One on a constant is meant so, as the Watchdog is."""
    inner = _inside(tree)
    if always_there(inner):
        return
    if kind_of(inner) == "BinaryExpr" and str(inner.op) == "or" and always_there(inner.rhs):
        yield "or with a constant is always there, so that it always fires: compare the whole, (... or ...) > 0"
    elif not filters(inner, choosing):
        if any(kind_of(n) == "BinaryExpr" and returns_bool(n) for n in nodes(inner)):
            yield "bool makes 0 or 1 of the condition, and an alert fires at 0 too: leave out bool"
        else:
            yield "it has no condition, so that it fires as long as there is a series: add a comparison such as > 0"
    elif any(_absent_is_zero(node) for node in nodes(inner)):
        yield "absent() yields 1 or nothing, so that comparing it with 0 never holds: absent() alone is the condition"


def _absent_is_zero(node: Any) -> bool:
    if kind_of(node) != "BinaryExpr" or str(node.op) not in ("==", "<"):
        return False
    left, right = _inside(node.lhs), _inside(node.rhs)
    limit = {"==": 0.0, "<": 1.0}[str(node.op)]
    return (
        kind_of(left) == "Call"
        and left.func.name in ABSENT
        and kind_of(right) == "NumberLiteral"
        and right.val == limit
    )


def _inside(node: Any) -> Any:
    while kind_of(node) == "ParenExpr":
        node = node.expr
    return node


def needs_for(rule: Rule, tree: Any, interval: float) -> Iterator[str]:
    """Where ``for`` is missing or too short; ``interval``: seconds between two scrapes."""
    if always_there(_inside(tree)):
        return
    asks_absent = any(kind_of(n) == "Call" and n.func.name == "absent" for n in nodes(tree))
    least = max(SCRAPES * interval, 1.0)
    if asks_absent and rule.duration < least:
        said = (
            f"for: {duration(rule.duration)} is too short for"
            if rule.duration
            else "without for it fires with"
        )
        yield f"{said} absent(): each start of Prometheus begins without series; at least for: {duration(least)}"
    elif not rule.duration and not _looks_back(tree, least):
        yield "one bad sample fires it, as it has no for: add one, such as for: 5m"


def _looks_back(tree: Any, least: float) -> bool:
    """Whether more than the latest sample counts already: a window, a moment in the past, other alerts."""
    if any(kind_of(n) == "Call" and n.func.name in MOMENTS for n in nodes(tree)):
        return True
    read = [selector_of(n).metric for n in nodes(tree) if kind_of(n) == "VectorSelector"]
    if read and all(metric in ALERTS for metric in read):
        return True
    ranges = (
        n.range.total_seconds() for n in nodes(tree) if kind_of(n) in ("MatrixSelector", "SubqueryExpr")
    )
    return any(length >= least for length in ranges)
