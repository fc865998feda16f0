"""The shape of the code, enforced: sizes, powers with one place, imports, and that documents name only what exists."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted((ROOT / "stack").rglob("*.py"))
MODULE_LINES, FUNCTION_LINES, POSITIONAL = 300, 40, 5


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


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
    if path.name != "settings.py":
        text = path.read_text(encoding="utf-8")
        assert "os.environ" not in text and "getenv(" not in text, "the environment belongs to settings"
    for line, call in calls(path):
        if where != "cli/printer.py":
            assert call != "print", f"line {line}: only the printer prints"
        if where != "common/wait.py":
            assert call not in ("time.sleep", "sleep"), f"line {line}: only wait sleeps"


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    """What import-linter says of a tree by the contracts in pyproject.toml."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    return subprocess.run(
        command,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_imports_keep_all_contracts() -> None:
    ran = lint_imports(ROOT)
    assert ran.returncode == 0, ran.stdout
    assert " 0 broken" in ran.stdout


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("deploy/execute", "import stack.cli.printer", "The orchestrator"),
        ("deploy/execute", "import stack.exports.compose", "The orchestrator"),
        ("checks/model", "from stack.checks.context import CheckContext", "No module imports itself"),
        ("app/alerts", "import stack.common.wait", "The application knows telemetry"),
        ("checks/app", "import stack.app.settings", "The orchestrator knows nothing of the application"),
        ("app/gates/url", "import stack.app.http.server", "What the application does"),
        ("telemetry/series", "import stack.common.errors", "Telemetry stands alone"),
        ("checks/app", "import stack.telemetry.recorders", "Of telemetry others use the catalogue"),
        ("dashboards/slo", "import stack.common.errors", "Dashboards know the catalogue only"),
        ("checks/panels", "import stack.dashboards.slo", "Of dashboards others use the queries"),
        ("deploy/execute", "import stack.engine.archive", "Of the engine others use the interface"),
        ("engine/convert", "import docker", "The Docker SDK"),
        ("cli/printer", "import rich.console", "rich is imported in one module"),
        ("clients/app", "import requests", "requests speaks"),
        ("clients/exposition", "import prometheus_client", "prometheus_client is of telemetry"),
        ("checks/panels", "import promql_parser", "PromQL is parsed in one module"),
        ("cli/monitor", "import uvicorn", "What serves the application"),
        ("cli/grammar", "import shtab", "Tools of one command"),
        ("cli/printer", "def late():\n    import rich.live", "rich is imported in one module"),
    ],
)
def test_a_forbidden_import_breaks_its_contract(
    tmp_path: Path, module: str, line: str, contract: str
) -> None:
    shutil.copytree(ROOT / "stack", tmp_path / "stack", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / "stack" / f"{module}.py").open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")
    ran = lint_imports(tmp_path)
    assert ran.returncode == 1
    broken = " ".join(ran.stdout.partition("Broken contracts")[2].split())
    assert contract in broken


def test_a_folder_without_a_layer_is_noticed(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "stack", tmp_path / "stack", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "stack" / "novelty").mkdir()
    (tmp_path / "stack" / "novelty" / "__init__.py").write_text("")
    ran = lint_imports(tmp_path)
    assert ran.returncode == 1
    assert "novelty" in ran.stdout


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
    for named in re.findall(r"\bbenchmarks\.([a-z_]+)", text):
        assert (ROOT / f"benchmarks/{named}.py").exists(), f"{path.name} names the missing benchmark {named}"
