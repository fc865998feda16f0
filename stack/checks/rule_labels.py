"""Which labels the series that an expression yields can have: what is aggregated away no template can show. Pure."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from stack.checks.promql import ABSENT, EQUAL, NAME, children, kind_of, selector_of

KEEPING = frozenset({"topk", "bottomk", "limitk", "limit_ratio"})
"""Aggregations that choose series and leave them as they are."""
SET_OPERATORS = frozenset({"and", "or", "unless"})
SCALARS = ("scalar", "string")


class Labels(Struct, frozen=True):
    """``only``: no others than these (None: any); ``never``: none of these."""

    only: frozenset[str] | None = None
    never: frozenset[str] = frozenset()

    def possible(self, label: str) -> bool:
        """Whether a series can have the label."""
        return label not in self.never and (self.only is None or label in self.only)

    def within(self, names: frozenset[str]) -> Labels:
        """No others than these."""
        return Labels(frozenset(name for name in names if self.possible(name)))

    def without(self, names: frozenset[str]) -> Labels:
        """None of these any more."""
        if self.only is not None:
            return Labels(self.only - names)
        return Labels(None, self.never | names)

    def and_also(self, names: frozenset[str]) -> Labels:
        """These too."""
        if self.only is not None:
            return Labels(self.only | names)
        return Labels(None, self.never - names)

    def either(self, other: Labels) -> Labels:
        """What the one or the other can have."""
        if self.only is not None and other.only is not None:
            return Labels(self.only | other.only)
        unlikely = self.never | other.never
        return Labels(None, frozenset(n for n in unlikely if not self.possible(n) and not other.possible(n)))


ANY, NONE = Labels(), Labels(frozenset())


def labels_of(node: Any) -> Labels:
    """Of the series that this part of an expression yields."""
    kind = kind_of(node)
    if kind == "VectorSelector":
        absent = frozenset(m.label for m in selector_of(node).matchers if m.op == EQUAL and not m.value)
        return Labels(None, absent)
    if kind in ("NumberLiteral", "StringLiteral"):
        return NONE
    if kind == "Call":
        return _of_call(node)
    if kind == "AggregateExpr":
        return _of_aggregation(node)
    if kind == "BinaryExpr":
        return _of_operation(node)
    inner = [labels_of(child) for child in children(node)]
    return inner[0] if len(inner) == 1 else ANY


def is_scalar(node: Any) -> bool:
    """Whether it is one number, without series."""
    kind = kind_of(node)
    if kind == "Call":
        return str(node.func.return_type).rpartition(".")[2].lower() in SCALARS
    if kind == "BinaryExpr":
        return is_scalar(node.lhs) and is_scalar(node.rhs)
    if kind in ("ParenExpr", "UnaryExpr"):
        return is_scalar(node.expr)
    return kind in ("NumberLiteral", "StringLiteral")


def _of_call(node: Any) -> Labels:
    name = node.func.name
    if name in ABSENT:
        return _of_absent(node)
    if name == "vector" or is_scalar(node):
        return NONE
    vectors = [arg for arg in node.args if not is_scalar(arg)]
    if not vectors or name == "info":
        return ANY
    inner = labels_of(vectors[0])
    if name in ("label_replace", "label_join"):
        return inner.and_also(frozenset({_text(node.args[1])}))
    return inner.without(frozenset({"le"})) if name == "histogram_quantile" else inner


def _of_absent(node: Any) -> Labels:
    """It makes its labels up, of conditions that name one value."""
    inner = node.args[0]
    while kind_of(inner) == "ParenExpr":
        inner = inner.expr
    inner = inner.vector_selector if kind_of(inner) == "MatrixSelector" else inner
    if kind_of(inner) != "VectorSelector":
        return NONE
    told = [m for m in selector_of(inner).matchers if m.label != NAME]
    names = [m.label for m in told]
    return Labels(frozenset(m.label for m in told if m.op == EQUAL and m.value and names.count(m.label) == 1))


def _of_aggregation(node: Any) -> Labels:
    inner, operator = labels_of(node.expr), str(node.op)
    if operator in KEEPING:
        return inner
    modifier = node.modifier
    names = frozenset(modifier.labels) if modifier is not None else frozenset()
    if modifier is not None and str(modifier.type).endswith("Without"):
        kept = inner.without(names)
    else:
        kept = inner.within(names)
    return kept.and_also(frozenset({_text(node.param)})) if operator == "count_values" else kept


def _of_operation(node: Any) -> Labels:
    operator = str(node.op)
    if is_scalar(node.lhs):
        return labels_of(node.rhs)
    left = labels_of(node.lhs)
    if is_scalar(node.rhs) or operator in ("and", "unless"):
        return left
    right = labels_of(node.rhs)
    if operator == "or":
        return left.either(right)
    return left if node.modifier is None else _matched(node.modifier, left, right)


def _matched(modifier: Any, left: Labels, right: Labels) -> Labels:
    given = frozenset(modifier.group_labels or ())
    card = str(modifier.card).rpartition(".")[2]
    if card in ("ManyToOne", "OneToMany"):
        return (left if card == "ManyToOne" else right).and_also(given)
    if modifier.matching is None:
        return left
    names = frozenset(modifier.matching.labels)
    included = str(modifier.matching.type).endswith("Include")
    return left.within(names) if included else left.without(names)


def _text(node: Any) -> str:
    while kind_of(node) == "ParenExpr":
        node = node.expr
    return str(getattr(node, "val", ""))
