"""What a kind of exporter is: its component, what its servers' files may say, and what one container is told.

Data types and small helpers. Every kind has one container a server, so that names and networks of one never meet those
of another, and a password is known to one process alone.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING

from msgspec import Struct

from stack.components.build import HOST_GATEWAY, MIB, Build
from stack.components.exporters.server import Form, Server, servers
from stack.components.manifest import Checks, Component
from stack.engine.interface import ImageConfig
from stack.images.pins import Line, Pin
from stack.images.recipes import COMMON, NOBODY_USER, Recipe
from stack.model.outer import OuterNetwork
from stack.model.spec import CONFIG_ROOT, CURRENT, NOBODY, SECRETS, ConfigFile, Health, Mount, ServiceSpec

if TYPE_CHECKING:
    from stack.checks.check import Check

MEMORY = 64 * MIB
CPUS = 0.5
LOOKED_UP, RENEW_BY = date(2026, 11, 26), date(2027, 2, 28)


class Told(Struct, frozen=True):
    """What one container is told of its server; ``secrets`` are texts by file name, for its user alone."""

    command: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()
    secrets: tuple[tuple[str, str], ...] = ()
    files: tuple[ConfigFile, ...] = ()
    mounts: tuple[Mount, ...] = ()


class Packaged(Struct, frozen=True):
    """Its official image, Debian's package (empty: there is none), and the path of the program in the image."""

    image: str
    package: str
    program: str
    series: str

    def pin(self, component: str) -> Pin:
        """The official image."""
        line = Line(self.series, "only the newest release is kept", LOOKED_UP, RENEW_BY)
        return Pin(component, self.image, (self.program, "--version"), line=line)

    def recipe(self, port: int) -> Recipe:
        """How it is made of Debian's package."""
        inside = self.program.lstrip("/")
        moved = (f"usr/bin/{self.package}", f"usr/{inside}" if inside.startswith("bin/") else inside)
        return Recipe(
            (*COMMON, self.package),
            self.package,
            ImageConfig((self.program,), user=NOBODY_USER, ports=(port,)),
            moves=(moved,),
        )


class Kind(Struct, frozen=True):
    """One kind of exporter. ``up`` is the metric that is 1 while the server answers, empty where there is none.

    ``says`` is one whose label ``err`` tells why it does not, where the exporter's log does not tell.

    ``title`` is what people call the servers; ``tell`` says what a container is told; ``health`` is its command.
    """

    form: Form
    title: str
    purpose: str
    port: int
    packaged: Packaged
    tell: Callable[[Server], Told]
    health: tuple[str, ...]
    up: str = ""
    says: str = ""
    dashboard: str = ""

    @property
    def name(self) -> str:
        """The component's name."""
        return self.form.component

    @property
    def component(self) -> Component:
        """Its manifest."""
        return Component(
            name=self.name,
            title=self.name,
            purpose=self.purpose,
            service=None,
            several=self.services,
            port=self.port,
            http=False,
            pin=self.packaged.pin(self.name),
            recipe=(lambda: self.packaged.recipe(self.port)) if self.packaged.package else None,
            memory=MEMORY,
            cpus=CPUS,
            switch="needed",
            needed=self.form.needed,
            dashboards=(self.dashboard or self.form.word,),
            checks=self.checks,
        )

    def services(self, build: Build) -> tuple[ServiceSpec, ...]:
        """One container for each server whose exporter runs here."""
        return tuple(self.service(build, server) for server in servers(build, self.form) if not server.on)

    def service(self, build: Build, server: Server) -> ServiceSpec:
        """The container of one server's exporter."""
        told, name = self.tell(server), self.form.service(server)
        secrets = tuple(
            ConfigFile(f"{SECRETS}/{file}", text.encode(), 0o400, NOBODY, True, server.secret_file)
            for file, text in told.secrets
        )
        files = (*told.files, *secrets)
        mounts = (build.config_mount(name),) if files else ()
        return self.component.container(
            build,
            component=name,
            health=Health(self.health),
            entrypoint=(self.packaged.program,),
            command=told.command,
            environment=told.environment,
            mounts=(*mounts, *told.mounts),
            files=files,
            extra_hosts=HOST_GATEWAY,
            networks=tuple(OuterNetwork(name, server.origin) for name in server.networks),
        )

    def checks(self) -> Checks:
        """That each server answers its exporter."""
        from stack.checks.exporters import answered

        found: tuple[Check, ...] = (answered(self.name, self.title, self.up),) if self.up else ()
        return Checks(found)


def secret_at(file: str) -> str:
    """Where a container finds a secret."""
    return f"{CONFIG_ROOT}/{CURRENT}/{SECRETS}/{file}"


def runnable(program: str) -> tuple[str, ...]:
    """For an official image that holds the program alone: that it can be run; the target tells the rest."""
    return ("CMD", program, "--version")
