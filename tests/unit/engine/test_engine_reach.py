"""Whose ports can be reached: by the address, by the network's devices, by what refuses, or by the user's word."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any, cast

import pytest

from stack.engine import reach
from stack.engine.client import Client
from stack.engine.reach import SAID, By, Reach, shares_network
from tests.loopback import free_port
from tests.unit.engine.asked import Asked

HEADER = "Inter-|   Receive  |  Transmit\n face |bytes packets\n"


def container(port: int, status: str = "Up 3 seconds (healthy)", address: str = "0.0.0.0") -> dict[str, Any]:
    ports = [{"IP": address, "PublicPort": port, "Type": "tcp"}, {"PrivatePort": 9, "Type": "tcp"}]
    return {"Status": status, "Ports": ports}


def asked(*containers: dict[str, Any], by: By = "auto", elsewhere: bool = False) -> Reach:
    return Reach(cast(Client, Asked(list(containers))), "s", by, elsewhere=elsewhere)


@pytest.fixture(autouse=True)
def apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """No bridge of an engine is in this network."""
    monkeypatch.setattr(reach, "shares_network", lambda: False)


@pytest.mark.parametrize(
    ("line", "here"), [("docker0: 1 2", True), ("  docker0:1", True), ("eth0: 1", False)]
)
def test_the_engines_bridge_is_a_device_of_its_own_network(tmp_path: Path, line: str, here: bool) -> None:
    devices = tmp_path / "dev"
    devices.write_text(f"{HEADER}{line}\n")
    assert shares_network(devices) is here
    assert not shares_network(tmp_path / "none")


def test_a_healthy_container_whose_port_refuses_is_out_of_reach() -> None:
    found = asked(container(free_port()))
    assert found.remote and found.turns_out_remote()
    assert found.remarks() == (SAID,)


def test_one_that_answers_is_here() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = asked(container(free_port()), container(server.getsockname()[1], address="127.0.0.1"))
        assert not found.remote and found.remarks() == ()


@pytest.mark.parametrize("status", ["Up 1 second (health: starting)", "Up 1 second (unhealthy)"])
def test_one_that_is_not_healthy_says_nothing_yet(status: str) -> None:
    told = [container(free_port(), status)]
    found = asked(*told)
    cast(Any, found)._client.told = told
    assert not found.remote
    told[0]["Status"] = "Up 2 seconds (healthy)"
    assert not found.remote, "one command asks one way until it turns out otherwise"
    assert found.turns_out_remote() and found.remote


def test_where_the_bridge_is_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "shares_network", lambda: True)
    found = asked(container(free_port()))
    assert not found.turns_out_remote()
    assert cast(Any, found)._client.asked == 0


@pytest.mark.parametrize(
    ("by", "elsewhere", "remote"),
    [("auto", True, True), ("ports", True, False), ("ports", False, False), ("network", False, True)],
)
def test_the_users_word_and_the_address_come_first(by: By, elsewhere: bool, remote: bool) -> None:
    found = asked(container(free_port()), by=by, elsewhere=elsewhere)
    assert found.remote is remote is found.turns_out_remote()
    assert cast(Any, found)._client.asked == 0 and found.remarks() == ()


def test_what_is_not_published_is_looked_for_at_its_own_address() -> None:
    def inner(port: int) -> dict[str, Any]:
        joined = {"Networks": {"s": {"IPAddress": "127.0.0.1"}, "other": {"IPAddress": "192.0.2.1"}}}
        ports = [{"PrivatePort": port, "Type": "tcp"}]
        return {"Status": "Up 3 seconds (healthy)", "Ports": ports, "NetworkSettings": joined}

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not asked(inner(port), by="inner").remote
        assert asked(inner(free_port()), container(port), by="inner").remote, "a published port is no way in"
