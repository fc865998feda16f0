"""What a component is: one frozen manifest that says everything about it; all tables follow from it.

Data types and small helpers. Checks and repairs are named by functions that import them when they are needed, since
most commands need none.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from stack.components.build import Build
from stack.components.places import Place
from stack.config.table import Setting, Switch, Tree, Unit, never
from stack.model.spec import ConfigFile, Limits, Port, ServiceSpec
from stack.model.volumes import VolumeKind

if TYPE_CHECKING:
    from stack.checks.check import Check
    from stack.components.hooks import Hooks
    from stack.images.pins import Pin
    from stack.images.recipes import Recipe


class SecretSpec(Struct, frozen=True):
    """A secret by name. ``setting`` names the file in which the user may give it.

    ``generated``: one is made where none is given. ``pattern`` is what it must look like, ``form`` says so in words.
    """

    name: str
    setting: str = ""
    generated: bool = True
    pattern: re.Pattern[str] = re.compile(r"[^\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?")
    form: str = "one line of text"
    several_lines: bool = False


class Data(Struct, frozen=True):
    """What a component keeps in its data volume. ``at_end``: it writes all of it only when it ends.

    ``dump``: what a running one is asked to write itself down with, to ``DUMP`` in its volume; it is taken in place of
    its files. ``version_file``: the file in its folder with the major version of what lies there, which no other one
    opens; ``version_argv`` asks an image for its own.
    """

    kind: VolumeKind = "files"
    at_end: bool = False
    dump: tuple[str, ...] = ()
    version_file: str = ""
    version_argv: tuple[str, ...] = ()


class Login(Struct, frozen=True):
    """The user of a component's web interface and the name of the secret that is the password."""

    user: str
    secret: str


class Checks(Struct, frozen=True):
    """What a component proves. ``after_change``: names of the checks that prove a step on it."""

    all: tuple[Check, ...] = ()
    after_change: tuple[str, ...] = ()


def no_files(build: Build) -> tuple[ConfigFile, ...]:
    """For a component that is told everything by its arguments."""
    del build
    return ()


def no_checks() -> Checks:
    """For a component whose own health command says all."""
    return Checks()


def nothing_special() -> Hooks:
    """For a component that needs no help of ours while it runs."""
    from stack.components.hooks import Hooks

    return Hooks()


def no_words(files: tuple[ConfigFile, ...]) -> tuple[str, ...]:
    """For a tool that is told everything by its own words."""
    del files
    return ()


def fine(files: tuple[ConfigFile, ...]) -> None:
    """For files about which there is no rule of ours."""
    del files


class Component(Struct, frozen=True):
    """One component of the stack.

    ``name`` is its identity in settings, labels and files (``prometheus/scrape/NAME.yml``, ``rules/NAME-*.yml``);
    ``title`` is what people call it, ``purpose`` a line about it. ``port`` is its own, over which it speaks ``http``
    or not, ``publish`` the default one on this machine. ``pin`` is its official image, None where it is one of our own
    programs; ``recipe`` builds it here of distribution packages. ``memory`` is in bytes. ``serves``: it runs only
    beside one of these. ``needed`` tells, with the switch of that name, whether files of the user's need it.
    ``places`` are folders that users may fill. ``dashboards`` are about it, by uid. ``tool`` checks its files in a
    container of its image, with the further ``tool_words`` that follow from the files; ``check_files`` applies rules of
    ours. ``instead`` says what stands in while its image cannot be had; ``keeps`` what a backup must hold, which
    ``data`` tells how to take. ``fronts``: people reach the others through it. ``several``, in place of ``service``: it
    has a container for each thing that the user's files name, called ``NAME-THING``.
    """

    name: str
    title: str
    purpose: str
    service: Callable[[Build], ServiceSpec] | None
    port: int
    pin: Pin | None
    memory: int
    http: bool = True
    cpus: float = 1.0
    publish: int | None = None
    switch: Switch = "on"
    needed: Callable[[Tree], bool] = never
    serves: tuple[str, ...] = ()
    start_seconds: float = 0.1
    settings: tuple[Setting, ...] = ()
    secrets: tuple[SecretSpec, ...] = ()
    files: Callable[[Build], tuple[ConfigFile, ...]] = no_files
    places: tuple[Place, ...] = ()
    dashboards: tuple[str, ...] = ()
    tool: tuple[str, ...] = ()
    tool_words: Callable[[tuple[ConfigFile, ...]], tuple[str, ...]] = no_words
    check_files: Callable[[tuple[ConfigFile, ...]], None] = fine
    recipe: Callable[[], Recipe] | None = None
    checks: Callable[[], Checks] = no_checks
    hooks: Callable[[], Hooks] = nothing_special
    login: Login | None = None
    instead: str = ""
    keeps: str = ""
    data: Data | None = None
    fronts: bool = False
    several: Callable[[Build], tuple[ServiceSpec, ...]] | None = None

    def services(self, build: Build) -> tuple[ServiceSpec, ...]:
        """Its containers."""
        if self.several is not None:
            return self.several(build)
        return (self.service(build),) if self.service else ()

    @property
    def unit(self) -> Unit:
        """What the settings need to know of it."""
        return Unit(
            name=self.name,
            publish=self.publish,
            switch=self.switch,
            needed=self.needed,
            serves=self.serves,
            settings=self.settings,
            start_seconds=self.start_seconds,
            dashboards=self.dashboards,
            fronts=self.fronts,
            inside=self.port,
            own_login=self.login is not None,
        )

    def limits(self, build: Build) -> Limits:
        """Its limits, as the settings have them."""
        values = build.settings.values
        memory = values.get(f"{self.name}.limits.memory") or self.memory
        return Limits(memory=memory, cpus=values.get(f"{self.name}.limits.cpus") or self.cpus)

    def container(self, build: Build, **own: Any) -> ServiceSpec:
        """Its description: what every component has, and ``own`` fields of ``ServiceSpec``."""
        image = build.images[self.name]
        settings = build.settings
        told = ServiceSpec(
            component=self.name,
            image=image.ref,
            image_id=image.id,
            port=self.port,
            limits=self.limits(build),
            published=Port(self.port, settings.port(self.name), settings.bind)
            if settings.publishes(self.name)
            else None,
            files=self.files(build),
            log=(str(settings["log.max_size"]), int(settings["log.max_files"])),
            ready_path=own.pop("ready_path", ""),
            health=own.pop("health"),
        )
        return replace(told, **own)
