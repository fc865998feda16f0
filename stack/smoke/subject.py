"""Whom a check may ask: what is expected, and one client a component that keeps its connections between checks.

It opens nothing before it is asked and must never be shared between two runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from stack.api.alertmanager import Alertmanager
from stack.api.app import App
from stack.api.grafana import Grafana
from stack.api.prometheus import Prometheus
from stack.http import Http
from stack.smoke.model import Expected


@dataclass(frozen=True)
class Subject:
    """The stack as the checks see it; a client's address is a KeyError where the component is not part of it."""

    expected: Expected

    def http(self, component: str) -> Http:
        """A new session with the component's address, without credentials."""
        return Http(self.expected.address(component))

    @cached_property
    def prometheus(self) -> Prometheus:
        """Prometheus."""
        return Prometheus(self.http("prometheus"))

    @cached_property
    def alertmanager(self) -> Alertmanager:
        """Alertmanager."""
        return Alertmanager(self.http("alertmanager"))

    @cached_property
    def app(self) -> App:
        """The application, with its token where it has one."""
        return App(Http(self.expected.address("app"), token=self.expected.app_token))

    @cached_property
    def grafana(self) -> Grafana:
        """Grafana, as our administrator."""
        auth = (self.expected.grafana_user, self.expected.grafana_password)
        return Grafana(Http(self.expected.address("grafana"), auth=auth))
