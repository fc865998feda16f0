"""On engines that cannot limit everything the stack runs all the same, with what they can give."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from stack.deploy.differences import differences
from stack.engine.docker import connect
from stack.engine.interface import Job
from stack.model.spec import CONFIG_ROOT, ConfigFile, Limits, ServiceSpec, container_name
from tests.contract.engine_bench import MIB, TINY, DockerBench, make, published, service, write
from tests.contract.poor_engine import Poverty, poor_engine
from tests.loopback import free_port

pytestmark = pytest.mark.engine
Poor = Callable[..., DockerBench]


@pytest.fixture
def poor(tmp_path: Path) -> Iterator[Poor]:
    with ExitStack() as stack:

        def build(**poverty: Any) -> DockerBench:
            bench = stack.enter_context(DockerBench())
            bench.engine = connect(stack.enter_context(poor_engine(tmp_path, Poverty(**poverty))))
            return bench

        yield build


def host(bench: DockerBench, container: str) -> dict[str, Any]:
    found = bench.engine.inspect(container)["HostConfig"]
    assert isinstance(found, dict)
    return found


def settled(bench: DockerBench, wanted: ServiceSpec) -> bool:
    """Whether nothing is found to differ from what was asked for: else every start would do it over."""
    (seen,) = bench.engine.observe(bench.stack).containers
    bench.engine.limit(seen.id, wanted.limits)
    (again,) = bench.engine.observe(bench.stack).containers
    return differences(wanted, seen) == differences(wanted, again) == ()


def test_one_cpu(poor: Poor) -> None:
    """Jobs ask for two."""
    bench = poor(info={"NCPU": 1})
    assert bench.engine.run(bench.stack, Job(TINY, ("/bin/sh", "-c", "exit 3"))).code == 3
    assert bench.engine.info().restrictions == ()
    wanted = service(bench, limits=Limits(64 * MIB, 1.5))
    container = make(bench, wanted)
    assert settled(bench, wanted)
    assert host(bench, container)["NanoCpus"] == 1_000_000_000
    assert bench.engine.info().restrictions == ("this engine has 1 of 1.5 CPUs that a container may use",)


def test_no_cpu_quota(poor: Poor) -> None:
    bench = poor(info={"CpuCfsQuota": False})
    wanted = service(bench)
    container = make(bench, wanted)
    write(bench, ConfigFile("a", b"1"))
    bench.engine.write_state(bench.stack, b"kept")
    assert host(bench, container)["NanoCpus"] == 0
    assert host(bench, container)["Memory"] == 64 * MIB
    assert bench.engine.run(bench.stack, Job(TINY, ("/bin/sh", "-c", "exit 3"))).code == 3
    assert bench.engine.info().restrictions == ("this engine cannot limit CPU time",)
    assert settled(bench, wanted)
    (seen,) = bench.engine.observe(bench.stack).containers
    assert seen.digest == wanted.digest(), "what an engine can give is no part of the description"


def test_no_limits_at_all(poor: Poor) -> None:
    names = ("CpuCfsQuota", "MemoryLimit", "SwapLimit", "PidsLimit")
    bench = poor(info=dict.fromkeys(names, False))
    wanted = service(bench)
    told = host(bench, make(bench, wanted))
    assert settled(bench, wanted)
    assert (told["NanoCpus"], told["Memory"], told["MemorySwap"], told["PidsLimit"]) == (0, 0, 0, None)
    (restriction,) = bench.engine.info().restrictions
    assert restriction == "this engine cannot limit CPU time and memory and swap and the number of processes"


def test_a_refused_ulimit_costs_the_ulimit_only(poor: Poor) -> None:
    bench = poor(ulimits=False)
    wanted = service(bench, published=published(free_port()), environment=(("K", "V=W"),), stop_seconds=7)
    write_to = make(bench, wanted, start=False)
    rich = bench.engine.inspect(write_to)
    write(bench, ConfigFile("a", b"1"))
    bench.engine.start(container_name(bench.stack, "web_app"))
    (seen,) = bench.engine.observe(bench.stack).containers
    assert settled(bench, wanted)
    assert (seen.name, seen.running, seen.digest) == (
        container_name(bench.stack, "web_app"),
        True,
        wanted.digest(),
    )
    poor_one = bench.engine.inspect(seen.id)
    assert same(poor_one) == same(rich)
    aliases = poor_one["NetworkSettings"]["Networks"][bench.stack]["Aliases"]  # type: ignore[index]
    assert {"web-app", "web_app"} <= set(aliases)
    assert bench.engine.read_file(seen.id, f"{CONFIG_ROOT}/a") == b"1"
    assert any("open files" in text for text in bench.engine.info().restrictions)
    second = make(bench, service(bench, "second", mounts=()))
    assert not host(bench, second)["Ulimits"], "asked for once only"


def same(inspect: dict[str, object]) -> dict[str, object]:
    """What both containers must have in common."""
    host_config = dict(inspect["HostConfig"])  # type: ignore[call-overload]
    host_config.pop("Ulimits")
    return {"Config": inspect["Config"], "HostConfig": host_config, "Image": inspect["Image"]}


def test_an_engine_that_can_everything_restricts_nothing(poor: Poor) -> None:
    bench = poor(
        info={"CpuCfsQuota": True, "MemoryLimit": True, "SwapLimit": True, "PidsLimit": True, "NCPU": 2}
    )
    assert host(bench, make(bench, service(bench)))["Ulimits"]
    assert bench.engine.info().restrictions == ()


@pytest.mark.parametrize("marks", [True, False])
@pytest.mark.parametrize(("ends", "memory"), [("x=x; while :; do x=$x$x; done", True), ("kill -9 $$", False)])
def test_a_kill_for_memory_is_known_without_the_mark_of_it(
    poor: Poor, marks: bool, ends: str, memory: bool
) -> None:
    """In a shell of its own: the first process of a container cannot kill itself."""
    bench = poor(marks=marks)
    container = make(
        bench,
        service(
            bench,
            entrypoint=("/bin/sh", "-c", f"/bin/sh -c '{ends}'; exit $?"),
            limits=Limits(16 * MIB, 0.5, 64),
        ),
        start=False,
    )
    bench.update(container, RestartPolicy={"Name": "no"})  # the engine would start it again meanwhile
    bench.engine.start(container)
    assert bench.raw.containers.get(container).wait(timeout=30)["StatusCode"] == 137
    assert bench.engine.killed_for_memory(container) == memory
    (seen,) = bench.engine.observe(bench.stack).containers
    assert seen.oom_killed == (memory and marks)
    assert not bench.engine.killed_for_memory("nobody")
