"""Networks of others: joined once the container runs, left when unnamed or gone, and never waited for."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from stack.deploy.condition import condition
from stack.deploy.outer_networks import gone
from stack.deploy.reconcile import reconcile
from stack.model.observed import Observed, ObservedContainer
from stack.model.outer import OuterNetwork
from stack.model.plan import Step, Verb
from stack.model.spec import ServiceSpec, StackSpec, container_name
from tests.fakes.engine.memory import MemoryEngine
from tests.unit.deploy.plan_samples import NAME, service
from tests.unit.deploy.test_reconcile_converges import go

SHOP = OuterNetwork("shop", "own/prometheus/scrape/shop.yml:7")
KIOSK = OuterNetwork("kiosk", "own/prometheus/targets/kiosk.json:1")


def wanted(engine: MemoryEngine, *networks: OuterNetwork) -> StackSpec:
    image = engine.hold("x:1")
    pair = (replace(service("web", port=81), networks=networks), service("store", port=82))
    return StackSpec(NAME, tuple(replace(s, image="x:1", image_id=image) for s in pair))


def running(engine: MemoryEngine, *networks: OuterNetwork) -> StackSpec:
    """The stack, brought up."""
    spec = wanted(engine, *networks)
    go(engine, spec)
    return spec


@pytest.fixture
def engine() -> MemoryEngine:
    made = MemoryEngine()
    made.foreign_network("shop")
    return made


def steps(spec: StackSpec, observed: Observed) -> list[tuple[Verb, str, str]]:
    return [(s.verb, s.target, s.why) for s in reconcile(spec, observed).steps]


def web(engine: MemoryEngine) -> ObservedContainer:
    found = engine.observe(NAME).container("web")
    assert found is not None
    return found


def test_a_named_network_is_all_that_a_running_stack_joins(engine: MemoryEngine) -> None:
    running(engine)
    spec = wanted(engine, SHOP)
    assert steps(spec, engine.observe(NAME)) == [
        (Verb.JOIN, "demo-web > shop", "named by own/prometheus/scrape/shop.yml:7")
    ]
    go(engine, spec)
    assert web(engine).joined == ("shop",) and not reconcile(spec, engine.observe(NAME))


def test_one_that_no_file_names_any_more_is_left(engine: MemoryEngine) -> None:
    running(engine, SHOP)
    spec = wanted(engine)
    assert steps(spec, engine.observe(NAME)) == [(Verb.LEAVE, "demo-web > shop", "no file names it any more")]
    go(engine, spec)
    assert not web(engine).joined and not reconcile(spec, engine.observe(NAME))


def test_two_services_may_join_one_network(engine: MemoryEngine) -> None:
    spec = wanted(engine, SHOP)
    both = replace(spec, services=tuple(replace(s, networks=(SHOP,)) for s in spec.services))
    go(engine, both)
    found = engine.observe(NAME)
    assert [c.joined for c in found.containers] == [("shop",), ("shop",)] and not reconcile(both, found)


def following(plan_steps: tuple[Step, ...], key: str) -> set[str]:
    """Keys of all steps that come after one."""
    found = {key}
    while more := {s.key for s in plan_steps if found.intersection(s.after)} - found:
        found |= more
    return found - {key}


def test_nothing_waits_for_a_network_of_somebody_else(engine: MemoryEngine) -> None:
    plan = reconcile(wanted(engine, SHOP), engine.observe(NAME))
    (join,) = (s for s in plan.steps if s.verb is Verb.JOIN)
    assert join.after == ("start demo-web",) and not following(plan.steps, join.key)


def test_a_network_that_is_gone_stops_nothing_and_is_named(engine: MemoryEngine) -> None:
    spec = running(engine, SHOP, KIOSK)
    found = engine.observe(NAME)
    assert web(engine).running and not reconcile(spec, found)
    (said,) = gone(spec, found)
    assert said.startswith("network kiosk is not on this engine, so demo-web does not join it")
    assert "own/prometheus/targets/kiosk.json:1" in said and "monitoring-stack start" in said
    (finding,) = condition(spec, found)
    assert finding.status == "ok" and finding.warnings == (said,)


def test_one_of_the_engines_own_is_told_apart(engine: MemoryEngine) -> None:
    spec = running(engine, OuterNetwork("bridge", "own/prometheus/scrape/a.yml:7"))
    (said,) = gone(spec, engine.observe(NAME))
    assert "where no name is known" in said and "give the container one of its own" in said


def test_one_that_vanished_under_a_stopped_container_is_let_go_before_it_starts(engine: MemoryEngine) -> None:
    spec = running(engine, SHOP)
    engine.stop("demo-web")
    engine.lose_foreign_network("shop")
    plan = reconcile(spec, engine.observe(NAME))
    assert [s.verb for s in plan.steps] == [Verb.LEAVE, Verb.WRITE, Verb.START, Verb.VERIFY, Verb.RECORD]
    assert "leave network demo-web > shop" in plan.steps[2].after
    go(engine, spec)
    assert web(engine).running and not reconcile(spec, engine.observe(NAME))


def test_a_container_that_somebody_took_off_it_is_told_and_joins_again(engine: MemoryEngine) -> None:
    spec = running(engine, SHOP)
    engine.leave("demo-web", "shop")
    (finding,) = condition(spec, engine.observe(NAME))
    assert finding.warnings == (
        "demo-web is not on network shop, which own/prometheus/scrape/shop.yml:7 names: "
        "monitoring-stack start connects it",
    )
    assert [s.verb for s in reconcile(spec, engine.observe(NAME)).steps] == [Verb.JOIN]


def replaced(spec: StackSpec) -> StackSpec:
    return replace(spec, services=tuple(replace(s, command=("--new",)) for s in spec.services))


def same(spec: StackSpec) -> StackSpec:
    return spec


@pytest.mark.parametrize("change", [replaced, same])
def test_a_new_container_joins_again(change: Callable[[StackSpec], StackSpec], engine: MemoryEngine) -> None:
    spec = running(engine, SHOP)
    before = web(engine).id
    if change is same:
        engine.remove(container_name(NAME, "web"))
    spec = change(spec)
    go(engine, spec)
    assert web(engine).id != before and web(engine).joined == ("shop",)
    assert not reconcile(spec, engine.observe(NAME))


def test_the_networks_are_no_part_of_the_container(engine: MemoryEngine) -> None:
    plain, joined = wanted(engine), wanted(engine, SHOP)

    def digests(spec: StackSpec) -> list[str]:
        return [s.digest() for s in spec.services]

    assert digests(plain) == digests(joined)
    named: ServiceSpec = replace(plain.services[0], extra_hosts=(("a", "1.2.3.4"),))
    assert named.digest() != plain.services[0].digest()
