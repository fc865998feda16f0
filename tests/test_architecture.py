"""The shape of the code, enforced: sizes, who may import what, and that documents name only what exists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted((ROOT / "stack").rglob("*.py"))
MODULE_LINES, FUNCTION_LINES, POSITIONAL = 300, 40, 5

LAYERS: tuple[tuple[str, ...], ...] = (
    ("stack.cli", "stack.__main__"),
    ("stack.deploy", "stack.exports"),
    ("stack.components",),
    ("stack.checks", "stack.validation"),
    ("stack.images",),
    ("stack.engine", "stack.clients"),
    ("stack.config",),
    ("stack.model",),
    ("stack.common",),
)
"""Imports point down or sideways. ``stack.dashboards.queries`` and ``stack.telemetry.catalogue`` are vocabulary."""
OPEN_TO_ALL = ("stack.telemetry.catalogue", "stack.dashboards.queries", "stack.__version__")


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def inside(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(package + ".") for package in packages)


def layer(module: str) -> int | None:
    found = [
        i for i, names in enumerate(LAYERS) if any(module == n or module.startswith(n + ".") for n in names)
    ]
    return found[0] if found else None


def calls(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node.func)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_module_is_small_and_says_what_it_is(path: Path) -> None:
    tree = tree_of(path)
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MODULE_LINES
    assert ast.get_docstring(tree), "a module says what it is"
    for node in ast.walk(tree):
        assert not isinstance(node, ast.Assert), f"line {node.lineno}: an assertion vanishes under -O"
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < FUNCTION_LINES, f"{node.name} is too long"
            positional = [
                a.arg for a in (*node.args.posonlyargs, *node.args.args) if a.arg not in ("self", "cls")
            ]
            assert len(positional) <= POSITIONAL, f"{node.name} takes {positional}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_each_power_has_one_place(path: Path) -> None:
    where = path.relative_to(ROOT / "stack").as_posix()
    names = set(imports(path))
    if where != "engine/docker.py":
        assert not [n for n in names if n.split(".")[0] == "docker"], "the SDK belongs to engine/docker.py"
    if path.name != "settings.py":
        text = path.read_text(encoding="utf-8")
        assert "os.environ" not in text and "getenv(" not in text, "the environment belongs to settings"
    for line, call in calls(path):
        if where != "cli/printer.py":
            assert call != "print", f"line {line}: only the printer prints"
        if where != "common/wait.py":
            assert call not in ("time.sleep", "sleep"), f"line {line}: only wait sleeps"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_one_way(path: Path) -> None:
    module = name_of(path)
    ours = {n for n in imports(path) if n.startswith("stack.") and not n.startswith(OPEN_TO_ALL)}
    here = layer(module)
    if here is not None and module != "stack.checks.__main__":  # an entry point
        for name in ours:
            there = layer(name)
            assert there is None or there >= here, f"{module} must not import {name}"
        if here > 0:
            assert not [n for n in ours if n == "stack.app" or n.startswith("stack.app.")], (
                "the application is opaque"
            )
    if inside(module, "stack.app"):
        foreign = [n for n in ours if not inside(n, "stack.app", "stack.telemetry")]
        assert not foreign, f"the application knows nothing of the orchestrator: {foreign}"
    if inside(module, "stack.app.gates", "stack.app.tools", "stack.app.memory"):
        assert not [n for n in ours if inside(n, "stack.app.http")]
    if inside(module, "stack.telemetry"):
        assert not [n for n in ours if not inside(n, "stack.telemetry")]
    if inside(module, "stack.dashboards"):
        assert not [n for n in ours if not inside(n, "stack.dashboards", "stack.telemetry.catalogue")]


FOLDERS = "stack|tests|scripts|docs|prometheus|alertmanager|grafana|benchmarks|examples"
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.name)
def test_documents_name_what_exists(path: Path) -> None:
    from stack.cli.grammar import command_names

    text = path.read_text(encoding="utf-8")
    commands = set(command_names())
    for used in re.findall(r"DEPLOY_MONITORING_STACK\.sh (?!<)([a-z][a-z-]*)", text):
        assert used in commands, f"{path.name} names the unknown command {used}"
    for used in re.findall(r"`monitoring-stack ([a-z][a-z-]*)", text):
        assert used in commands, f"{path.name} names the unknown command {used}"
    for link in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", text):
        assert (path.parent / link).exists(), f"{path.name} links to the missing {link}"
    for named in re.findall(rf"`((?:{FOLDERS})/[\w./-]+)`", text):
        assert (ROOT / named).exists(), f"{path.name} names the missing {named}"
