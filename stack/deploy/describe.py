"""From settings to the description of the stack: images resolved, files read, secrets at hand.

Reads files; it never changes anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from stack.common.errors import SettingsError, UsageError
from stack.common.moments import moment
from stack.components import BY_NAME, COMPONENTS, TABLE, assemble
from stack.components.addresses import outward
from stack.components.build import Build, Image
from stack.components.manifest import SecretSpec
from stack.config.cache import Cache
from stack.config.secret import Secret
from stack.config.settings import Settings
from stack.config.tree import Native, read_native
from stack.deploy.left_out import left_out
from stack.model.left_out import LeftOut
from stack.model.spec import ConfigFile, StackSpec, internal_addresses

if TYPE_CHECKING:
    from stack.checks.model import Door, Expected

LOGIN_TRIED = "default-login.json"
LOGIN_PAUSE = 300.0
"""Grafana counts wrong passwords over five minutes; one try in that time leaves four to the people."""


class Description(Struct, frozen=True, dict=True):
    """The description and what it was made of.

    ``check_image``: where checks run that must run inside the network. ``proven``: when the stack last was, if ever.
    """

    build: Build
    spec: StackSpec
    check_image: str = ""
    proven: str = ""

    @property
    def settings(self) -> Settings:
        """The settings that it follows."""
        return self.build.settings

    @cached_property
    def left_out(self) -> tuple[LeftOut, ...]:
        """Native files that no product gets, each with the reason."""
        running = (f for s in self.spec.services for f in (*s.files, *s.assets))
        return left_out(self.build, (*running, *(f for _, files in self.idle for f in files)))

    @property
    def idle(self) -> tuple[tuple[str, tuple[ConfigFile, ...]], ...]:
        """The files of components that do not run here; they are checked all the same."""
        others = [c for c in COMPONENTS if c.name not in self.spec.components]
        return tuple((c.name, c.files(self.build)) for c in others)

    def expectations(self, *, remote: bool, now: float, age: float = 0.0) -> Expected:
        """What the checks expect. Ports published here are asked there, a remote engine's from inside its network.

        With a gateway nothing else is published: then each is asked inside the network, from wherever that is.

        ``age``: seconds since the youngest container started.
        """
        from stack.checks.expect import expected

        login = next((c.login for c in COMPONENTS if c.login and c.name in self.spec.components), None)
        told = expected(
            self.spec,
            self.addresses(remote=remote),
            public=outward(self.settings, self.spec.components),
            grafana_password=self.build.secrets[login.secret].reveal() if login else "",
            app_token=self.build.secrets.get("app_token", Secret()).reveal(),
            probe_default_login=bool(login) and self._may_try_login(now),
            makes_load=self.settings["app.load"] != "off",
            age=age,
            proven=moment(self.proven),
            idle=self.idle,
        )
        return told if self._door is None else replace(told, door=self._door)

    @cached_property
    def _door(self) -> Door | None:
        front = self.settings.front
        if not front or front not in self.spec.components:
            return None
        from stack.components.gateway_door import door

        return door(self.build)

    def _may_try_login(self, now: float) -> bool:
        cache = Cache(self.settings.state)
        tried = cache.read(LOGIN_TRIED)
        if isinstance(tried, int | float) and 0 <= now - tried < LOGIN_PAUSE:
            return False
        cache.record(LOGIN_TRIED, now)
        return True

    def addresses(self, *, remote: bool) -> dict[str, str]:
        """Base URL of each component that can be asked."""
        if remote or self.settings.front:
            return dict(internal_addresses(self.spec))
        return {s.component: self.build.url(s.component) for s in self.spec.services if s.published}


def describe(
    settings: Settings,
    images: Mapping[str, Image],
    secrets: Mapping[str, str],
    absent: tuple[tuple[str, str], ...] = (),
    *,
    check_image: str = "",
    native: Native | None = None,
    only: frozenset[str] | None = None,
) -> Description:
    """Describes the stack of all wanted components that are not ``absent``; ``secrets`` are those of the stack.

    ``native``: the native files, where they were read already. ``only``: see ``Build``.
    """
    native = native or read_native(settings.config, settings.home)
    build = Build(
        settings=settings,
        images=images,
        tree=native.tree,
        secrets=secrets_in(settings, secrets),
        absent=absent,
        left_out=native.left_out,
        only=only,
    )
    return Description(build, assemble(build), check_image)


def secrets_of(settings: Settings) -> tuple[SecretSpec, ...]:
    """The secrets of all components that should run."""
    return tuple(spec for name in settings.components for spec in BY_NAME[name].secrets)


def secrets_in(settings: Settings, kept: Mapping[str, str]) -> dict[str, Secret]:
    """What this stack's components are told in confidence: the user's own where a setting names it."""
    found = {}
    for spec in secrets_of(settings):
        given = settings.file(spec.setting) if spec.setting else None
        if given is not None:
            found[spec.name] = read_secret(spec, given)
        elif spec.name in kept:
            found[spec.name] = Secret(kept[spec.name])
    return found


def read_secret(spec: SecretSpec, path: Path) -> Secret:
    """The secret in the client's file; ``SettingsError`` where it has none, never with its content."""
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not text"
        hint = f"put it there, or unset {TABLE.by_path[spec.setting].variable}"
        raise SettingsError(f"{spec.setting}: {path}: {reason}", hint=hint) from None
    if not spec.pattern.fullmatch(text):
        what = "it holds what it may not" if text else "it is empty"
        form = spec.form if spec.several_lines else f"one line: {spec.form}"
        raise SettingsError(f"{spec.setting}: {path}: {what}", hint=form)
    return Secret(text)


def asked_for(with_: Iterable[str], without: Iterable[str]) -> dict[str, str]:
    """The switches of a command line by component; an unknown name is a usage error."""
    chosen: dict[str, str] = {}
    for switch, names in (("on", with_), ("off", without)):
        for name in names:
            if name not in BY_NAME:
                raise UsageError(f"unknown component {name}", hint=f"one of {', '.join(BY_NAME)}")
            if chosen.setdefault(name, switch) != switch:
                raise UsageError(f"{name} is both wanted and left out", hint="choose one")
    if chosen.get("prometheus") == "off":
        raise UsageError("prometheus cannot be left out", hint="everything else is proven through it")
    return chosen
