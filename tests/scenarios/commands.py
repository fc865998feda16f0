"""A stack through the real commands on the in-memory engine; only the products are absent, whose answers are told."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from stack.checks.check import Check
from stack.checks.context import CheckContext
from stack.checks.model import STAGES, Broken, Expected, Finding, Report, Stage
from stack.checks.runner import run, select
from stack.cli.grammar import parser
from stack.cli.main import _handler
from stack.cli.printer import Printer
from stack.clients.prometheus import Target
from stack.components import COMPONENTS, all_checks
from stack.config.cache import Cache
from stack.deploy.state import StateStore
from stack.engine.interface import Ran
from stack.model.events import Event
from stack.model.observed import Observed
from stack.model.spec import CONFIG_ROOT, CURRENT, container_name
from stack.model.state import StackState
from tests.fakes.engine.memory import MemoryEngine

ROOT = Path(__file__).resolve().parents[2]
NAME = "monitoring"
TREES = ("prometheus", "alertmanager", "grafana")


class Said(Printer):
    """Keeps the documents and lines instead of showing them."""

    def __init__(self) -> None:
        super().__init__(quiet=True)
        self.documents: list[Any] = []
        self.lines: list[str] = []

    def document(self, value: Any) -> None:
        """See ``Printer``."""
        self.documents.append(value)

    def raw(self, text: str) -> None:
        """See ``Printer``."""
        self.lines.append(text)


@dataclass
class Products:
    """What the products answer: all is well wherever the container runs, but for those that refuse their files."""

    engine: MemoryEngine
    refuse: set[str] = field(default_factory=set)
    asked: list[Expected] = field(default_factory=list)
    failing: set[str] = field(default_factory=set)
    """Names of checks that fail."""

    def run(
        self,
        expected: Expected,
        on_finding: Callable[[Finding], None] = lambda finding: None,
        *,
        stages: Sequence[Stage] = STAGES,
        names: Sequence[str] = (),
        tell: Callable[[Event], None] = lambda event: None,
        known: Sequence[Finding] = (),
    ) -> Report:
        """See ``Prober``."""
        self.asked.append(expected)
        due = [replace(c, run=self._answer(c)) for c in select(all_checks(), stages, names)]
        return run(due, expected, on_finding, known=known, run_in=lambda component, argv: Ran(0, ""))

    def _answer(self, check: Check) -> Callable[[CheckContext], str]:
        def ask(context: CheckContext) -> str:
            found = self.engine.find(container_name(context.expected.stack, check.component))
            if found is None or found.state != "running":
                raise Broken("connection refused")
            if check.component in self.refuse or check.name in self.failing:
                raise Broken(f"{check.component} refuses")
            return "as expected"

        return ask


@cache
def _grammar() -> argparse.ArgumentParser:
    """Grown once: it keeps nothing of what it has parsed."""
    return parser()


@dataclass
class Client:
    """One checkout on one machine: a folder with the settings, the files and the cache, and the commands."""

    engine: MemoryEngine
    home: Path
    monkeypatch: pytest.MonkeyPatch
    products: Products
    environ: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for folder in TREES:
            shutil.copytree(ROOT / folder, self.home / folder)

    def __call__(self, *words: str) -> int:
        """Runs one command to its exit code; errors of the program pass through."""
        return self.run(*words)[0]

    def run(self, *words: str) -> tuple[int, Said]:
        """The same with what was said."""
        said = Said()
        with self.monkeypatch.context() as patch:
            patch.setenv("STACK_HOME", str(self.home))
            for name, value in self.environ.items():
                patch.setenv(name, value)
            return self.command(said, *words), said

    @staticmethod
    def command(said: Said, *words: str) -> int:
        """One command in the environment as it is."""
        options = _grammar().parse_args(words, argparse.Namespace(began=None))
        return _handler(options.handler)(options, said)

    def plan(self, *words: str) -> list[tuple[str, str]]:
        """Verb and target of each step that ``start`` would take."""
        (document,) = self.run("plan", *words)[1].documents
        return [(step["verb"], step["target"]) for step in document["plan"]]

    def settings(self, text: str) -> None:
        """Writes stack.toml."""
        (self.home / "stack.toml").write_text(text)

    def edit(self, path: str, before: str = "", after: str = "\n# edited\n") -> None:
        """Changes a native file: ``before`` becomes ``after``; without ``before`` it is put at the end."""
        file = self.home / path
        text = file.read_text("utf-8")
        assert before in text
        file.write_text(text.replace(before, after) if before else text + after)

    @property
    def observed(self) -> Observed:
        """What the engine has of the stack."""
        return self.engine.observe(NAME)

    @property
    def state(self) -> StackState:
        """What the stack remembers."""
        return StateStore(self.engine, NAME, Cache(self.home / "nowhere")).now

    def ids(self) -> dict[str, str]:
        """Container ids by component."""
        return {c.component: c.id for c in self.observed.containers}

    def running(self) -> set[str]:
        """Components whose container runs."""
        return {c.component for c in self.observed.containers if c.running}

    def places(self) -> dict[str, str]:
        """Where each component is published."""
        return {c.component: c.published for c in self.observed.containers if c.published}

    def in_use(self, component: str, path: str) -> bytes | None:
        """What a component reads at ``path`` below the version in use."""
        return self.engine.read_file(container_name(NAME, component), f"{CONFIG_ROOT}/{CURRENT}/{path}")

    def files_in_use(self, component: str, folder: str) -> tuple[str, ...]:
        """Names in a folder of the version in use."""
        place = f"{CONFIG_ROOT}/{CURRENT}/{folder}".rstrip("/")
        found = self.engine.read_folder(container_name(NAME, component), place)
        return tuple(sorted(path for path in found if "/" not in path))


def machine(monkeypatch: pytest.MonkeyPatch, *, grafana: bool = False) -> Products:
    """An engine with the images of all components, behind every command from now on."""
    engine = MemoryEngine()
    products = Products(engine)
    for component in COMPONENTS:
        if component.pin is not None and (grafana or component.name != "grafana"):
            engine.hold(component.pin.official)
    engine.hold("mine/app:1")
    monkeypatch.setenv("STACK_APP_IMAGE", "mine/app:1")
    monkeypatch.setattr("stack.engine.docker.connect", lambda host, **more: engine)
    monkeypatch.setattr("stack.deploy.verify.prober_for", lambda *args, **more: products)
    monkeypatch.setattr("stack.components.grafana_hooks.reload_provisioning", lambda *args: None)
    monkeypatch.setattr("stack.cli.status._targets_here", _targets(products))
    return products


def _targets(products: Products) -> Callable[[Any, Any], tuple[Target, ...]]:
    def answer(engine: Any, description: Any) -> tuple[Target, ...]:
        products.asked.append(description.expectations(remote=False, now=0.0))
        return (Target("prometheus", "x", "up", ""),)

    return answer
