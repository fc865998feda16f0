"""Whom a command may ask about a running stack: by the published ports, or inside the containers of a remote engine."""

from __future__ import annotations

from collections.abc import Mapping
from json import dumps
from typing import Any
from urllib.parse import urlencode

from stack.checks.context import CheckContext
from stack.checks.near import near
from stack.clients.http import Answer, Http, HttpFailure
from stack.common.errors import StackError
from stack.common.moments import wall_clock
from stack.deploy.describe import Description
from stack.engine.interface import Engine
from stack.model.spec import container_name

SECONDS = 30.0
REFUSAL = "server returned error: HTTP/1.1 4"


def context_of(engine: Engine, description: Description) -> CheckContext:
    """The stack as a check sees it, for questions that are no checks."""
    remote = engine.info().remote
    expected = description.expectations(remote=remote, now=wall_clock())
    name = description.spec.name
    if remote:
        return _Inside(expected, engine=engine, stack=name)
    return CheckContext(expected, near=near(engine, name, fronted=expected.door is not None))


def address_of(engine: Engine, description: Description, component: str) -> str:
    """Where a component of an engine on this machine is asked; ``HttpFailure`` where it has no address just now."""
    address = description.addresses(remote=False)[component]
    found = near(engine, description.spec.name, fronted=bool(description.settings.front))
    return address if found is None else found.find(component, address)


class _Inside(CheckContext, frozen=True):
    """Asks from inside each component's own container, where no port of it can be reached."""

    engine: Engine | None = None
    stack: str = ""

    @property
    def asks_grafana(self) -> bool:
        """The program of its container knows no login."""
        return False

    def http(self, component: str) -> Http:
        """See ``CheckContext``."""
        port = self.expected.address(component).rpartition(":")[2]
        return _Through(
            f"http://127.0.0.1:{port}", engine=self.engine, container=container_name(self.stack, component)
        )


class _Through(Http, frozen=True):
    """An ``Http`` that asks by the container's own program, which knows GET, posted JSON, and no body of a refusal."""

    engine: Engine | None = None
    container: str = ""

    def call(
        self,
        method: str,
        path: str,
        *,
        expect: tuple[int, ...] = (200,),
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        data: Mapping[str, str] | None = None,
        json: Any = None,
    ) -> Answer:
        """See ``Http``; a refusal has its status line for a reason."""
        asked = urlencode({**(params or {}), **(data or {})})
        url = f"{self.base}{path}{f'?{asked}' if asked else ''}"
        if self.engine is None:
            raise HttpFailure(f"{method} {url}: cannot be asked inside a container")
        sent = (
            () if json is None else ("--header", "Content-Type: application/json", "--post-data", dumps(json))
        )
        try:
            ran = self.engine.execute(self.container, ("wget", "-q", "-O", "-", *sent, url), seconds=SECONDS)
        except StackError as error:
            raise HttpFailure(f"{method} {self.base}{path}: {error.message}") from error
        if ran.code == 0:
            return Answer(url, 200, ran.output)
        said = next(iter(ran.output.strip().splitlines()[-1:]), "no answer")
        if REFUSAL in said and 400 in expect:
            told = {"error": f"Prometheus refuses it: {said.rpartition('HTTP/1.1 ')[2]}"}
            return Answer(url, 400, dumps(told))
        raise HttpFailure(f"{method} {self.base}{path}: {said}")
