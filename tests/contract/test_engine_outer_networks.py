"""A container joins networks of others and leaves them; those that are gone are seen and let go."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from stack.common.errors import StartFailed
from stack.deploy.actions import Actions
from stack.deploy.reconcile import reconcile
from stack.model.observed import ObservedContainer
from stack.model.outer import OuterNetwork
from stack.model.plan import Verb
from stack.model.spec import ServiceSpec, StackSpec, container_name
from tests.contract.engine_bench import Bench, make, service

WAY = (Verb.JOIN, Verb.LEAVE, Verb.START, Verb.CREATE)


def only(bench: Bench) -> ObservedContainer:
    (found,) = bench.engine.observe(bench.stack).containers
    return found


def apply(bench: Bench, wanted: ServiceSpec) -> list[Verb]:
    """What a start does, but for files; the verbs of its steps."""
    spec = StackSpec(bench.stack, (wanted,))
    plan = reconcile(spec, bench.engine.observe(bench.stack))
    actions = Actions(bench.engine, spec)
    for step in plan.steps:
        actions(step)
    return [step.verb for step in plan.steps if step.verb in WAY]


def on(bench: Bench) -> tuple[str, ...]:
    """Networks of others that the container has joined, of which it is on each."""
    found = only(bench)
    assert set(found.joined) <= set(found.networks)
    return found.joined


@pytest.fixture
def shop(bench: Bench) -> str:
    """A network of somebody else."""
    name = f"{bench.stack}-of-the-shop"
    bench.foreign("network", name)
    assert name in bench.engine.observe(bench.stack).others
    return name


def naming(bench: Bench, *networks: str) -> ServiceSpec:
    return replace(service(bench), networks=tuple(OuterNetwork(n, "own/a.yml:3") for n in networks))


def test_joined_kept_and_left(bench: Bench, shop: str) -> None:
    container = make(bench, service(bench))
    assert apply(bench, naming(bench, shop)) == [Verb.JOIN]
    assert on(bench) == (shop,) and only(bench).id == container
    assert apply(bench, naming(bench, shop)) == []
    bench.engine.restart(container)
    assert on(bench) == (shop,) and apply(bench, naming(bench, shop)) == []
    assert apply(bench, service(bench)) == [Verb.LEAVE]
    assert on(bench) == () and shop not in only(bench).networks and only(bench).running
    bench.engine.leave(container, shop)


def test_the_container_is_made_anew_and_joins_again(bench: Bench, shop: str) -> None:
    before = make(bench, naming(bench, shop))
    apply(bench, naming(bench, shop))
    bench.engine.remove(before)
    assert apply(bench, naming(bench, shop)) == [Verb.CREATE, Verb.START, Verb.JOIN]
    assert on(bench) == (shop,)


def test_a_network_that_is_gone_keeps_nothing_from_starting(bench: Bench, shop: str) -> None:
    container = make(bench, naming(bench, shop))
    apply(bench, naming(bench, shop))
    bench.engine.stop(container)
    bench.lose_foreign_network(shop)
    assert only(bench).lost == (shop,)
    assert apply(bench, naming(bench, shop)) == [Verb.LEAVE, Verb.START]
    assert only(bench).running and on(bench) == () and only(bench).lost == ()
    assert apply(bench, naming(bench, shop)) == []
    with pytest.raises(StartFailed, match=shop):
        bench.engine.join(container, shop)


def test_another_network_of_the_same_name_is_joined(bench: Bench, shop: str) -> None:
    container = make(bench, naming(bench, shop))
    apply(bench, naming(bench, shop))
    bench.engine.stop(container)
    bench.lose_foreign_network(shop)
    bench.foreign("network", shop)
    assert apply(bench, naming(bench, shop)) == [Verb.LEAVE, Verb.START, Verb.JOIN]
    assert on(bench) == (shop,) and only(bench).running


def test_what_somebody_else_connected_stays(bench: Bench, shop: str) -> None:
    container = make(bench, service(bench))
    bench.connect_by_hand(container, shop)
    assert shop in only(bench).networks and on(bench) == ()
    assert apply(bench, service(bench)) == []
    assert apply(bench, naming(bench, shop)) == []
    assert shop in only(bench).networks


def test_its_names_are_unknown_there(bench: Bench, shop: str) -> None:
    name = container_name(bench.stack, "web_app")
    wanted = replace(naming(bench, shop), hostname=name)
    container = make(bench, wanted)
    apply(bench, wanted)
    told = bench.engine.inspect(container)["NetworkSettings"]["Networks"][shop]  # type: ignore[index]
    assert set(told["Aliases"]) - {container[:12], name} == {f"{name}.monitoring-stack"}


def test_who_runs_on_a_network_of_ours_is_seen(bench: Bench, shop: str) -> None:
    """Not those that do not run, nor those on other networks."""
    container = make(bench, service(bench))
    away, here, joined = (f"{bench.stack}-{name}" for name in ("away", "here", "joined"))
    bench.foreign("network", f"{shop}-2")
    bench.run_beside(away, f"{shop}-2")
    bench.run_beside(joined, shop)
    bench.foreign("container", f"{bench.stack}-resting")
    bench.connect_by_hand(f"{bench.stack}-resting", bench.stack)
    assert bench.engine.observe(bench.stack).beside == ()
    bench.run_beside(here, bench.stack)
    bench.connect_by_hand(container, shop)
    found = bench.engine.observe(bench.stack).beside
    assert sorted((one.name, *dict(one.networks)) for one in found) == [(here, bench.stack), (joined, shop)]
    assert all(dict(one.networks).popitem()[1][0] == one.name for one in found)
