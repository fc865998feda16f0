"""The machines' root file systems, one archive with the images that each is given, and the runs, three at a time."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from stack.components import CATALOG
from stack.engine.docker import DockerEngine
from stack.images import inventory
from stack.images.resolver import Images
from tests.e2e.stack_command import ROOT
from tests.machines.prove import prove
from tests.machines.tree import PACKAGES, tree

COMPONENTS = ("prometheus", "alertmanager", "node_exporter", "app", "python")
Runs = dict[str, Future[None]]


@pytest.fixture(scope="session")
def archive(engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As ``images save`` writes it, without the images that no machine is asked for."""
    found = Images(engine, ROOT / ".stack" / "cache", CATALOG).provide(COMPONENTS)
    path = tmp_path_factory.mktemp("images") / "stack.tar"
    inventory.save(engine, found.values(), path)
    return path


@pytest.fixture(scope="session")
def runs(
    request: pytest.FixtureRequest, archive: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Runs]:
    """By row what came of its machine; only those are run whose tests are."""
    chosen = [item.callspec.params["row"] for item in request.session.items if hasattr(item, "callspec")]
    rows = [row for row in chosen if hasattr(row, "machine")]
    suites = dict.fromkeys(row.machine.suite for row in rows if row.machine.suite)
    trees = {suite: tree(ROOT / ".stack" / "cache" / "machines", suite, PACKAGES[suite]) for suite in suites}
    with ThreadPoolExecutor(3) as pool:
        homes = [tmp_path_factory.mktemp("home") for _ in rows]
        yield {
            row.name: pool.submit(prove, row, trees.get(row.machine.suite), archive, home)
            for row, home in zip(rows, homes, strict=True)
        }
        pool.shutdown(cancel_futures=True)
