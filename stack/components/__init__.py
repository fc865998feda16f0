"""WHAT runs: one file per component, each with ``service(build)`` and ``files(build)``; ``COMPONENTS`` lists them."""

from __future__ import annotations

from stack.components import alertmanager, app, grafana, node_exporter, postgres, prometheus
from stack.components.build import Build, Component
from stack.model.spec import StackSpec

COMPONENTS: dict[str, Component] = {
    "alertmanager": alertmanager,
    "app": app,
    "node_exporter": node_exporter,
    "postgres": postgres,
    "prometheus": prometheus,
    "grafana": grafana,
}


def assemble(build: Build) -> StackSpec:
    """The stack that the settings ask for, of the components whose images can be had."""
    services = tuple(COMPONENTS[name].service(build) for name in build.present)
    return StackSpec(build.settings.name, services, absent=build.absent).ordered()
