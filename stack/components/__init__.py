"""WHAT runs: one file per component, each with its manifest; ``COMPONENTS`` is the one list."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from stack.components.alertmanager import ALERTMANAGER
from stack.components.app import APP
from stack.components.blackbox import BLACKBOX
from stack.components.build import Build
from stack.components.exporters import EXPORTERS
from stack.components.gateway import GATEWAY
from stack.components.grafana import GRAFANA
from stack.components.manifest import Component
from stack.components.node_exporter import NODE_EXPORTER
from stack.components.postgres import POSTGRES
from stack.components.prometheus import PROMETHEUS
from stack.config import settings
from stack.config.table import Table
from stack.images.catalog import Catalog
from stack.model.names import kind_of
from stack.model.spec import StackSpec

if TYPE_CHECKING:
    from stack.checks.check import Check

COMPONENTS: tuple[Component, ...] = (
    GRAFANA,
    PROMETHEUS,
    ALERTMANAGER,
    APP,
    NODE_EXPORTER,
    POSTGRES,
    GATEWAY,
    BLACKBOX,
    *EXPORTERS,
)
"""In the order of documents; ``port_base`` counts the published ones in this order."""
BY_NAME = {component.name: component for component in COMPONENTS}
CATALOG = Catalog(
    {c.name: c.pin for c in COMPONENTS if c.pin}, {c.name: c.recipe for c in COMPONENTS if c.recipe}
)
TABLE = Table(tuple(component.unit for component in COMPONENTS))


def load(
    options: Mapping[str, str] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    project: Path | None = None,
    remembered: Mapping[str, str] | None = None,
) -> settings.Settings:
    """The settings of a stack that can have all these components; see ``stack.config.settings.load``."""
    return settings.load(TABLE, options, environ=environ, project=project, remembered=remembered)


def assemble(build: Build) -> StackSpec:
    """The stack that the settings ask for, of the components whose images can be had."""
    services = tuple(service for name in build.present for service in BY_NAME[name].services(build))
    return StackSpec(build.settings.name, services, absent=build.absent).ordered()


def all_checks() -> tuple[Check, ...]:
    """The checks of all components."""
    return checks_of(tuple(BY_NAME))


@cache
def checks_of(names: tuple[str, ...]) -> tuple[Check, ...]:
    """The checks of these components; one that serves HTTP and names none is asked for its readiness.

    Those of others are not even imported.
    """
    from stack.checks.readiness import answers

    found: list[Check] = []
    kinds = {kind_of(name) for name in names}
    for component in (one for one in COMPONENTS if one.name in kinds):
        own = component.checks().all
        found += own or ((answers(component.name, component.title),) if component.http else ())
    return tuple(found)


def after_change(name: str) -> tuple[str, ...]:
    """Names of the checks that prove a step on a component, or on one of its containers."""
    component = BY_NAME.get(kind_of(name))
    return () if component is None else component.checks().after_change or (f"{name}.ready",)
