"""What the checks of dashboards have in common: which ones there are, and of what kind the data sources are."""

from __future__ import annotations

from collections.abc import Mapping

from stack.checks.context import CheckContext
from stack.checks.model import Broken, Dashboard
from stack.dashboards.queries import DEFAULT_SOURCE, Window

SHOWN = 3
PROMETHEUS = "prometheus"
OWN_SOURCES = ("grafana", "-- Grafana --", "-- Mixed --", "-- Dashboard --", "__expr__")
"""Data sources that every Grafana has."""
CORRECT = "correct that dashboard's file in grafana/dashboards/, then monitoring-stack reload"
Sources = Mapping[str, str]
"""The type of each data source, by uid and by name."""


class Untouched(Window, frozen=True):
    """Leaves Grafana's macros in the text, so that Grafana itself must replace them."""

    def macros(self) -> dict[str, str]:
        """Each macro stands for itself."""
        return {name: f"${name}" for name in Window.macros(self)}


def sources_in_files(context: CheckContext) -> Sources:
    """The provisioned data sources; Prometheus alone where none is known, as on the quick-look page."""
    found = context.expected.data_sources
    types = {key: source.type for source in found for key in (source.uid, source.name)}
    return types or {DEFAULT_SOURCE: PROMETHEUS}


def sources_in_grafana(context: CheckContext) -> Sources:
    """The data sources that Grafana has, also those that somebody made by hand."""
    held = context.administrator().data_sources()
    return {key: source.type for source in held for key in (source.uid, source.name)}


def kind_of(sources: Sources, name: str) -> str:
    """The type of a data source; empty where there is none of that name."""
    return sources.get(name, "Grafana's own" if name in OWN_SOURCES else "")


def some(faults: list[str], what: str) -> str:
    return faults[0] if len(faults) == 1 else f"{len(faults)} {what}: {'; '.join(faults[:SHOWN])}"


def dashboards_of(context: CheckContext) -> tuple[Dashboard, ...]:
    """The shipped ones. Those of the user's own may ask for what is not there yet."""
    if not context.expected.dashboards:
        raise Broken("no dashboard is expected", "the dashboards' files are empty or were not rendered")
    return tuple(one for one in context.expected.dashboards if not one.own)


def reason_of(context: CheckContext) -> str:
    return dict(context.expected.absent).get("grafana", "not part of this stack")
