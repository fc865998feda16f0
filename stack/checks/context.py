"""Whom a check may ask: what is expected, and one client a component that keeps its connections between checks.

It opens and imports nothing before it is asked and must never be shared between two runs. Five wrong passwords lock a
name in Grafana, so our login is tried once a run, whatever the number of checks that need it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from msgspec.structs import replace

from stack.checks.model import Broken, Expected, Pairs
from stack.clients.http import Http
from stack.common.errors import StackError
from stack.engine.interface import Ran

if TYPE_CHECKING:
    from stack.clients.alertmanager import Alertmanager
    from stack.clients.app import App
    from stack.clients.grafana import Grafana
    from stack.clients.prometheus import Prometheus

Execute = Callable[[str, tuple[str, ...]], Ran]
"""Runs a command in the container of a component."""
ReadLog = Callable[[str, int], Iterable[str]]
"""The last lines that a component has written."""


class Near(Struct, frozen=True):
    """What the engine at hand tells of a stack that publishes one component alone.

    ``find``: where this machine reaches a component's address inside the stack's network. ``published``: which
    components are, with their place. ``read``: a file of a component's container, None where there is none.
    """

    find: Callable[[str, str], str]
    published: Callable[[], Pairs]
    read: Callable[[str, str], bytes | None]


class CheckContext(Struct, frozen=True, dict=True):
    """The stack as the checks see it; a client's address is a KeyError where the component is not part of it.

    ``kept``: what one check has found out and a later one of the same run may take, once. ``doors``: how a component is
    spoken to that has a login of others before it.
    """

    expected: Expected
    run_in: Execute | None = None
    kept: dict[str, Any] = field(default_factory=dict)
    read_log: ReadLog | None = None
    doors: Mapping[str, Http] = field(default_factory=dict)
    near: Near | None = None
    _door: threading.Lock = field(default_factory=threading.Lock)
    _logins: list[int] = field(default_factory=list)

    def execute(self, component: str, argv: tuple[str, ...]) -> Ran:
        """Runs a command in a component's container; only where the engine is at hand."""
        if self.run_in is None:
            raise Broken("the engine cannot be asked from here")
        return self.run_in(component, argv)

    def log_of(self, component: str, lines: int) -> tuple[str, ...]:
        """Its last lines; none where the engine is not at hand, or has no answer."""
        if self.read_log is None:
            return ()
        try:
            return tuple(self.read_log(component, lines))
        except StackError:
            return ()

    def base(self, component: str) -> str:
        """The component's base URL as it is reached from here; KeyError where it does not run."""
        told = self.expected.address(component)
        return told if self.near is None else self.near.find(component, told)

    def http(self, component: str) -> Http:
        """A new session with the component's address, without credentials of its own."""
        return self.doors.get(component) or Http(self.base(component))

    @cached_property
    def prometheus(self) -> Prometheus:
        """Prometheus."""
        from stack.clients.prometheus import Prometheus

        return Prometheus(self.http("prometheus"))

    @cached_property
    def alertmanager(self) -> Alertmanager:
        """Alertmanager."""
        from stack.clients.alertmanager import Alertmanager

        return Alertmanager(self.http("alertmanager"))

    @cached_property
    def app(self) -> App:
        """The application, with its token where it has one."""
        from stack.clients.app import App

        return App(replace(self.http("app"), token=self.expected.app_token))

    @property
    def asks_grafana(self) -> bool:
        """Whether Grafana runs and our questions get to it."""
        return self.expected.has("grafana")

    @cached_property
    def grafana(self) -> Grafana:
        """Grafana with our credentials, for what needs none; see ``administrator`` for the rest."""
        from stack.clients.grafana import Grafana

        auth = (self.expected.grafana_user, self.expected.grafana_password)
        return Grafana(replace(self.http("grafana"), auth=auth))

    def administrator(self) -> Grafana:
        """Grafana, once our login is known to work; ``Broken`` where it was refused, without another try."""
        with self._door:
            if not self._logins:
                self._logins.append(self.grafana.login_status())
        if self._logins[0] != 200:
            raise Broken(
                f"the login as {self.expected.grafana_user} was refused with {self._logins[0]}",
                "the password was changed (start repairs it) or wrong tries have locked the name for five minutes",
            )
        return self.grafana
