"""Somebody changes containers, networks and limits by hand: the plan says what, and the next start puts it right."""

from __future__ import annotations

import json

import pytest

from stack.common.errors import StartFailed
from tests.scenarios.commands import NAME, Client
from tests.scenarios.test_commands_killed import as_if_nothing_had_been, data_of

MIB = 1 << 20


def why(client: Client) -> str:
    """The reasons of the plan."""
    (document,) = client.run("plan")[1].documents
    return json.dumps([step["why"] for step in document["plan"]])


def test_a_container_taken_off_the_network_joins_it_again(client: Client) -> None:
    client("start")
    before = client.ids()
    client.engine.detach(f"{NAME}-app")
    assert client.plan() == [("connect", f"{NAME}-app"), ("verify", f"{NAME}-app")]
    assert "is not on the stack's network" in why(client)
    as_if_nothing_had_been(client, data_of(client))
    assert client.ids() == before


@pytest.mark.parametrize("command", ["start", "restart", "reload"])
def test_a_network_removed_under_running_containers_is_made_anew(client: Client, command: str) -> None:
    client("start")
    before = client.ids()
    client.engine.lose_network(NAME)
    assert client(command) == 0
    assert client.plan() == [] and client.ids() == before


def test_a_network_removed_and_made_anew_by_somebody_else_is_told(client: Client) -> None:
    client("start")
    client.engine.lose_network(NAME)
    client.engine.foreign_network(NAME)
    with pytest.raises(StartFailed, match=f"network {NAME} exists and is not ours") as told:
        client("start")
    assert "remove it" in told.value.hint
    del client.engine.networks[NAME]
    as_if_nothing_had_been(client, data_of(client))


@pytest.mark.parametrize("command", ["start", "restart", "reload"])
def test_a_renamed_container_gets_its_name_back(client: Client, command: str) -> None:
    client("start")
    before = client.ids()
    client.engine.rename(f"{NAME}-prometheus", "my-prometheus")
    assert ("rename", f"{NAME}-prometheus") in client.plan()
    assert "was renamed to my-prometheus" in why(client)
    assert client(command) == 0
    assert client.ids() == before and client.engine.find("my-prometheus") is None
    as_if_nothing_had_been(client, data_of(client))


def test_a_stop_stops_a_renamed_container_and_keeps_it(client: Client) -> None:
    client("start")
    before = client.ids()
    client.engine.rename(f"{NAME}-app", "other")
    client("stop")
    assert client.running() == set()
    assert client.ids() == before
    as_if_nothing_had_been(client, data_of(client))
    assert client.ids() == before


def test_a_destroy_takes_a_renamed_container_along(client: Client) -> None:
    client("start")
    client.engine.rename(f"{NAME}-app", "other")
    client("destroy")
    assert client.engine.find("other") is None


def test_names_that_were_swapped(client: Client) -> None:
    client("start")
    before = client.ids()
    client.engine.rename(f"{NAME}-app", "aside")
    client.engine.rename(f"{NAME}-alertmanager", f"{NAME}-app")
    client.engine.rename("aside", f"{NAME}-alertmanager")
    as_if_nothing_had_been(client, data_of(client))
    assert client.ids() == before


def test_limits_lowered_by_hand_are_given_back_without_a_new_container(client: Client) -> None:
    client("start")
    before = client.ids()
    client.engine.update(f"{NAME}-prometheus", Memory=64 * MIB, MemorySwap=64 * MIB)
    assert client.plan() == [("set limits", f"{NAME}-prometheus"), ("verify", f"{NAME}-prometheus")]
    assert "memory is 64 MiB instead of 768 MiB" in why(client)
    as_if_nothing_had_been(client, data_of(client))
    assert client.ids() == before


def test_limits_taken_away_by_hand_make_a_new_container(client: Client) -> None:
    client("start")
    before = client.ids()
    client.engine.update(f"{NAME}-app", Memory=0, MemorySwap=0)
    assert "memory is without a limit instead of" in why(client)
    as_if_nothing_had_been(client, data_of(client))
    assert {c for c, found in client.ids().items() if before[c] != found} == {"app"}


@pytest.mark.parametrize(
    "told",
    [
        {"NCPU": 1},
        {"CpuCfsQuota": False},
        {"SwapLimit": False},
        {"MemoryLimit": False, "SwapLimit": False, "PidsLimit": False, "CpuCfsQuota": False},
    ],
)
def test_an_engine_that_cannot_limit_is_not_asked_again(client: Client, told: dict[str, object]) -> None:
    client.engine.told |= told
    client.settings("[app.limits]\ncpus = 2.0\n")
    client("start")
    assert client.plan() == []


def test_an_engine_that_got_more_processors_gives_them(client: Client) -> None:
    client.engine.told["NCPU"] = 1
    client.settings("[app.limits]\ncpus = 2.0\n")
    client("start")
    client.engine.told["NCPU"] = 2
    assert ("set limits", f"{NAME}-app") in client.plan()
    as_if_nothing_had_been(client, data_of(client))


def test_an_unhealthy_container_is_restarted(client: Client) -> None:
    client("start")
    found = client.engine.find(f"{NAME}-alertmanager")
    assert found is not None
    found.health = "unhealthy"
    assert client.plan() == [("restart", f"{NAME}-alertmanager"), ("verify", f"{NAME}-alertmanager")]
    as_if_nothing_had_been(client, data_of(client))
