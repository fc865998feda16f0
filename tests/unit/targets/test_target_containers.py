"""A container as a target: where Prometheus reaches it, or in one line why not and what to do."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from stack.common.errors import UsageError
from stack.model.neighbours import COMPOSE_PROJECT, COMPOSE_SERVICE, Neighbour
from stack.targets.containers import Around, Place, find, place, split

SHOP = Neighbour(
    "a" * 64, "shop", "shop:1", ports=(8000,), networks=(("front", ("shop", "web")),), mode="front"
)
LONE = replace(SHOP, id="b" * 64, name="lone", networks=(), mode="default")


def around(*others: Neighbour, taken: frozenset[str] = frozenset({"app", "prometheus"})) -> Around:
    return Around((SHOP, *others), "demo", taken)


def refused(container: Neighbour, *others: Neighbour, **asked: Any) -> UsageError:
    with pytest.raises(UsageError) as caught:
        place(container, around(*others), **asked)
    assert caught.value.hint
    return caught.value


def marked(container: Neighbour, **labels: str) -> Neighbour:
    named = {f"prometheus.io/{name}": value for name, value in labels.items()}
    return replace(container, labels=tuple({**dict(container.labels), **named}.items()))


def test_by_its_name_on_its_network() -> None:
    assert place(SHOP, around()) == Place("shop:8000", "front")
    assert place(SHOP, around(), port=9) == Place("shop:9", "front")


def test_its_labels_say_port_path_and_scheme() -> None:
    told = marked(SHOP, port="9100", path="/m", scheme="https")
    assert place(told, around()) == Place("shop:9100", "front", "/m", "https")


def test_on_the_stacks_own_network_none_is_joined() -> None:
    both = replace(SHOP, networks=(("a", ("shop",)), ("demo", ("shop",))))
    assert place(both, around()) == Place("shop:8000", "")


@pytest.mark.parametrize(
    ("container", "said", "remedy"),
    [
        (replace(SHOP, running=False), "does not run", "docker start shop"),
        (replace(SHOP, ports=()), "exposes no port", "--container shop:PORT"),
        (replace(SHOP, ports=(1, 2)), "exposes several ports: 1, 2", "--container shop:PORT"),
        (LONE, "default network bridge only", "docker network connect lone-metrics lone"),
        (replace(LONE, published=((8000, 18000),)), "bridge only", "target add lone --host 18000"),
        (replace(LONE, mode="host"), "network of the engine's machine", "target add lone --host PORT"),
        (replace(LONE, mode="none"), "has no network", "--network"),
        (replace(LONE, mode=f"container:{'a' * 64}"), "network of container shop", "--container shop:PORT"),
        (replace(SHOP, stack="demo", component="app"), "a component of this stack", "target list"),
    ],
)
def test_why_not(container: Neighbour, said: str, remedy: str) -> None:
    error = refused(container)
    assert said in error.message and remedy in error.hint


def test_a_network_on_which_a_name_of_ours_means_another_is_not_joined() -> None:
    other = Neighbour("c" * 64, "their-app-1", "x", networks=(("front", ("their-app-1", "app")),))
    error = refused(SHOP, other)
    assert "on network front their-app-1 is known as app" in error.message
    assert "target add --container shop --network shop-metrics" in error.hint
    second = replace(SHOP, networks=(*SHOP.networks, ("metrics", ("shop",))))
    assert place(second, around(other)).network == "metrics"
    assert place(second, around(other), network="metrics").network == "metrics"
    assert "app" in refused(second, other, network="front").message


def test_our_own_container_there_is_no_clash_that_of_another_stack_is() -> None:
    theirs = Neighbour(
        "d" * 64, "other-app", "p", networks=(("front", ("app",)),), stack="other", component="app"
    )
    assert "other-app is known as app" in refused(SHOP, theirs).message
    assert place(SHOP, around(replace(theirs, stack="demo"))).network == "front"


def test_a_network_that_it_is_not_on() -> None:
    assert "shop is not on network back" in refused(SHOP, network="back").message


def service(name: str, project: str) -> Neighbour:
    labels = ((COMPOSE_PROJECT, project), (COMPOSE_SERVICE, "web"))
    return Neighbour(name.ljust(64, "0"), name, "x", labels=labels)


def test_found_by_name_id_or_service() -> None:
    one, two = service("a-web-1", "a"), service("b-web-1", "b")
    assert find("shop", [SHOP, LONE]) == SHOP and find("a" * 12, [SHOP, LONE]) == SHOP
    assert find("web", [SHOP, one]) == one
    assert find("web", [one, replace(two, running=False)]) == one
    with pytest.raises(UsageError, match="several containers: a-web-1 of a, b-web-1 of b"):
        find("web", [one, two])
    with pytest.raises(UsageError, match="there is no container sho") as caught:
        find("sho", [SHOP])
    assert caught.value.hint == "is it shop?"
    assert split("shop:80") == ("shop", "80") and split("shop") == ("shop", "")
