"""The panels of some metrics of a job: each by its kind, plain ones of one unit together. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stack.boards import promql
from stack.boards.drawing import Drawn, Query, Shape
from stack.boards.families import Family, count_of
from stack.boards.red import QUANTILES
from stack.boards.units import MOMENT, plain_name, rate_unit, unit_of

TOGETHER = 6
"""Series without labels of their own that share a panel."""


def metric_panels(job: str, members: Sequence[Family]) -> Iterator[Drawn]:
    """Those with labels and histograms by themselves, plain ones of one kind and unit together."""
    together: dict[tuple[str, str], list[Family]] = {}
    for family in members:
        if family.kind in ("counter", "gauge") and family.series == 1:
            unit = (
                rate_unit(family.name, family.unit)
                if family.kind == "counter"
                else unit_of(family.name, family.unit)
            )
            together.setdefault((family.kind, unit), []).append(family)
    for (kind, unit), plain in together.items():
        for few in (plain[n : n + TOGETHER] for n in range(0, len(plain), TOGETHER)):
            yield _several(job, kind, unit, few)
    for family in members:
        if family.kind not in ("counter", "gauge") or family.series != 1:
            yield from _alone(job, family)


def _several(job: str, kind: str, unit: str, plain: Sequence[Family]) -> Drawn:
    make = promql.rate if kind == "counter" else promql.select
    scale = " * 1000" if unit == MOMENT else ""
    by_instance = f"sum by (instance) ({{}}){scale}"
    if len(plain) == 1:
        family = plain[0]
        query = Query(by_instance.format(make(job, family.name)), "{{instance}}")
        title = plain_name(family.name)
    else:
        title = f"{_common([one.name for one in plain])}: {_word(kind, unit)}"
        query = None
    queries = (
        (query,)
        if query
        else tuple(
            Query(by_instance.format(make(job, one.name)), f"{plain_name(one.name)} {{{{instance}}}}")
            for one in plain
        )
    )
    about = "; ".join(_about(one) for one in plain)
    shape: Shape = "stat" if unit == MOMENT else "timeseries"
    return Drawn(shape, title, about, unit, queries)


def _word(kind: str, unit: str) -> str:
    known = {
        "bytes": "bytes",
        "Bps": "bytes per second",
        "s": "seconds",
        MOMENT: "since",
        "percentunit": "shares",
    }
    return known.get(unit, "per second" if kind == "counter" else "values")


def _common(names: Sequence[str]) -> str:
    """The words with which all names begin."""
    words = [name.split("_") for name in names]
    same = [first for first, *others in zip(*words, strict=False) if all(first == other for other in others)]
    return plain_name("_".join(same)) if same else "Others"


def _alone(job: str, family: Family) -> Iterator[Drawn]:
    title, about = plain_name(family.name), _about(family)
    labels = promql.shown_labels(family)
    by = f" by {', '.join(labels)}" if labels else ""
    if family.kind == "counter":
        expr, legend = promql.split(family, promql.rate(job, family.name))
        unit = rate_unit(family.name, family.unit)
        yield Drawn("timeseries", f"{title} per second{by}", about, unit, (Query(expr, legend or title),))
    elif family.kind == "info":
        yield Drawn("table", title, about, "short", (Query(promql.select(job, family.name)),))
    elif family.kind == "gauge":
        yield _gauge(job, family, labels, f"{title}{by}")
    else:
        yield from _observed(job, family, title)


def _gauge(job: str, family: Family, labels: tuple[str, ...], title: str) -> Drawn:
    unit = unit_of(family.name, family.unit)
    vector = promql.select(job, family.name) + (" * 1000" if unit == MOMENT else "")
    shape: Shape = "stat" if unit == MOMENT else "timeseries"
    if family.series > promql.READABLE:
        known = tuple(label for label, count in family.labels if count > 1)
        return Drawn(
            shape,
            f"{plain_name(family.name)}, the largest ten",
            _about(family),
            unit,
            (Query(f"topk(10, {vector})", promql.legend(known)),),
        )
    every = tuple(label for label, count in family.labels if count > 1)
    legend = promql.legend((*every, "instance"))
    return Drawn(
        shape,
        title if labels == every else plain_name(family.name),
        _about(family),
        unit,
        (Query(vector, legend),),
    )


def _observed(job: str, family: Family, title: str) -> Iterator[Drawn]:
    """A histogram or summary; of one that is quiet only how often something is observed."""
    unit, about = unit_of(family.name, family.unit), _about(family)
    counted = promql.total((), promql.rate(job, count_of(family)))
    if family.kind == "native":
        counted = f"histogram_count({counted})"
    if family.quiet:
        quiet = f"{about} Nothing was observed lately when this was made; made anew it shows quantiles."
        yield Drawn(
            "timeseries", f"{title}: observations per second", quiet, "cps", (Query(counted, "observations"),)
        )
    elif family.kind == "summary":
        yield _summary(job, family, title)
    else:
        queries = tuple(Query(promql.quantile(job, family, share), name) for share, name in QUANTILES)
        yield Drawn("timeseries", f"{title}: quantiles", about, unit, queries)
        yield Drawn(
            "heatmap", f"{title}: distribution", about, unit, (Query(promql.heat(job, family), "{{le}}"),)
        )


def _summary(job: str, family: Family, title: str) -> Drawn:
    unit, about = unit_of(family.name, family.unit), _about(family)
    labels = promql.shown_labels(family)
    if family.quantiles:
        by = promql.labels(("quantile", *labels))
        expr = f"max by ({by}) ({promql.select(job, family.name)})"
        return Drawn(
            "timeseries",
            f"{title}: quantiles",
            about,
            unit,
            (Query(expr, promql.legend((*labels, "quantile"))),),
        )
    above = promql.total(labels, promql.rate(job, f"{family.name}_sum"))
    below = promql.total(labels, promql.rate(job, f"{family.name}_count"))
    return Drawn(
        "timeseries",
        f"{title}: average",
        about,
        unit,
        (Query(f"{above} / {below}", promql.legend(labels) or "average"),),
    )


def _about(family: Family) -> str:
    return f"{family.name}: {family.help}" if family.help else family.name
