"""PromQL as the checks need it: whether two texts are one expression, and which series an expression relies on.

Pure; what the parser does not know (a newer Prometheus may) is None, and no claim is made of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from msgspec import Struct

EQUAL, LIKE = "=", "=~"
POSITIVE = (EQUAL, LIKE)
ABSENT = frozenset({"absent", "absent_over_time"})
COMPARISONS = frozenset({"==", "!=", ">", "<", ">=", "<="})
CHOOSING = frozenset({*COMPARISONS, "and", "unless"})
NAME = "__name__"
LEGACY_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


class Matcher(Struct, frozen=True):
    """One condition on a label, such as ``job=~"a|b"``."""

    label: str
    op: str
    value: str

    def __str__(self) -> str:
        return f"{self.label}{self.op}{quoted(self.value)}"

    @property
    def demands(self) -> bool:
        """Whether a series without the label fails it, for all that can be told."""
        return self.op in POSITIVE and self.value != "" and (self.op == EQUAL or not self.accepts(""))

    def accepts(self, value: str) -> bool:
        """Whether a series with this value fits; where the expression is not Python's too, it does."""
        if self.op == EQUAL:
            return value == self.value
        try:
            return re.fullmatch(self.value, value) is not None
        except re.error:
            return True


class Selector(Struct, frozen=True):
    """The series that an expression reads, without range, offset and time. ``metric`` is empty where none is named."""

    metric: str
    matchers: tuple[Matcher, ...] = ()

    def __str__(self) -> str:
        inside = [str(matcher) for matcher in self.matchers]
        if not LEGACY_NAME.fullmatch(self.metric):
            told = [quoted(self.metric)] if self.metric else []
            return f"{{{','.join((*told, *inside))}}}"
        return f"{self.metric}{{{','.join(inside)}}}" if inside else self.metric

    def only(self, *matchers: Matcher) -> Selector:
        """The same metric under other conditions."""
        return Selector(self.metric, matchers)


class Reading(Struct, frozen=True):
    """What an expression relies on. ``chooses``: it may rightly yield nothing, as a comparison does."""

    selectors: tuple[Selector, ...]
    chooses: bool


def quoted(text: str) -> str:
    """The text as a PromQL string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def one_line(expr: str) -> str:
    """The text with single blanks, for a message."""
    return " ".join(expr.split())


def normal(expr: str) -> str | None:
    """One form for all spellings of an expression; None where the parser does not know it."""
    tree = tree_of(expr)
    return None if tree is None else str(tree.prettify())


def plain(expr: str) -> str:
    """The text without white space outside of strings: equal ones are certainly one expression."""
    kept, quote, escaped = [], "", False
    for char in expr:
        if quote:
            kept.append(char)
            quote = "" if char == quote and not escaped else quote
            escaped = char == "\\" and not escaped and quote != "`"
        elif not char.isspace():
            kept.append(char)
            quote = char if char in "\"'`" else ""
    return "".join(kept)


@lru_cache(maxsize=1024)
def reading(expr: str) -> Reading | None:
    """What the expression relies on: not what ``absent`` or the right side of ``unless`` asks for.

    Nor what has a value to fall back to (``or vector(0)``), as pint's promql/series has it.
    """
    tree = tree_of(expr)
    if tree is None:
        return None
    found = dict.fromkeys(_needed(tree))
    asked = {selector_of(node) for node in _below_absent(tree)}
    chooses = any(
        kind_of(node) == "BinaryExpr" and str(node.op) in CHOOSING and not returns_bool(node)
        for node in nodes(tree)
    )
    return Reading(tuple(s for s in found if s not in asked), chooses or bool(asked))


@lru_cache(maxsize=1024)
def tree_of(expr: str) -> Any:
    """The expression as the parser has it; None where it does not know it."""
    import promql_parser  # few commands come here

    try:
        return promql_parser.parse(expr)
    except Exception:  # the parser's own errors are of several kinds; Prometheus has the last word on syntax
        return None


def kind_of(node: Any) -> str:
    """What a node of the tree is, such as ``BinaryExpr``."""
    return type(node).__name__


def children(node: Any) -> Iterator[Any]:
    """The nodes directly below."""
    for name in ("lhs", "rhs", "expr", "param", "vector_selector", "args"):
        below = getattr(node, name, None)
        yield from (child for child in (below if isinstance(below, list) else [below]) if child is not None)


def nodes(tree: Any) -> Iterator[Any]:
    """The node and all below it."""
    yield tree
    for child in children(tree):
        yield from nodes(child)


def _needed(node: Any) -> Iterator[Selector]:
    kind = kind_of(node)
    if kind == "VectorSelector":
        yield selector_of(node)
    elif kind == "Call" and node.func.name in ABSENT:
        return
    elif kind == "BinaryExpr" and str(node.op) == "unless" and not _compares(node.rhs):
        yield from _needed(node.lhs)
    elif kind == "BinaryExpr" and str(node.op) == "or" and always_there(node.rhs):
        return
    else:
        for child in children(node):
            yield from _needed(child)


def _below_absent(tree: Any) -> Iterator[Any]:
    for node in nodes(tree):
        if kind_of(node) == "Call" and node.func.name in ABSENT:
            yield from (one for one in nodes(node) if kind_of(one) == "VectorSelector")


def _compares(node: Any) -> bool:
    return any(kind_of(n) == "BinaryExpr" and str(n.op) in COMPARISONS for n in nodes(node))


def returns_bool(node: Any) -> bool:
    """Whether a comparison answers 0 or 1 instead of leaving out."""
    modifier = node.modifier
    return bool(modifier is not None and modifier.return_bool)


def always_there(node: Any) -> bool:
    """Whether it has a value whatever there is, as ``vector(0)`` has."""
    kind = kind_of(node)
    if kind in ("ParenExpr", "UnaryExpr"):
        return always_there(node.expr)
    if kind == "BinaryExpr":
        return str(node.op) not in CHOOSING and all(always_there(side) for side in (node.lhs, node.rhs))
    return kind == "NumberLiteral" or (kind == "Call" and node.func.name in ("vector", "time", "scalar"))


def selector_of(node: Any) -> Selector:
    """The series that a selector's node reads."""
    told = [Matcher(m.name, _op(m.op), m.value) for m in node.matchers.matchers]
    named = next((m.value for m in told if m.label == NAME and m.op == EQUAL), "")
    rest = tuple(m for m in told if m.label != NAME or m.op != EQUAL)
    return Selector(node.name or named, rest)


def _op(op: Any) -> str:
    return {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}.get(
        str(op).rpartition(".")[2], str(op)
    )
