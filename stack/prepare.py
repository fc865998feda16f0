"""From settings to the description of the stack: images resolved, files read, secrets at hand.

Reads files and asks the engine for images; it never changes a container.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stack.components import assemble
from stack.components.build import Build, Image
from stack.errors import UsageError
from stack.render.tree import read_plotly, read_tree
from stack.settings import COMPONENTS, Settings
from stack.smoke.expect import expected
from stack.smoke.model import Expected
from stack.spec import StackSpec
from stack.state import GRAFANA_PASSWORD, State

LOGIN_TRIED = "default-login.json"
LOGIN_PAUSE = 300.0
"""Grafana counts wrong passwords over five minutes; one try in that time leaves four to the people."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """The description and what it was made of."""

    settings: Settings
    state: State
    build: Build
    spec: StackSpec

    @property
    def app_image(self) -> str:
        """The image that checks run in where they must run inside the stack's network; empty where there is none."""
        image = self.build.images.get("app")
        return image.ref if image else ""

    def expectations(self, *, remote: bool, now: float) -> Expected:
        """What the checks expect. Ports published here are asked there; a remote engine's from inside its network."""
        tried = self.state.read(LOGIN_TRIED)
        recently = isinstance(tried, int | float) and 0 <= now - tried < LOGIN_PAUSE
        if not recently and "grafana" in self.spec.components:
            self.state.record(LOGIN_TRIED, now)
        return expected(
            self.spec,
            self.addresses(remote=remote),
            grafana_password=self.build.secrets[GRAFANA_PASSWORD].reveal(),
            probe_default_login=not recently,
            makes_load=self.settings["app.load"] != "off",
        )

    def addresses(self, *, remote: bool) -> dict[str, str]:
        """Base URL of each component that can be asked."""
        if remote:
            return {s.component: f"http://{s.host}:{s.port}" for s in self.spec.services}
        return {s.component: self.build.url(s.component) for s in self.spec.services if s.published}


def prepare(
    settings: Settings, state: State, images: Mapping[str, Image], absent: tuple[tuple[str, str], ...] = ()
) -> Prepared:
    """Describes the stack of all wanted components that are not ``absent``."""
    build = Build(
        settings=settings,
        images=images,
        tree=read_tree(settings.config),
        secrets={GRAFANA_PASSWORD: state.secret(GRAFANA_PASSWORD)},
        plotly=read_plotly(),
        absent=absent,
    )
    return Prepared(settings, state, build, assemble(build))


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
