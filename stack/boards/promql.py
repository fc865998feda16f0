"""The expressions of generated panels: of one job, of the instances that its dashboard's variable chooses. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from stack.boards.families import Family

RATE = "$__rate_interval"
METRIC, LABEL = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*"), re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
"""Names that need no quotes; all others are Prometheus' too since version 3."""
READABLE = 20
"""Lines that one panel shows at most."""


def select(job: str, name: str, *matchers: str) -> str:
    """A selector of the job's series."""
    inside = ", ".join((f"job={_quoted(job)}", 'instance=~"$instance"', *matchers))
    return f"{name}{{{inside}}}" if METRIC.fullmatch(name) else f"{{{_quoted(name)}, {inside}}}"


def rate(job: str, name: str, *matchers: str) -> str:
    """Increase per second."""
    return f"rate({select(job, name, *matchers)}[{RATE}])"


def total(by: Sequence[str], vector: str) -> str:
    """Sum over everything but some labels."""
    return f"sum by ({labels(by)}) ({vector})" if by else f"sum({vector})"


def labels(names: Sequence[str]) -> str:
    """Names of labels in a list; in quotes where they are not plain."""
    return ", ".join(name if LABEL.fullmatch(name) else _quoted(name) for name in names)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def shown_labels(family: Family) -> tuple[str, ...]:
    """The labels by which a panel tells its lines apart: those with the fewest values, while they can be read."""
    chosen: list[str] = []
    lines = 1
    for label, count in family.labels:
        if count > 1 and lines * count <= READABLE:
            chosen.append(label)
            lines *= count
    return tuple(chosen)


def split(family: Family, vector: str) -> tuple[str, str]:
    """The sum of a counter's rates by its labels, and the legend; where there are too many values, the largest ten."""
    shown = shown_labels(family)
    crowded = next((label for label, count in family.labels if count > READABLE), "")
    if not shown and crowded:
        return f"topk(10, {total((crowded,), vector)})", f"{{{{{crowded}}}}}"
    return total(shown, vector), legend(shown)


def legend(names: Sequence[str]) -> str:
    """The values of the labels, as a legend."""
    return " ".join(f"{{{{{label}}}}}" for label in names)


def quantile(job: str, family: Family, share: str, by: Sequence[str] = ()) -> str:
    """A quantile of a histogram, classic or native."""
    if family.kind == "native":
        return f"histogram_quantile({share}, {total(by, rate(job, family.name))})"
    return f"histogram_quantile({share}, {total((*by, 'le'), rate(job, f'{family.name}_bucket'))})"


def heat(job: str, family: Family) -> str:
    """What a heat map of a histogram shows."""
    if family.kind == "native":
        return total((), f"increase({select(job, family.name)}[{RATE}])")
    return total(("le",), f"increase({select(job, f'{family.name}_bucket')}[{RATE}])")
