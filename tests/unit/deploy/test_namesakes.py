"""Who has the name of a service on a network that the stack is on."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from stack.common.errors import StartFailed
from stack.deploy.namesakes import namesake, refuse_namesakes
from stack.model.neighbours import Neighbour
from stack.model.observed import Observed
from stack.model.spec import ConfigFile, StackSpec
from tests.unit.deploy.plan_samples import NAME, service
from tests.unit.deploy.test_condition import container

APP = service("app")
PROMETHEUS = replace(service("prometheus"), files=(ConfigFile("scrape/app.yml", b"- targets: [app:8000]\n"),))
SPEC = StackSpec(NAME, (APP, PROMETHEUS))


def beside(*networks: tuple[str, tuple[str, ...]]) -> Observed:
    """The stack, whose Prometheus has joined ``shop``, and a container of others on these networks."""
    ours = (container("app", networks=(NAME,)), container("prometheus", networks=(NAME, "shop")))
    return Observed(NAME, ours, networks=(NAME,), beside=(Neighbour("1", "web", "web:1", networks=networks),))


@pytest.mark.parametrize("network", [NAME, "shop"])
def test_one_with_the_name_of_a_service_is_named_with_the_way_out(network: str) -> None:
    found = beside((network, ("web", "app")))
    assert namesake(SPEC, APP, found) == (
        f"web, which is none of this stack, is known as app on network {network}, too: who asks for that name may "
        "get its answers",
        f"docker network disconnect {network} web, or give it another name there",
    )
    assert namesake(SPEC, PROMETHEUS, found) is None


def test_on_a_network_of_others_those_names_count_that_are_asked_for_there() -> None:
    assert namesake(SPEC, PROMETHEUS, beside(("shop", ("web", "prometheus")))) is None
    assert namesake(SPEC, PROMETHEUS, beside((NAME, ("web", "prometheus")))) is not None
    nobody = StackSpec(NAME, (APP, replace(PROMETHEUS, files=())))
    assert namesake(nobody, APP, beside(("shop", ("web", "app")))) is None


@pytest.mark.parametrize("networks", [("shop", ("web", "apps")), ("elsewhere", ("web", "app"))])
def test_other_names_and_other_networks_are_nothing(networks: tuple[str, tuple[str, ...]]) -> None:
    assert namesake(SPEC, APP, beside(networks)) is None


def test_nothing_is_proven_beside_one() -> None:
    refuse_namesakes(SPEC, beside((NAME, ("web",))))
    with pytest.raises(
        StartFailed, match="app: web, which is none of this stack, is known as app on network"
    ):
        refuse_namesakes(SPEC, beside((NAME, ("web", "app"))))
