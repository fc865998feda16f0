"""A dashboard from what a job exposes: requests first, then its metrics by the beginnings of their names. Pure.

Counters are shown as rates, histograms as quantiles and heat maps, the rest as it is. What belongs to the language or
the library and not to the service comes last and folded.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from stack.boards import promql
from stack.boards.board import Board, slug
from stack.boards.drawing import Drawn, Query, Section, on_a_page
from stack.boards.families import Family
from stack.boards.metric_panels import metric_panels
from stack.boards.red import red_sections, taken

TAG = "generated"
MOST_PANELS = 60
LARGE = 10
"""Panels of one beginning above which the next word of the names divides them."""
RUNTIME = ("go", "python", "process", "promhttp", "jvm", "nodejs", "dotnet", "ruby", "php", "net_conntrack")
TITLE = "{job}: metrics"


def generated(job: str, families: Sequence[Family], most: int = MOST_PANELS) -> Board:
    """The dashboard of a job, of at most so many panels."""
    shown = taken(families)
    rest = [one for one in families if one.name not in shown]
    sections = [_head(job), *red_sections(job, families), *_groups(job, rest)]
    kept, left = _bounded(sections, most)
    notes = (f"{left} panels more were left out: --panels N shows more",) if left else ()
    return Board(_model(job, kept), notes)


def _head(job: str) -> Section:
    up = Drawn(
        "stat",
        "Targets",
        "Whether each target was reached by the last scrape.",
        "short",
        (Query(promql.select(job, "up"), "{{instance}}"),),
        8,
        5,
        up_or_down=True,
    )
    seconds = Query(promql.select(job, "scrape_duration_seconds"), "{{instance}}")
    samples = Query(promql.select(job, "scrape_samples_scraped"), "{{instance}}")
    return Section(
        job,
        (
            up,
            Drawn("timeseries", "Scrape duration", "How long each scrape took.", "s", (seconds,), 8, 5),
            Drawn(
                "timeseries", "Samples", "How many samples each scrape brought.", "short", (samples,), 8, 5
            ),
        ),
    )


def _groups(job: str, families: Iterable[Family]) -> list[Section]:
    """The metrics by the beginnings of their names; what stands alone comes together."""
    found: dict[str, list[Family]] = {}
    for family in families:
        found.setdefault(_beginning(family.name), []).append(family)
    divided: dict[str, list[Family]] = {}
    for beginning, members in found.items():
        if len(members) <= LARGE or beginning in RUNTIME:
            divided[beginning] = members
            continue
        for family in members:
            divided.setdefault("_".join(family.name.split("_")[:2]), []).append(family)
    alone = [name for name, members in divided.items() if len(members) == 1 and name not in RUNTIME]
    if len(alone) > 1:
        found_alone = [one for name in alone for one in divided.pop(name)]
        divided[""] = [*divided.pop("", []), *found_alone]
    ordered = sorted(divided.items(), key=lambda item: (item[0] in RUNTIME, item[0] == "", item[0]))
    made = (
        Section(
            name.replace("_", " ").strip() or "others", tuple(metric_panels(job, members)), name in RUNTIME
        )
        for name, members in ordered
    )
    return [section for section in made if section.panels]


def _beginning(name: str) -> str:
    """The first word of a name, or that of a library, which may have two."""
    return next((one for one in RUNTIME if name.startswith(f"{one}_")), name.partition("_")[0])


def _bounded(sections: Sequence[Section], most: int) -> tuple[list[Section], int]:
    """The sections with at most so many panels in all, and how many are left out; each keeps its first ones."""
    kept: list[Section] = []
    room, left = most, 0
    for number, section in enumerate(sections):
        behind = len(sections) - number - 1
        here = section.panels[: max(2, room - 2 * behind)] if room > 0 else ()
        here = here[: max(0, room)]
        left += len(section.panels) - len(here)
        room -= len(here)
        if here:
            kept.append(Section(section.title, here, section.folded))
    return kept, left


def _model(job: str, sections: Sequence[Section]) -> dict[str, Any]:
    quoted = json.dumps(job, ensure_ascii=False)
    return {
        "uid": slug(f"job-{job}"),
        "title": TITLE.format(job=job),
        "description": f"Made from the metrics that the job {job} exposes.",
        "tags": [TAG, job],
        "editable": True,
        "graphTooltip": 1,
        "schemaVersion": 42,
        "timezone": "",
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": [_source(), _instance(f"label_values(up{{job={quoted}}}, instance)")]},
        "annotations": {"list": []},
        "links": [],
        "panels": on_a_page(sections),
    }


def _source() -> dict[str, Any]:
    current = {"selected": True, "text": "Prometheus", "value": "prometheus"}
    return {
        "type": "datasource",
        "name": "datasource",
        "label": "Data Source",
        "query": "prometheus",
        "current": current,
    }


def _instance(query: str) -> dict[str, Any]:
    return {
        "type": "query",
        "name": "instance",
        "label": "Instance",
        "query": query,
        "datasource": {"type": "prometheus", "uid": "${datasource}"},
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".+",
    }
