"""The images of our own programs: named by what they are made of, rebuilt only when that changes."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from stack.common.errors import BuildFailed
from stack.images import wheels
from stack.images.debian import Ended
from stack.images.program_image import KEEP_SECONDS, ProgramBuilder
from stack.images.programs import APP, CHECKS, PACKAGE, PROGRAMS, Inputs, Program, read_inputs
from stack.images.wheels import Interpreter, gather
from stack.model.events import Progress
from tests.unit.images.image_doubles import Shelf, image

ROOT = Path(__file__).resolve().parents[3]
INPUTS = Inputs(APP, b"lock", (("stack/__init__.py", b""),))
CHANGED = Inputs(APP, b"lock", (("stack/__init__.py", b"new"),))
NOT_IN_AN_IMAGE = {"docker", "shtab", "python-dotenv"}

OF_A_WHOLE_PACKAGE = ("stack/dashboards/__init__.py", "stack/telemetry/__init__.py")
"""They name all of their package, of which the checks want one module, and load what they name when it is asked for."""


def silent(_: Progress) -> None:
    """Nobody listens."""


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Shelf:
    def install(arguments: Sequence[str]) -> Ended:
        target = next(a.removeprefix("--target=") for a in arguments if a.startswith("--target="))
        Path(target, "thing.py").write_text("x = 1")
        return Ended(0, "", "")

    monkeypatch.setattr(wheels.gather, "__defaults__", (install,))
    return Shelf({"base:1": image("base:1")}, versions={"python3": "3.14 x86_64"})


def build(shelf: Shelf, cache: Path, inputs: Inputs = INPUTS, now: float = 0.0) -> str:
    ProgramBuilder(shelf, cache, silent, lambda: now).build(inputs, "base:1")
    return inputs.name("id of base:1")


def test_the_same_inputs_give_the_same_name(shelf: Shelf, tmp_path: Path) -> None:
    name = build(shelf, tmp_path)
    assert name == f"monitoring-stack/app:{INPUTS.key('id of base:1')}"
    assert shelf.held[name].id == shelf.held["monitoring-stack/app:local"].id


def test_a_changed_source_rebuilds_only_its_own_layer(shelf: Shelf, tmp_path: Path) -> None:
    first = build(shelf, tmp_path)
    shelf.calls.clear()
    second = build(shelf, tmp_path, CHANGED)
    assert shelf.calls == [f"build {second}"]
    assert {first, second} <= set(shelf.held)


def test_a_checkout_without_a_cache_builds_on_packages_that_the_engine_has(
    shelf: Shelf, tmp_path: Path
) -> None:
    build(shelf, tmp_path)
    name = build(shelf, tmp_path / "of another checkout", CHANGED)
    assert name in shelf.held


def test_names_that_nobody_builds_any_more_go_after_a_day(shelf: Shelf, tmp_path: Path) -> None:
    first = build(shelf, tmp_path)
    shelf.calls.clear()
    second = build(shelf, tmp_path, CHANGED, now=KEEP_SECONDS + 1)
    assert first not in shelf.held
    assert second in shelf.held
    assert not [c for c in shelf.calls if "packages" in c], "the packages are still in use"


def test_the_context_holds_sources_and_packages_apart(shelf: Shelf, tmp_path: Path) -> None:
    build(shelf, tmp_path)
    packages, program = shelf.contexts.values()
    assert set(packages) == {"Dockerfile", "site/thing.py"}
    assert set(program) == {"Dockerfile", "stack/__init__.py"}
    assert b"USER 65534:65534" in program["Dockerfile"]


@pytest.mark.parametrize(
    "other",
    [
        Inputs(APP, b"other", INPUTS.sources),
        Inputs(APP, b"lock", (("stack/a.py", b""),)),
        Inputs(CHECKS, b"lock", INPUTS.sources),
    ],
)
def test_other_inputs_have_another_identity(other: Inputs) -> None:
    assert other.digest() != INPUTS.digest()
    assert INPUTS.key("base 1") != INPUTS.key("base 2")


def test_a_base_without_python_is_said(shelf: Shelf, tmp_path: Path) -> None:
    shelf.versions["python3"] = "failed: no such file"
    with pytest.raises(BuildFailed, match="python3 does not run"):
        build(shelf, tmp_path)


def test_a_missing_base_is_said(tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match="base:1 is not there"):
        build(Shelf(), tmp_path)


def test_wheels_are_chosen_for_the_interpreter_in_the_image() -> None:
    options = Interpreter("3.14", "aarch64").pip_options()
    assert {"--python-version=3.14", "--abi=cp314", "--abi=abi3", "--platform=manylinux_2_28_aarch64"} <= {
        *options
    }


def test_packages_are_gathered_once_and_with_hashes(tmp_path: Path) -> None:
    asked: list[Sequence[str]] = []

    def pip(arguments: Sequence[str]) -> Ended:
        asked.append(arguments)
        return Ended(0, "", "")

    for _ in range(2):
        gather(b"lock", Interpreter("3.14", "x86_64"), tmp_path, pip)
    assert len(asked) == 1
    assert {"--require-hashes", "--only-binary=:all:", "--no-deps"} <= set(asked[0])


def test_a_failed_gathering_leaves_nothing_and_repeats_pips_words(tmp_path: Path) -> None:
    def pip(arguments: Sequence[str]) -> Ended:
        return Ended(1, "", "WARNING: x\nERROR: No matching distribution found for thing==1\n")

    with pytest.raises(BuildFailed, match="No matching distribution found for thing==1"):
        gather(b"lock", Interpreter("3.14", "x86_64"), tmp_path, pip)
    assert list(tmp_path.iterdir()) == []


def package(folder: Path) -> Path:
    """A copy of this package and its lock files, as somebody works on it."""
    copy = shutil.copytree(PACKAGE, folder / "stack", ignore=shutil.ignore_patterns("__pycache__"))
    for program in PROGRAMS.values():
        shutil.copy(ROOT / program.lock, folder)
    return copy


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
@pytest.mark.parametrize(
    "name", ["x.py~", "x.py.orig", ".x.py.swp", "#x.py#", "__pycache__/x.cpython-311.pyc", "x y.py"]
)
def test_what_an_editor_leaves_is_no_part_of_a_program(tmp_path: Path, program: Program, name: str) -> None:
    copy = package(tmp_path)
    before = read_inputs(program, copy)
    for folder in {path.parent for path in copy.rglob("*.py")}:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("left over")
        (folder / ".#x.py").symlink_to("somebody@somewhere.1234")
    assert read_inputs(program, copy) == before


@pytest.mark.parametrize(
    ("program", "path", "changes"),
    [
        (APP, "cli/main.py", False),
        (APP, "checks/runner.py", False),
        (APP, "dashboards/slo.py", False),
        (APP, "app/http/server.py", True),
        (APP, "telemetry/catalogue.py", True),
        (APP, "__init__.py", True),
        (CHECKS, "cli/main.py", False),
        (CHECKS, "app/http/server.py", False),
        (CHECKS, "checks/runner.py", True),
    ],
)
def test_only_what_a_program_runs_changes_its_image(
    tmp_path: Path, program: Program, path: str, *, changes: bool
) -> None:
    copy = package(tmp_path)
    before = read_inputs(program, copy).digest()
    with (copy / path).open("a") as file:
        file.write("# a comment\n")
    assert (read_inputs(program, copy).digest() != before) is changes


def test_the_applications_image_holds_the_application() -> None:
    folders = {path.split("/")[1] for path, _ in read_inputs(APP).sources}
    assert folders == {"__init__.py", "app", "telemetry"}


@pytest.mark.parametrize(
    ("program", "words", "said"),
    [
        (APP, ("-m", "stack.app", "--help"), "--load"),
        (CHECKS, ("-m", "stack.components"), "give the one file that a prober wrote"),
        (
            CHECKS,
            ("-c", "import stack.checks.app as a; a.catalogue.__module__; import prometheus_client.parser"),
            "",
        ),
    ],
)
def test_a_program_needs_no_module_that_its_image_lacks(
    tmp_path: Path, program: Program, words: tuple[str, ...], said: str
) -> None:
    for path, content in read_inputs(program).sources:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    environ = {**os.environ, "PYTHONPATH": str(tmp_path)}
    ran = subprocess.run(
        [sys.executable, *words], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
    )
    assert said in ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_every_import_of_a_program_is_in_its_image(program: Program) -> None:
    """Imports inside functions too, which a start of the program does not reach."""
    sources = dict(read_inputs(program).sources)
    held = {name_of(path) for path in sources}
    for path, content in sources.items():
        if path in OF_A_WHOLE_PACKAGE:
            continue
        for node in ast.walk(ast.parse(content)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("stack"):
                named = {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
                assert named & held, f"{path} imports {node.module}"


def name_of(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_a_missing_lock_file_is_said(tmp_path: Path, program: Program) -> None:
    with pytest.raises(BuildFailed, match=rf"{program.lock} is missing"):
        read_inputs(program, tmp_path / "stack")


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_the_lock_files_serve_the_project(program: Program) -> None:
    document = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project, group = document["project"], document["dependency-groups"][f"{program.name}-image"]
    known = map(Requirement, [*project["dependencies"], *project["optional-dependencies"]["postgres"]])
    ranges = {requirement.name: requirement.specifier for requirement in known}
    locked, tried = (_locked((ROOT / name).read_text()) for name in (program.lock, "requirements-dev.lock"))
    for requirement in map(Requirement, group):
        assert ranges[requirement.name].contains(locked[requirement.name]), requirement
    assert locked.items() <= tried.items(), "an image holds the versions that the tests have run with"
    assert not NOT_IN_AN_IMAGE & set(locked)
    assert "index-url" not in (ROOT / program.lock).read_text()


def _locked(text: str) -> dict[str, str]:
    lines = [line for line in text.splitlines() if line[:1].isalnum()]
    assert text.count("--hash=sha256:") >= len(lines)
    return {line.partition("==")[0]: line.partition("==")[2].split()[0] for line in lines}


def test_an_installed_package_builds_the_same_images(tmp_path: Path) -> None:
    """A wheel, as packaging makes it, unpacked somewhere else."""
    source = tmp_path / "source"
    left_out = shutil.ignore_patterns(".*", "__pycache__", "tests", "docs")
    shutil.copytree(ROOT, source, ignore=left_out)
    (source / "stack" / "app" / "settings.py~").write_text("left over")
    built = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(built, cwd=source, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    for program in PROGRAMS.values():
        assert read_inputs(program, tmp_path / "installed" / "stack") == read_inputs(program)
    assert not list((tmp_path / "installed").rglob("*~"))
