"""PromQL as a tree: what the lint tests of dashboards and rules ask about an expression."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import promql_parser

COUNTING = frozenset({"rate", "irate", "increase"})


def parse(expression: str) -> Any:
    return promql_parser.parse(expression)


def nodes(tree: Any, parents: tuple[Any, ...] = ()) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """Every node with the nodes above it, outermost first."""
    yield tree, parents
    for name in ("lhs", "rhs", "expr", "vector_selector", "args"):
        below = getattr(tree, name, None)
        for child in below if isinstance(below, list) else [below]:
            if child is not None:
                yield from nodes(child, (*parents, tree))


def kinds(tree: Any, kind: type) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    return ((node, parents) for node, parents in nodes(tree) if isinstance(node, kind))


def selectors(expression: str) -> list[tuple[Any, tuple[Any, ...]]]:
    return list(kinds(parse(expression), promql_parser.VectorSelector))


def matchers(selector: Any) -> dict[str, tuple[str, str]]:
    """label -> (operator, value) of one selector."""
    return {m.name: (str(m.op), m.value) for m in selector.matchers.matchers}


def metrics(expression: str) -> set[str]:
    return {selector.name for selector, _ in selectors(expression)}


def calls_above(parents: tuple[Any, ...]) -> list[str]:
    """Names of the functions around a node, outermost first."""
    return [parent.func.name for parent in parents if isinstance(parent, promql_parser.Call)]
