"""Exporters that run on further hosts, as the files of their servers say. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from stack.components.build import Build
from stack.components.exporters.kind import Kind
from stack.components.exporters.kinds import KINDS
from stack.components.exporters.server import Server, servers
from stack.components.own_toml import Wrong, parsed


class Onboard(Struct, frozen=True):
    """One exporter on a further host, and the server that it watches."""

    kind: Kind
    server: Server

    @property
    def service(self) -> str:
        """What its container is called there."""
        return self.kind.form.service(self.server)

    @property
    def port(self) -> int:
        """Where it is published there."""
        return self.server.on_port or self.kind.port


def onboard(build: Build, host: str = "") -> tuple[Onboard, ...]:
    """Those on one host; without its name those on all."""
    return tuple(one for one in _all(build) if host in ("", one.server.on))


def _all(build: Build) -> Iterator[Onboard]:
    for kind in KINDS:
        if kind.name in build.present:
            yield from (Onboard(kind, server) for server in servers(build, kind.form) if server.on)


def named(tree: Mapping[str, bytes]) -> Iterator[str]:
    """The services that files of servers put on further hosts, whether they can be used or not."""
    yield from (kind.form.service(Server(name, "")) for kind, name, _ in _told(tree))


def serving(tree: Mapping[str, bytes], host: str) -> Iterator[tuple[str, str]]:
    """Kind and name of the servers whose files put their exporters on one host."""
    yield from ((kind.form.word, name) for kind, name, on in _told(tree) if on == host)


def _told(tree: Mapping[str, bytes]) -> Iterator[tuple[Kind, str, object]]:
    for kind in KINDS:
        for path, name in kind.form.files(tree).items():
            try:
                told = parsed(tree[path])
            except Wrong:
                continue
            if told.get("on"):
                yield kind, name, told["on"]
