"""The bench of both engines; a suite for Docker alone has one of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.engine_bench import Bench, DockerBench, MemoryBench


@pytest.fixture(params=["memory", pytest.param("docker", marks=pytest.mark.engine)])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    if request.param == "memory":
        yield MemoryBench()
        return
    with DockerBench() as made:
        yield made
