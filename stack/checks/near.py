"""Where this machine reaches the components of a stack that publishes none of them: at the containers' own addresses.

An engine of this machine has its networks here. Where it has not, as in a virtual machine, the checks run inside.
"""

from __future__ import annotations

from typing import Any, cast

from stack.checks.context import Near
from stack.clients.http import HttpFailure
from stack.common.errors import StackError
from stack.engine.interface import Engine
from stack.model.spec import container_name


def near(engine: Engine, stack: str, *, fronted: bool) -> Near | None:
    """For a stack that is ``fronted`` by a gateway; None where its components are published."""
    if not fronted:
        return None
    inside = engine.info().remote

    def find(component: str, address: str) -> str:
        if inside or not address.startswith("http:"):
            return address
        return f"http://{_host(engine, stack, component)}:{address.rpartition(':')[2]}"

    def published() -> tuple[tuple[str, str], ...]:
        return tuple((c.component, c.published) for c in engine.observe(stack).containers if c.published)

    def read(component: str, path: str) -> bytes | None:
        return engine.read_file(container_name(stack, component), path)

    return Near(find, published, read)


def _host(engine: Engine, stack: str, component: str) -> str:
    name = container_name(stack, component)
    try:
        told = cast("dict[str, Any]", engine.inspect(name)).get("NetworkSettings") or {}
    except StackError as error:
        raise HttpFailure(f"{name} has no address: {error.message}") from error
    address = ((told.get("Networks") or {}).get(stack) or {}).get("IPAddress")
    if not address:
        raise HttpFailure(f"{name} has no address in network {stack}: it does not run, or was taken off it")
    return str(address)
