"""The scrape interval that panels are drawn by: a rate over less than two scrapes shows nothing.

Pure. It follows from Prometheus' files and goes into the data source of Grafana and into the quick-look page.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import yaml

from stack.common import yaml_edit as edit
from stack.common.durations import duration, seconds
from stack.common.yaml_text import load_yaml
from stack.components.build import Build
from stack.components.places import SCRAPE_PLACE
from stack.model.spec import ConfigFile

MAIN = "prometheus/prometheus.yml"
KEY = "scrape_interval"
DEFAULT = 60.0
"""Seconds; Prometheus' own where nothing is said."""
LONGEST = 60.0
"""Seconds: what comes more rarely is no measure for all panels; those about it have a step of their own."""
SHIPPED = 5.0
"""Seconds; what the shipped files say of both."""
PROBES = "/probe"
"""Probes give gauges, of which no rate is asked."""
OURS = "prometheus"
"""The host of the stack's Prometheus, and the type of its data source."""
SCRIPT_LINE = "const SCRAPE = 5;"


def panel_interval(build: Build) -> float:
    """Seconds: the longest scrape interval of the files, at most ``LONGEST``. Broken files say nothing here."""
    return min(LONGEST, max(_intervals(build)))


def _intervals(build: Build) -> Iterator[float]:
    main = _document(build.tree.get(MAIN, b""))
    yield _interval(main.get("global")) or DEFAULT
    found = build.concerning(build.gathered("prometheus", SCRAPE_PLACE))
    for document in (main, *(_document(file.content) for file in found if KEY.encode() in file.content)):
        jobs = document.get("scrape_configs")
        for job in jobs if isinstance(jobs, list) else ():
            if isinstance(job, dict) and job.get("metrics_path") != PROBES and (own := _interval(job)):
                yield own


def _document(content: bytes) -> dict[str, Any]:
    try:
        found = load_yaml(content)
    except (yaml.YAMLError, UnicodeDecodeError):  # refused before anything is written
        return {}
    return found if isinstance(found, dict) else {}


def _interval(owner: object) -> float:
    written = owner.get(KEY) if isinstance(owner, dict) else None
    try:
        return seconds(written) if written else 0.0
    except ValueError:
        return 0.0


def followed(files: tuple[ConfigFile, ...], interval: float) -> tuple[ConfigFile, ...]:
    """The data sources, of which that of the stack's Prometheus says the interval.

    One that was written by hand stays, unless it is too short.
    """
    return tuple(
        file.edited(_with_interval(file.content, interval)) if "/datasources/" in file.path else file
        for file in files
    )


def _with_interval(content: bytes, interval: float) -> bytes:
    text = content.decode(errors="surrogateescape")
    edits = [
        change
        for source in edit.items(edit.member(edit.compose(text), "datasources"))
        if _ours(source) and (change := _change(edit.member(source, "jsonData"), interval))
    ]
    return edit.edited(text, edits).encode(errors="surrogateescape")


def _ours(source: yaml.Node) -> bool:
    url = edit.text_of(edit.member(source, "url"))
    return edit.text_of(edit.member(source, "type")) == OURS and urlsplit(url).hostname == OURS


def _change(told: yaml.Node | None, interval: float) -> edit.Edit | None:
    if not isinstance(told, yaml.MappingNode):
        return None
    value = edit.member(told, "timeInterval")
    if value is None:
        return edit.put_first(told, f"timeInterval: {duration(interval)}")
    try:
        written = seconds(edit.text_of(value))
    except ValueError:  # a variable
        return None
    if written == interval or (written > interval and written != SHIPPED):
        return None
    return edit.replaced(value, duration(interval))


def script(content: bytes, interval: float) -> bytes:
    """The script of the quick-look page for that interval; its unit is a second."""
    return content.replace(SCRIPT_LINE.encode(), f"const SCRAPE = {max(1, round(interval))};".encode())
