"""What a dashboard is to us: frozen values that say what is shown and why, free of any drawing library.

The builder turns them into Grafana's JSON. Nothing here may import Grafana's SDK or know a panel's JSON.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Kind = Literal["timeseries", "stat", "gauge", "bargauge", "piechart", "heatmap"]
GREEN, YELLOW, ORANGE, RED = "green", "yellow", "orange", "red"


class Step(Struct, frozen=True):
    """From ``value`` upwards a field has ``color``; the first step's value is None, below everything."""

    value: float | None
    color: str


class Query(Struct, frozen=True):
    """One expression of a panel; ``instant`` asks for now only, else for the dashboard's time range."""

    expr: str
    legend: str
    instant: bool = False


class Panel(Struct, frozen=True):
    """One panel. ``width`` counts Grafana's 24 columns, ``height`` its rows of 30 pixels."""

    kind: Kind
    title: str
    description: str
    unit: str
    queries: tuple[Query, ...]
    width: int = 12
    height: int = 8
    steps: tuple[Step, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    decimals: int | None = None
    stacked: bool = False
    states: tuple[tuple[str, str, str], ...] = ()
    """What single values are called: (value, text, color)."""


class Dashboard(Struct, frozen=True):
    """One dashboard; ``scope`` is the metric whose jobs and instances its variables offer.

    ``folder``: below grafana/; ``optional`` is for what docker-compose.yml, which mounts folders, does not have.
    """

    uid: str
    title: str
    description: str
    tags: tuple[str, ...]
    scope: str
    panels: tuple[Panel, ...]
    folder: Literal["dashboards", "optional"] = "dashboards"


def rising(warning: float, critical: float) -> tuple[Step, ...]:
    """Thresholds of a value that is better when low: green, yellow from ``warning``, red from ``critical``."""
    return (Step(None, GREEN), Step(warning, YELLOW), Step(critical, RED))


def falling(critical: float, warning: float) -> tuple[Step, ...]:
    """Thresholds of a value that is better when high: red, yellow from ``critical``, green from ``warning``."""
    return (Step(None, RED), Step(critical, YELLOW), Step(warning, GREEN))
