"""Containers of others are seen with their ports, networks and names, and stay as they are."""

from __future__ import annotations

from stack.model.spec import container_name
from tests.contract.engine_bench import Bench, make, published, service
from tests.loopback import free_port


def test_all_containers_are_seen(bench: Bench) -> None:
    port = free_port()
    make(bench, service(bench, published=published(port)))
    theirs = f"{bench.stack}-of-others"
    bench.foreign("container", theirs)
    found = {n.name: n for n in bench.engine.neighbours()}
    ours = found[container_name(bench.stack, "web_app")]
    assert (ours.stack, ours.component, ours.running) == (bench.stack, "web_app", True)
    assert ours.ports == (9100,) and dict(ours.networks).keys() == {bench.stack}
    assert {ours.name, "web-app", "web_app"} <= set(dict(ours.networks)[bench.stack])
    stranger = found[theirs]
    assert (stranger.stack, stranger.component, stranger.running) == ("", "", False)
    assert stranger.networks == () and stranger.ports == ()


def test_one_on_a_network_of_its_own(bench: Bench) -> None:
    network, name = f"{bench.stack}-of-the-shop", f"{bench.stack}-shop"
    bench.foreign("network", network)
    bench.foreign("container", name)
    bench.connect_by_hand(name, network)
    found = next(n for n in bench.engine.neighbours() if n.name == name)
    assert dict(found.networks)[network][0] == name
