"""Fixtures of all tests: the engine, the images of this machine, the products' own tools in their images."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from stack.components import CATALOG, load
from stack.engine.docker import DockerEngine, connect
from stack.engine.interface import Job
from stack.images.resolver import Images
from stack.model.spec import ConfigFile

ROOT = Path(__file__).resolve().parent.parent
Tool = Callable[[list[str], dict[str, bytes]], "CompletedProcess[str]"]
STACK = "tools"


@pytest.fixture(scope="session")
def engine() -> DockerEngine:
    """The engine that tests may use; without one they fail, since nothing would be proven."""
    return connect()


@pytest.fixture(scope="session")
def image_of(engine: DockerEngine) -> Callable[[str], str]:
    """The reference of a component's image, pulled or built where it is missing."""

    def resolve(component: str) -> str:
        cache = load({}, environ={}, project=ROOT).cache
        return Images(engine, cache, CATALOG).provide((component,))[component].ref

    return resolve


def _run(
    engine: DockerEngine, image: str, tool: str, args: list[str], files: dict[str, bytes]
) -> CompletedProcess[str]:
    command = ("/bin/sh", "-c", 'cd /work && exec "$@"', "sh", tool, *args)
    given = tuple(ConfigFile(path, content) for path, content in files.items())
    ran = engine.run(STACK, Job(image, command, given, "/work"))
    return CompletedProcess([tool, *args], ran.code, ran.output, "")


@pytest.fixture(scope="session")
def promtool(engine: DockerEngine, image_of: Callable[[str], str]) -> Tool:
    """promtool in a container of Prometheus' image; files are put below /work, where it runs."""
    return partial(_run, engine, image_of("prometheus"), "/bin/promtool")


@pytest.fixture(scope="session")
def amtool(engine: DockerEngine, image_of: Callable[[str], str]) -> Tool:
    """amtool likewise, in Alertmanager's image."""
    return partial(_run, engine, image_of("alertmanager"), "/bin/amtool")
