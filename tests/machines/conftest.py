"""The root file systems of the machines, and one archive with the images that each is given."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from stack.components import CATALOG
from stack.engine.docker import DockerEngine
from stack.images import inventory
from stack.images.resolver import Images
from tests.e2e.stack_command import ROOT
from tests.machines.tree import tree

COMPONENTS = ("prometheus", "alertmanager", "node_exporter", "app", "python")
TreeOf = Callable[[str], Path | None]


@pytest.fixture(scope="session")
def tree_of() -> TreeOf:
    """The root file system with the engines of a suite; None for this machine's own."""
    made: dict[str, Path] = {}

    def tree_of(suite: str) -> Path | None:
        if suite and suite not in made:
            made[suite] = tree(ROOT / ".stack" / "cache" / "machines", suite=suite)
        return made.get(suite)

    return tree_of


@pytest.fixture(scope="session")
def archive(engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As ``images save`` writes it, without the images that no machine is asked for."""
    found = Images(engine, ROOT / ".stack" / "cache", CATALOG).provide(COMPONENTS)
    path = tmp_path_factory.mktemp("images") / "stack.tar"
    inventory.save(engine, found.values(), path)
    return path
