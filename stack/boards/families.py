"""The metrics of a job: their kinds, labels and numbers of series, by its metadata and the series that exist. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal

from msgspec import Struct

Kind = Literal["counter", "gauge", "histogram", "native", "summary", "info"]
Labels = tuple[tuple[str, str], ...]
NAME = "__name__"
OWN_LABELS = frozenset({NAME, "job", "instance", "le", "quantile"})
"""Labels that say nothing of what is measured."""
OF_THE_SCRAPE = ("up", "scrape_", "ALERTS")
PARTS = ("_bucket", "_count", "_sum")


class Described(Struct, frozen=True):
    """What a target says of a metric."""

    metric: str
    kind: str
    help: str = ""
    unit: str = ""


class Family(Struct, frozen=True):
    """One metric. ``labels``: label > how many values it has, fewest first; ``series``: how many there are.

    ``quiet``: nothing was observed lately, so that a quantile would have no value. ``quantiles``: a summary has some.
    """

    name: str
    kind: Kind
    help: str = ""
    unit: str = ""
    labels: tuple[tuple[str, int], ...] = ()
    series: int = 1
    quiet: bool = False
    quantiles: bool = False
    values: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def values_of(self, label: str) -> tuple[str, ...]:
        """The values of a label."""
        return dict(self.values).get(label, ())


def counts_of(families: Iterable[Family]) -> tuple[str, ...]:
    """The series that tell how often something was observed."""
    return tuple(count_of(one) for one in families if one.kind in ("histogram", "native", "summary"))


def count_of(family: Family) -> str:
    """The series that counts the observations of a histogram or summary."""
    return family.name if family.kind == "native" else f"{family.name}_count"


def families_of(told: Iterable[Described], series: Iterable[Labels]) -> tuple[Family, ...]:
    """The metrics of a job by name; recorded series and those of the scrape itself are none of them."""
    listed = [dict(one) for one in series]
    described = {one.metric: one for one in told}
    target_labels = {label for one in listed if one.get(NAME) == "up" for label in one}
    by_name: dict[str, list[dict[str, str]]] = {}
    for one in listed:
        name = one.get(NAME, "")
        if name and ":" not in name and not name.startswith(OF_THE_SCRAPE) and not name.endswith("_created"):
            by_name.setdefault(name, []).append(one)
    groups: dict[str, list[str]] = {}
    for name in by_name:
        groups.setdefault(_base(name, by_name, described), []).append(name)
    return tuple(
        _family(base, names, by_name, described, target_labels | OWN_LABELS)
        for base, names in sorted(groups.items())
    )


def _base(name: str, by_name: Mapping[str, object], described: Mapping[str, Described]) -> str:
    """The metric that a series is a part of."""
    for part in PARTS:
        base = name.removesuffix(part)
        if base == name:
            continue
        known = described[base].kind if base in described else ""
        if known in ("histogram", "summary", "gaugehistogram") or f"{base}_bucket" in by_name:
            return base
        if f"{base}_sum" in by_name and f"{base}_count" in by_name and name not in described:
            return base
    return name


def _family(
    base: str,
    names: list[str],
    by_name: Mapping[str, list[dict[str, str]]],
    described: Mapping[str, Described],
    common: set[str] | frozenset[str],
) -> Family:
    about = described.get(base) or described.get(base.removesuffix("_total")) or Described(base, "")
    members = [one for name in names for one in by_name[name]]
    distinct: dict[str, set[str]] = {}
    for one in members:
        for label, value in one.items():
            if label not in common:
                distinct.setdefault(label, set()).add(value)
    counted = Counter({label: len(values) for label, values in distinct.items()})
    plain = {tuple(sorted((k, v) for k, v in one.items() if k not in common)) for one in members}
    return Family(
        name=base,
        kind=_kind(base, names, about.kind, members),
        help=" ".join(about.help.split()),
        unit=about.unit,
        labels=tuple(sorted(counted.items(), key=lambda item: (item[1], item[0]))),
        series=len(plain),
        quantiles=any("quantile" in one for one in members),
        values=tuple((label, tuple(sorted(values))) for label, values in sorted(distinct.items())),
    )


def _kind(base: str, names: list[str], told: str, members: list[dict[str, str]]) -> Kind:
    if f"{base}_bucket" in names:
        return "histogram"
    if told in ("histogram", "gaugehistogram") and base in names:
        return "native"
    if told == "summary" or any("quantile" in one for one in members) or f"{base}_count" in names:
        return "summary"
    if told == "info" or (base.endswith("_info") and told in ("gauge", "", "unknown")):
        return "info"
    if told == "counter" or (told in ("", "unknown") and base.endswith("_total")):
        return "counter"
    return "gauge"
