"""What a probe asks that is named by a container or a port of the engine's machine: URL, and the network to join."""

from __future__ import annotations

import re

from msgspec.structs import replace

from stack.cli.session import Session
from stack.cli.target import around_of
from stack.common.errors import UsageError
from stack.components.blackbox import shipped
from stack.targets.addresses import machine, port
from stack.targets.containers import find, place, split

SCHEME = re.compile(r"(?:([a-z]+)://)?(/.*)?")
REMEDY = re.compile(r"target add (?:\S+ )?--(container|host)")
"""A remedy for a target; a probe takes the same options."""
PING = "icmp"


def url_of(session: Session) -> tuple[str, str]:
    """URL and network; the URL as it was given where it names its host itself, and no network then."""
    options = session.options
    given = [word for word in (options.container, options.host) if word]
    if len(given) == 2:
        raise UsageError("--container and --host are two ways to name one place", hint="give one of them")
    if options.network and not options.container:
        raise UsageError("--network chooses among the networks of a --container", hint="leave it out")
    if not given:
        if not options.url:
            raise UsageError("what should be asked?", hint="give a URL, --container C[:PORT] or --host PORT")
        return options.url, ""
    found = SCHEME.fullmatch(options.url or "")
    if found is None:
        hint = "beside it stand a path or a scheme: /health, https:///health, tcp://"
        raise UsageError(f"{options.url} and {given[0]}: one place, not two", hint=hint)
    scheme, path = found[1] or "", found[2] or ""
    ping = PING in (scheme, options.module)
    address, network = _container(session, ping) if options.container else (machine(options.host), "")
    return _joined(scheme, address.rpartition(":")[0] if ping else address, path, options.module), network


def _joined(scheme: str, address: str, path: str, module: str) -> str:
    """A URL; for a module that asks for no page the address alone."""
    if scheme or not module or shipped().get(module, {}).get("prober") == "http":
        return f"{scheme or 'http'}://{address}{path}"
    return f"{address}{path}"


def _container(session: Session, ping: bool) -> tuple[str, str]:
    """Address and network of a container; the labels on it are about its metrics, not about its service."""
    wanted, asked = split(session.options.container)
    around = around_of(session)
    found = find(wanted, around.everyone)
    number = port(asked) if asked else int(ping)
    try:
        where = place(replace(found, labels=()), around, port=number, network=session.options.network or "")
    except UsageError as error:
        error.hint = REMEDY.sub(rf"probe add {session.options.probe} --\1", error.hint)
        raise
    return where.address, where.network


def by_container(session: Session, url: str) -> str:
    """The command that asks the container whose name is the host of a URL; empty where there is none."""
    host = re.sub(r"^[a-z]+://", "", url).partition("/")[0].partition(":")[0]
    for one in session.engine.neighbours():
        if host in (one.name, one.service) and not one.component:
            return f"there is a container of that name: probe add {session.options.probe} --container {one.name}:PORT"
    return ""
