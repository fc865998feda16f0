"""The parts of a dashboard in Grafana's classic format, whatever else is in the file. Pure; it changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Model = Mapping[str, Any]
PROMETHEUS = "prometheus"
LIKE_PROMETHEUS = (
    PROMETHEUS,
    "grafana-amazonprometheus-datasource",
    "grafana-azureprometheus-datasource",
    "victoriametrics-metrics-datasource",
)
"""Types of data sources that are asked in PromQL."""
BUILT_IN = ("grafana", "-- Grafana --", "-- Mixed --", "-- Dashboard --", "__expr__")
"""Names of data sources that every Grafana has."""
SHOWN = 5
"""Names that are listed in a note."""


def objects(value: object) -> list[dict[str, Any]]:
    """The objects in a list; none where it is something else."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def inner(value: object) -> dict[str, Any]:
    """The object; an empty one where it is something else."""
    return value if isinstance(value, dict) else {}


def panels(board: Model) -> Iterator[dict[str, Any]]:
    """All panels, the rows too, and those inside rows."""
    for panel in objects(board.get("panels")):
        yield panel
        yield from panels(panel)


def templates(board: Model) -> list[dict[str, Any]]:
    """The variables that have a name."""
    listed = objects(inner(board.get("templating")).get("list"))
    return [one for one in listed if isinstance(one.get("name"), str) and one["name"]]


def title_of(panel: Model) -> str:
    """What a person calls the panel."""
    return str(panel.get("title") or f"panel {panel.get('id', '')}".strip())


def some(names: Sequence[str]) -> str:
    """The first few of some names, and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def source_type(source: object) -> str:
    """The type that a reference to a data source names; empty where it names none."""
    return str(inner(source).get("type") or "")


def source_name(source: object) -> str:
    """The uid of a reference to a data source, in older files its name; empty where it names none."""
    named = inner(source).get("uid") if isinstance(source, dict) else source
    return str(named or "")
