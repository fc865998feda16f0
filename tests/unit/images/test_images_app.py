"""The application's image: named by what it is made of, rebuilt only when that changes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from stack.common.errors import BuildFailed
from stack.images import wheels
from stack.images.app import KEEP_SECONDS, AppBuilder
from stack.images.app_inputs import AppInputs, read_inputs
from stack.images.debian import Ended
from stack.images.wheels import Interpreter, gather
from stack.model.events import Progress
from tests.unit.images.image_doubles import Shelf, image

ROOT = Path(__file__).resolve().parents[3]
INPUTS = AppInputs(b"lock", (("stack/__init__.py", b""),))
CHANGED = AppInputs(b"lock", (("stack/__init__.py", b"new"),))
NOT_IN_THE_IMAGE = {"docker", "plotly", "shtab"}


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


def build(shelf: Shelf, cache: Path, inputs: AppInputs = INPUTS, now: float = 0.0) -> str:
    AppBuilder(shelf, cache, silent, lambda: now).build(inputs, "base:1")
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
    "other", [AppInputs(b"other", INPUTS.sources), AppInputs(b"lock", (("stack/a.py", b""),))]
)
def test_other_inputs_have_another_identity(other: AppInputs) -> None:
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


def test_sources_are_read_without_caches_and_configuration(tmp_path: Path) -> None:
    package = tmp_path / "stack"
    for name in ("a.py", "sub/b.html", "__pycache__/a.pyc", "bundle/prometheus/p.yml", ".hidden"):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(name)
    (tmp_path / "requirements-app.lock").write_bytes(b"L")
    found = read_inputs(package)
    assert found == AppInputs(b"L", (("stack/a.py", b"a.py"), ("stack/sub/b.html", b"sub/b.html")))


def test_a_missing_lock_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match=r"requirements-app\.lock is missing"):
        read_inputs(tmp_path / "stack")


def test_the_lock_file_serves_the_project(pytestconfig: pytest.Config) -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = map(Requirement, [*project["dependencies"], *project["optional-dependencies"]["app"]])
    lock = (ROOT / "requirements-app.lock").read_text()
    lines = [line for line in lock.splitlines() if line[:1].isalnum()]
    locked = {line.partition("==")[0]: line.partition("==")[2].split()[0] for line in lines}
    for requirement in wanted:
        if requirement.name not in NOT_IN_THE_IMAGE:
            assert requirement.specifier.contains(locked[requirement.name]), requirement
    assert "index-url" not in lock
    assert not NOT_IN_THE_IMAGE & set(locked)
    assert lock.count("--hash=sha256:") >= len(lines)
