"""Killed between any two steps, the next run ends where an undisturbed one would; and then nothing is left to do."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pytest
from msgspec.structs import replace

from stack.deploy.actions import Actions
from stack.deploy.reconcile import reconcile
from stack.model.observed import Observed
from stack.model.plan import Plan
from stack.model.spec import (
    CONFIG_ROOT,
    CURRENT,
    ConfigFile,
    LinkFolder,
    Port,
    ServiceSpec,
    StackSpec,
    config_volume,
    container_name,
    data_volume,
    destroyed,
    stopped,
)
from tests.fakes.engine.memory import MemoryEngine
from tests.unit.deploy.plan_samples import NAME, service


def full(engine: MemoryEngine) -> StackSpec:
    image = engine.hold("x:1")
    links = LinkFolder("boards", (("a.json", "main.yml"), ("below/b.json", "main.yml")))
    pair = (replace(service("web", needs=("store",), port=81), linked=links), service("store", port=82))
    return StackSpec(NAME, tuple(replace(s, image="x:1", image_id=image) for s in pair))


def other_files(engine: MemoryEngine) -> StackSpec:
    links = LinkFolder("boards", (("a.json", "moved.yml"), ("c.json", "main.yml")))
    files = (ConfigFile("main.yml", b"edited"), ConfigFile("moved.yml", b"edited"))
    return _each(full(engine), lambda s: replace(s, files=files, linked=links if s.linked else None))


def other_definition(engine: MemoryEngine) -> StackSpec:
    return _each(full(engine), lambda s: replace(s, command=("--new",)))


def ports_swapped(engine: MemoryEngine) -> StackSpec:
    swapped = {"web": Port(9000, 82), "store": Port(9000, 81)}
    return _each(full(engine), lambda s: replace(s, published=swapped[s.component]))


def one_less(engine: MemoryEngine) -> StackSpec:
    return replace(full(engine), services=full(engine).services[1:])


def at_rest(engine: MemoryEngine) -> StackSpec:
    del engine
    return stopped(NAME)


def gone(engine: MemoryEngine) -> StackSpec:
    del engine
    return destroyed(NAME, data=True)


def _each(spec: StackSpec, change: Callable[[ServiceSpec], ServiceSpec]) -> StackSpec:
    return replace(spec, services=tuple(change(s) for s in spec.services))


States = Callable[[MemoryEngine], StackSpec]
STATES: tuple[States, ...] = (
    full,
    other_files,
    other_definition,
    ports_swapped,
    one_less,
    at_rest,
    gone,
)


def go(engine: MemoryEngine, spec: StackSpec, steps: int | None = None) -> Plan:
    """The first ``steps`` of the plan, or all; returns the whole plan."""
    plan = reconcile(spec, engine.observe(NAME))
    actions = Actions(engine, spec, lambda wanted: verify(engine, wanted), lambda wanted: None)
    for step in plan.steps[:steps]:
        actions(step)
    return plan


def verify(engine: MemoryEngine, wanted: ServiceSpec) -> None:
    """What a product would answer: it runs, with the files given."""
    name = container_name(NAME, wanted.component)
    assert engine.inspect(name)["State"]["Running"]  # type: ignore[index]
    path = f"{CONFIG_ROOT}/{CURRENT}/main.yml"
    assert engine.read_file(name, path) == wanted.files[0].content


def links_agree(engine: MemoryEngine, spec: StackSpec) -> bool:
    """Whether each folder of links holds exactly those that are described."""
    return all(
        {p: t for p, t in engine.volumes[config_volume(NAME, s.component)].links.items() if "/" in p}
        == s.linked.placed()
        for s in spec.services
        if s.linked
    )


def agrees(spec: StackSpec, observed: Observed) -> bool:
    """Whether all that is described runs as described, and nothing else does."""
    running = {c.component: c for c in observed.containers if c.running}
    return set(running) == set(spec.components) and all(
        running[s.component].digest == s.digest() and running[s.component].applied.digest == s.files_digest()
        for s in spec.services
    )


@pytest.mark.parametrize("then", STATES)
@pytest.mark.parametrize("first", STATES)
def test_killed_between_any_two_steps(first: States, then: States) -> None:
    for steps in count():
        engine = MemoryEngine()
        go(engine, full(engine))
        plan = go(engine, first(engine), steps)
        go(engine, then(engine))
        observed = engine.observe(NAME)
        assert agrees(then(engine), observed), f"{first} killed after {steps} steps"
        assert links_agree(engine, then(engine)), f"{first} killed after {steps} steps"
        assert not reconcile(then(engine), observed)
        assert not observed.leftovers
        if steps >= len(plan.steps):
            return


@pytest.mark.parametrize("then", STATES)
def test_killed_twice(then: States) -> None:
    for first in range(20):
        for second in range(0, 20, 3):
            engine = MemoryEngine()
            go(engine, full(engine), first)
            go(engine, other_files(engine), second)
            go(engine, then(engine))
            assert agrees(then(engine), engine.observe(NAME)), f"{first}, {second}"


def disturbed_network(engine: MemoryEngine) -> None:
    go(engine, stopped(NAME))
    engine.remove_network(NAME)


def disturbed_network_made_again(engine: MemoryEngine) -> None:
    disturbed_network(engine)
    engine.create_network(NAME)


def disturbed_container(engine: MemoryEngine) -> None:
    engine.crash("demo-store")


def disturbed_paused(engine: MemoryEngine) -> None:
    engine.containers[engine.observe(NAME).containers[0].id].state = "paused"


def disturbed_helper(engine: MemoryEngine) -> None:
    engine.leave_helper(NAME)


def disturbed_removed(engine: MemoryEngine) -> None:
    engine.remove("demo-web")
    engine.remove_volume(config_volume(NAME, "web"))


def disturbed_link(engine: MemoryEngine) -> None:
    engine.volumes[config_volume(NAME, "web")].links[CURRENT] = "elsewhere"


@pytest.mark.parametrize(
    "disturb",
    [
        disturbed_network,
        disturbed_network_made_again,
        disturbed_container,
        disturbed_paused,
        disturbed_helper,
        disturbed_removed,
        disturbed_link,
    ],
)
@pytest.mark.parametrize("then", STATES)
def test_disturbed_from_outside(disturb: Callable[[MemoryEngine], None], then: States) -> None:
    engine = MemoryEngine()
    go(engine, full(engine))
    disturb(engine)
    go(engine, then(engine))
    observed = engine.observe(NAME)
    assert agrees(then(engine), observed)
    assert not reconcile(then(engine), observed)


def test_nothing_of_the_stack_is_left_after_destroy() -> None:
    engine = MemoryEngine()
    go(engine, full(engine))
    go(engine, gone(engine))
    assert engine.observe(NAME) == Observed(NAME)
    assert not engine.volumes and not engine.networks and not engine.containers


def test_data_outlives_stop_and_destroy() -> None:
    engine = MemoryEngine()
    go(engine, full(engine))
    go(engine, stopped(NAME))
    go(engine, destroyed(NAME, data=False))
    assert set(engine.volumes) == {data_volume(NAME, "web"), data_volume(NAME, "store")}
