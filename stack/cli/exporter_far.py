"""Exporters on further hosts: what their engines say, and that they run what is described."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from stack.cli.exporter_files import Wish
from stack.cli.hosts import build_of, ways
from stack.cli.session import Session
from stack.common.errors import StackError, UsageError
from stack.components.exporters.on_hosts import onboard
from stack.components.exporters.server import LAST_PORT, Server
from stack.components.hosts import FarHost, files, hosts, stack_of
from stack.deploy.describe import Description
from stack.deploy.hosts import Place, Round, converge, place_of
from stack.engine.interface import Engine
from stack.model.spec import container_name

T = TypeVar("T")


def check_free(session: Session, wish: Wish) -> None:
    """``UsageError`` for a port that another exporter of that host has."""
    host, build = host_of(session, wish.on), session.described(provide=False).build
    taken = {host.port: "node_exporter", **{one.port: one.service for one in onboard(build, wish.on)}}
    port = wish.on_port or wish.kind.port
    if port in taken:
        free = next(one for one in range(port, LAST_PORT + 1) if one not in taken)
        raise UsageError(f"port {port} of {wish.on} is that of {taken[port]} there", hint=f"--port {free}")


def host_of(session: Session, name: str) -> FarHost:
    """The host of that name; ``UsageError`` where no usable file names it."""
    tree = session.native.tree
    found = next((host for host in hosts(tree) if host.name == name), None)
    if found is None:
        raise UsageError(
            f"no host is called {name}", hint=f"there are: {', '.join(files(tree).values()) or 'none'}"
        )
    return found


def there(session: Session, name: str, work: Callable[[Engine], T]) -> T:
    """What a host's engine answers; the error of one that does not names the host."""
    return _asked(session, host_of(session, name), lambda _, far: work(far))


def brought(session: Session, description: Description, name: str) -> None:
    """The host has what is described; ``StackError`` says why not."""
    host, build, way = host_of(session, name), build_of(session, description, provide=True), ways(session)
    _asked(session, host, lambda _, far: converge(build, host, far, way))


def log_there(session: Session, server: Server, service: str, lines: int) -> tuple[str, ...]:
    """The last lines of an exporter's log on its host."""
    name = container_name(stack_of(session.name, server.on), service)
    return there(session, server.on, lambda far: far.logs(name, lines))


def _asked(session: Session, host: FarHost, work: Callable[[Place, Engine], T]) -> T:
    (found,) = Round([place_of(host)], work, ways(session), session.name).outcomes()
    if found.error is not None or found.value is None:
        error = found.error or StackError("no answer")
        error.message = f"host {host.name}: {error.message}"
        raise error
    return found.value
