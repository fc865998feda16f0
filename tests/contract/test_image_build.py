"""The images that a start would run, as the engine really runs them, and packages as apt really verifies them.

The same tests hold for official images and for those built here: one description of a container must fit both.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from stack.common.errors import BuildFailed
from stack.components import CATALOG
from stack.engine.docker import connect
from stack.engine.interface import Engine, Job
from stack.images.debian import KEYRINGS, Debian
from stack.images.inventory import rows
from stack.images.local import LocalBuilder
from stack.images.pins import Pin
from stack.images.program_image import ProgramBuilder
from stack.images.programs import APP, read_inputs
from stack.images.resolved import Resolved
from stack.images.resolver import Images

pytestmark = pytest.mark.engine
CACHE = Path(__file__).resolve().parents[2] / ".stack" / "cache"
COMPONENTS = ("prometheus", "alertmanager", "node_exporter", "app", "checks")
STACK = "contract-images"
PROGRAMS = [
    ("prometheus", "/bin/prometheus"),
    ("prometheus", "/bin/promtool"),
    ("alertmanager", "/bin/alertmanager"),
    ("alertmanager", "/bin/amtool"),
    ("node_exporter", "/bin/node_exporter"),
]
FOLDERS = [("prometheus", "/prometheus"), ("alertmanager", "/alertmanager"), ("app", "/data")]


@pytest.fixture(scope="module")
def engine() -> Engine:
    return connect()


@pytest.fixture(scope="module")
def provided(engine: Engine) -> dict[str, Resolved]:
    return Images(engine, CACHE, CATALOG).provide(COMPONENTS)


def run(engine: Engine, image: Resolved, *argv: str) -> str:
    ran = engine.run(STACK, Job(image.id, argv))
    assert ran.code == 0, ran.output
    return ran.output.strip()


@pytest.mark.parametrize(("component", "program"), PROGRAMS)
def test_programs_are_where_the_official_images_have_them(
    engine: Engine, provided: dict[str, Resolved], component: str, program: str
) -> None:
    assert "version" in run(engine, provided[component], program, "--version")


@pytest.mark.parametrize(("component", "folder"), FOLDERS)
def test_data_folders_belong_to_the_user(
    engine: Engine, provided: dict[str, Resolved], component: str, folder: str
) -> None:
    assert run(engine, provided[component], "stat", "-c", "%u", folder) == str(65534)


@pytest.mark.parametrize("component", ["prometheus", "alertmanager", "node_exporter"])
def test_the_health_check_has_its_wget_and_nobody_is_root(
    engine: Engine, provided: dict[str, Resolved], component: str
) -> None:
    asked = engine.run(STACK, Job(provided[component].id, ("wget", "-q", "-O", "-", "http://127.0.0.1:1/")))
    assert asked.code == 1, "a refused connection, not a missing program (127)"
    assert run(engine, provided[component], "id", "-u") != "0"


def test_rows_tell_the_real_versions(engine: Engine, provided: dict[str, Resolved]) -> None:
    found = {row.component: row for row in rows(engine, provided.values(), CATALOG.pins)}
    assert all(row.version and row.size for row in found.values())
    assert found["prometheus"].pin == CATALOG.pins["prometheus"].version


def test_a_program_needs_nothing_that_its_image_lacks(engine: Engine, provided: dict[str, Resolved]) -> None:
    app = provided["app"]
    assert "--load" in run(engine, app, "python3", "-m", "stack.app", "--help")
    unasked = engine.run(STACK, Job(provided["checks"].id, ("python3", "-m", "stack.components")))
    assert "give the one file" in unasked.output
    imported = "import ssl; print(len(ssl.create_default_context().get_ca_certs()) > 50)"
    assert run(engine, app, "python3", "-c", imported) == "True"


def test_byte_code_is_in_the_image(engine: Engine, provided: dict[str, Resolved]) -> None:
    code = (
        "import importlib.util as u, os, stack, json, fastapi; "
        "print(all(os.path.isfile(u.cache_from_source(m.__file__)) for m in (stack, json, fastapi)))"
    )
    assert run(engine, provided["app"], "python3", "-c", code) == "True"


def test_a_changed_source_is_one_more_layer_on_the_same_packages(
    engine: Engine, provided: dict[str, Resolved], tmp_path: Path
) -> None:
    base = Images(engine, CACHE, CATALOG).present(("python",))["python"]
    if not base.available:
        pytest.fail("the application was built, yet its base is not there")
    said: list[str] = []
    program = replace(APP, name="contract-app")
    inputs = replace(read_inputs(APP), program=program, sources=(("stack/__init__.py", b"x = 1\n"),))
    builder = ProgramBuilder(engine, tmp_path, lambda p: None if p.passing else said.append(p.detail))
    try:
        image = builder.build(inputs, base.ref)
        told = engine.run(STACK, Job(image, ("python3", "-c", "import stack; print(stack.x)")))
        assert told.output.strip() == "1"
        assert said == ["adding the program", "built"]
    finally:
        engine.untag(program.local)
        engine.untag(inputs.name(base.id))


def test_a_local_build_runs_and_tells_its_version(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin = Pin(
        "contract_node_exporter",
        CATALOG.pins["node_exporter"].official,
        CATALOG.pins["node_exporter"].version_argv,
    )
    monkeypatch.setitem(CATALOG.pins, "node_exporter", pin)
    try:
        LocalBuilder(engine, tmp_path, CATALOG, lambda _: None).build(["node_exporter"])
        built = engine.image(pin.local)
        assert built is not None
        assert built.labels["monitoring-stack.version"][0].isdigit()
        assert built.labels["monitoring-stack.recipe"] == CATALOG.recipes["node_exporter"].digest()
        assert engine.image(f"monitoring-stack/{pin.component}:candidate") is None
    finally:
        engine.untag(pin.local)


def test_an_archive_signed_by_nobody_we_know_is_refused(tmp_path: Path) -> None:
    unknown = tmp_path / "nobody.gpg"
    unknown.touch()
    with pytest.raises(BuildFailed, match="apt-get update"):
        Debian(tmp_path / "root", "amd64", keyrings=(unknown,)).gather({"x": ("tzdata",)})
    assert any(path.is_file() for path in KEYRINGS)
