"""Somebody changes containers, networks and limits by hand: the plan says what, and the next start puts it right."""

from __future__ import annotations

import json

import pytest

from stack.common.errors import NotReady, StartFailed
from stack.model.spec import CURRENT, ConfigFile, config_volume
from tests.scenarios.commands import NAME, Client
from tests.scenarios.test_commands_killed import as_if_nothing_had_been, data_of

MIB = 1 << 20


def why(client: Client) -> str:
    """The reasons of the plan."""
    (document,) = client.run("plan")[1].documents
    return json.dumps([step["why"] for step in document["plan"]])


def test_a_damaged_state_is_told_and_made_anew(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    def told() -> int:
        assert client("start") == 0
        return capsys.readouterr().err.count(f"of stack {NAME} on the engine is damaged")

    assert (told(), told()) == (0, 0)
    kept = client.engine.volumes[f"{NAME}-state"].files
    for slot in tuple(kept):
        kept[slot] = ConfigFile(slot, b"garbage", mode=0o600)
    assert (told(), told()) == (1, 0)
    assert client.state.started and client.plan() == []


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


def volume(component: str) -> str:
    """Name of a component's configuration volume."""
    return config_volume(NAME, component)


def version(client: Client, component: str) -> str:
    """The folder of the files that a component has in use."""
    return client.engine.volumes[volume(component)].links[CURRENT]


@pytest.mark.parametrize("command", ["start", "reload"])
@pytest.mark.parametrize(
    ("component", "path", "words"),
    [
        ("prometheus", "prometheus.yml", "prometheus.yml was changed"),
        ("prometheus", "rules/own.yml", "rules/own.yml was added"),
        ("alertmanager", "alertmanager.yml", "alertmanager.yml was changed"),
    ],
)
def test_files_changed_by_hand_in_a_volume_are_written_anew_and_taken(
    client: Client, command: str, component: str, path: str, words: str
) -> None:
    client("start")
    before, written = client.ids(), client.in_use(component, path)
    place = f"{version(client, component)}/{path}"
    client.engine.tamper(volume(component), place, ConfigFile(place, b"by hand"))
    name = f"{NAME}-{component}"
    assert client.plan() == [
        ("write files", volume(component)),
        ("reload", name),
        ("verify", name),
        ("record", name),
    ]
    assert f"changed in the volume: {words}" in why(client)
    assert client(command) == 0
    assert client.in_use(component, path) == written and client.ids() == before
    assert client.plan() == []


def test_a_link_moved_by_hand_is_put_back(client: Client) -> None:
    client("start")
    told = client.engine.volumes[volume("prometheus")]
    before, told.links[CURRENT] = told.links[CURRENT], "elsewhere"
    as_if_nothing_had_been(client, data_of(client))
    assert told.links[CURRENT] == before


def test_repaired_files_that_are_not_taken_are_no_reason_to_go_back(client: Client) -> None:
    """What was in use before is what was changed."""
    client("start")
    place = f"{version(client, 'prometheus')}/prometheus.yml"
    client.engine.tamper(volume("prometheus"), place, ConfigFile(place, b"by hand"))
    client.products.refuse.add("prometheus")
    with pytest.raises(NotReady) as told:
        client("start")
    assert "previous files" not in told.value.hint
    client.products.refuse.clear()
    as_if_nothing_had_been(client, data_of(client))
