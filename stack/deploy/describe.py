"""From settings to the description of the stack: images resolved, files read, secrets at hand.

Reads files and asks the engine for images; it never changes a container.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stack.common.errors import SettingsError, UsageError
from stack.components import COMPONENTS as MODULES
from stack.components import assemble
from stack.components.build import Build, Image
from stack.config.settings import COMPONENTS, Settings
from stack.config.state import APP_TOKEN, GRAFANA_PASSWORD, POSTGRES_PASSWORD, Secret, State
from stack.config.tree import read_plotly, read_tree
from stack.model.spec import ConfigFile, StackSpec, internal_addresses

if TYPE_CHECKING:
    from stack.checks.model import Expected

LOGIN_TRIED = "default-login.json"
LOGIN_PAUSE = 300.0
"""Grafana counts wrong passwords over five minutes; one try in that time leaves four to the people."""

TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""What fits behind ``Bearer`` in a header (RFC 6750, 2.1)."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """The description and what it was made of."""

    settings: Settings
    state: State
    build: Build
    spec: StackSpec

    @property
    def idle(self) -> tuple[tuple[str, tuple[ConfigFile, ...]], ...]:
        """The files of components that do not run here; they are checked all the same."""
        others = {name: c for name, c in MODULES.items() if name not in self.spec.components}
        return tuple((name, component.files(self.build)) for name, component in others.items())

    def expectations(self, *, remote: bool, now: float) -> Expected:
        """What the checks expect. Ports published here are asked there; a remote engine's from inside its network."""
        from stack.checks.expect import expected

        tried = self.state.read(LOGIN_TRIED)
        recently = isinstance(tried, int | float) and 0 <= now - tried < LOGIN_PAUSE
        if not recently and "grafana" in self.spec.components:
            self.state.record(LOGIN_TRIED, now)
        return expected(
            self.spec,
            self.addresses(remote=remote),
            grafana_password=self.build.secrets[GRAFANA_PASSWORD].reveal(),
            app_token=self.build.secrets.get(APP_TOKEN, Secret()).reveal(),
            probe_default_login=not recently,
            makes_load=self.settings["app.load"] != "off",
        )

    def addresses(self, *, remote: bool) -> dict[str, str]:
        """Base URL of each component that can be asked."""
        if remote:
            return dict(internal_addresses(self.spec))
        return {s.component: self.build.url(s.component) for s in self.spec.services if s.published}


def prepare(
    settings: Settings, state: State, images: Mapping[str, Image], absent: tuple[tuple[str, str], ...] = ()
) -> Prepared:
    """Describes the stack of all wanted components that are not ``absent``."""
    build = Build(
        settings=settings,
        images=images,
        tree=read_tree(settings.config),
        secrets=_secrets(settings, state),
        plotly=read_plotly(),
        absent=absent,
    )
    return Prepared(settings, state, build, assemble(build))


def _secrets(settings: Settings, state: State) -> dict[str, Secret]:
    """What this stack's components are told in confidence; ours are made where there is none yet."""
    secrets = {GRAFANA_PASSWORD: state.secret(GRAFANA_PASSWORD)}
    if "postgres" in settings.components:
        secrets[POSTGRES_PASSWORD] = state.secret(POSTGRES_PASSWORD)
    if settings.token_file is not None:
        secrets[APP_TOKEN] = read_token(settings.token_file)
    return secrets


def read_token(path: Path) -> Secret:
    """The bearer token in the client's file; ``SettingsError`` where it has none, never with its content."""
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not text"
        raise SettingsError(
            f"app.token_file: {path}: {reason}", hint="put the token there, or unset STACK_APP_TOKEN_FILE"
        ) from None
    if not TOKEN.fullmatch(text):
        what = "it holds what no header can carry" if text else "it is empty"
        raise SettingsError(
            f"app.token_file: {path}: {what}",
            hint="one line of letters, digits and -._~+/ (openssl rand -hex 32)",
        )
    return Secret(text)


def chosen(with_: list[str], without: list[str]) -> frozenset[str]:
    """The components that a command line leaves out; an unknown name is a usage error."""
    for name in (*with_, *without):
        if name not in COMPONENTS:
            raise UsageError(f"unknown component {name}", hint=f"one of {', '.join(COMPONENTS)}")
    if both := set(with_) & set(without):
        raise UsageError(f"{', '.join(sorted(both))} is both wanted and left out", hint="choose one")
    if "prometheus" in without:
        raise UsageError("prometheus cannot be left out", hint="everything else is proven through it")
    return frozenset(without)
