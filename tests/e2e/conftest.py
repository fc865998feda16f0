"""Stacks that end with their tests, and a Grafana: a real image where the engine has one, else the stand-in."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import docker
import pytest
from docker.errors import ImageNotFound

from stack.components import CATALOG
from tests.e2e.stack_command import ROOT, Stack
from tests.grafana_standin.image import Builds, build_image

REAL = CATALOG.pins["grafana"].official
Make = Callable[..., Stack]


@pytest.fixture(scope="session")
def grafana_image(image_of: Callable[[str], str]) -> str:
    """The reference of an image that behaves like the pinned Grafana."""
    client = docker.from_env()
    try:
        client.images.get(REAL)
    except ImageNotFound:
        base = image_of("python")
        with one_at_a_time("grafana-image"):
            return build_image(cast(Builds, client.api), base=base)
    return REAL


@contextmanager
def one_at_a_time(name: str) -> Iterator[None]:
    """Among all processes of a test run: a build removes layers of another one of the same."""
    with (ROOT / ".stack" / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="module")
def make_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Make]:
    """Makes stacks by name and port base; removes them and checks that nothing is left."""
    made: list[Stack] = []

    def make(name: str, base: int, **extra: str) -> Stack:
        made.append(Stack.make(name, base, tmp_path_factory.mktemp(name), **extra))
        return made[-1]

    yield make
    for stack in made:
        stack.away()


@pytest.fixture(scope="module")
def running(make_stack: Make, grafana_image: str) -> Stack:
    """A proven stack of all five components."""
    stack = make_stack("e2e", 26100, STACK_GRAFANA="required", STACK_GRAFANA_IMAGE=grafana_image)
    stack.ok("start")
    return stack


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder for one more stack."""
    return tmp_path
