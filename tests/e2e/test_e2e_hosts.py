"""A second engine on a machine of its own, joined by a wire: watched by one stack, closed to everybody else."""

from __future__ import annotations

import base64
import os
import signal
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Make
from tests.e2e.stack_command import ROOT, Stack
from tests.machines.machine import Machine, Place, running

pytestmark = pytest.mark.e2e
NET = "10.213.117"
HERE, THERE, BESIDE = f"{NET}.1", f"{NET}.2", f"{NET}.3"
ENGINE = ("dockerd", "--bip", "10.213.118.1/24", "--default-address-pool", "base=10.213.120.0/22,size=26")
OURS, THEIRS = "e2ehost0", "e2ehost1"
CONTAINER = "e2e-hosts-host-web1-node-exporter"


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@pytest.fixture(scope="module")
def machine() -> Iterator[Place]:
    """With two addresses; this machine is at the other end of the wire."""
    (ROOT / ".stack").mkdir(mode=0o700, exist_ok=True)
    with running(Machine(ENGINE), None) as place:
        ip("link", "add", OURS, "type", "veth", "peer", "name", THEIRS, "netns", str(place.process))
        try:
            ip("addr", "add", f"{HERE}/24", "dev", OURS)
            ip("link", "set", OURS, "up")
            for words in (
                ("addr", "add", f"{THERE}/24", "dev", THEIRS),
                ("addr", "add", f"{BESIDE}/24", "dev", THEIRS),
                ("link", "set", THEIRS, "up"),
            ):
                subprocess.run([*place.there, "ip", *words], check=True, capture_output=True)
            yield place
        finally:
            ip("link", "del", OURS)


@pytest.fixture(scope="module")
def stack(make_stack: Make) -> Stack:
    made = make_stack("e2e-hosts", 27950, STACK_GRAFANA="off", STACK_COMPONENTS="app=off")
    made.ok("start", "--no-smoke")
    return made


@pytest.fixture(scope="module")
def watched(stack: Stack, machine: Place) -> Iterator[Stack]:
    """With the host, proven; whatever its tests leave is removed while the host is there."""
    told = stack.ok("host", "add", "web1", machine.address, "--address", THERE, "--json").json()
    assert told["proven"] and told["address"] == f"{THERE}:9100"
    yield stack
    if (stack.home / "own/hosts/web1.toml").exists():
        stack.ok("host", "remove", "web1")


def secret(stack: Stack, kind: str) -> Path:
    return stack.home / f"own/secrets/hosts/web1.{kind}"


def asked(stack: Stack, password: str) -> int:
    """The status that the exporter answers with, over the one certificate that is trusted."""
    context = ssl.create_default_context(cafile=str(secret(stack, "crt")))
    context.check_hostname = False  # the address is no name of it; Prometheus gives the name
    request = urllib.request.Request(f"https://{THERE}:9100/metrics")
    if password:
        token = base64.b64encode(f"prometheus:{password}".encode()).decode()
        request.add_header("Authorization", f"Basic {token}")
    try:
        with urllib.request.urlopen(request, timeout=10, context=context) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_only_who_has_the_password_is_answered(watched: Stack) -> None:
    right = secret(watched, "password").read_text().strip()
    assert asked(watched, right) == 200
    assert asked(watched, "wrong") == 401
    assert asked(watched, "") == 401


def test_nothing_listens_on_another_address(watched: Stack, machine: Place) -> None:
    for address in (BESIDE, "127.0.0.1"):
        probe = f"import socket; socket.create_connection(({address!r}, 9100), 2)"
        ran = subprocess.run(
            [*machine.there, "python3", "-c", probe], capture_output=True, text=True, check=False
        )
        assert "ConnectionRefusedError" in ran.stderr, address


def test_it_is_hardened_and_judged_as_the_one_here(watched: Stack, machine: Place) -> None:
    there, here = machine.client.containers.get(CONTAINER).attrs, watched.inspect()["node_exporter"]
    for key in ("CapDrop", "SecurityOpt", "ReadonlyRootfs", "Memory", "NanoCpus", "PidsLimit", "Privileged"):
        assert there["HostConfig"][key] == here["HostConfig"][key], key
    assert there["Config"]["User"] == here["Config"]["User"]
    audit = watched.ok("audit", "--json").json()
    assert CONTAINER in audit["containers"]


def test_its_figures_are_those_of_its_own(watched: Stack) -> None:
    assert watched.query('up{instance="web1", host="web1"}') == [1.0]
    assert len(watched.query('node_uname_info{instance="web1", nodename="web1"}')) == 1
    assert watched.query("count(count by (instance) (node_boot_time_seconds))") == [2.0]


def test_status_list_and_plan_show_all_hosts(watched: Stack) -> None:
    status = watched.ok("status", "--json").json()
    row = next(row for row in status["components"] if row["component"] == "host web1")
    assert row["state"].startswith("running") and row["digest_match"]
    (listed,) = watched.ok("host", "list", "--json").json()["hosts"]
    assert (listed["scraped"], listed["says"]) == ("up", "")
    assert watched.ok("plan", "--json").json()["hosts"][0]["plan"] == []


def test_a_second_start_touches_nothing_there(watched: Stack, machine: Place) -> None:
    before = machine.client.containers.get(CONTAINER).attrs["State"]["StartedAt"]
    watched.ok("start")
    assert machine.client.containers.get(CONTAINER).attrs["State"]["StartedAt"] == before


def test_one_that_is_removed_there_comes_back(watched: Stack, machine: Place) -> None:
    machine.client.containers.get(CONTAINER).remove(force=True)
    watched.ok("reload")
    assert machine.client.containers.get(CONTAINER).status == "running"


def test_a_host_that_is_down_is_named_and_holds_nobody_up(watched: Stack, machine: Place) -> None:
    ip("link", "set", OURS, "down")
    socket, aside = Path(machine.socket), Path(f"{machine.socket}.aside")
    socket.rename(aside)
    try:
        ran = watched.ok("start", "--json").json()
        assert ran["status"] == "running" and not ran["hosts"][0]["ok"]
        assert f"no Docker engine answers at {machine.address}" in ran["hosts"][0]["error"]
        listed = watched("host", "list", "--json")
        assert (listed.code, listed.json()["hosts"][0]["state"]) == (6, "unreachable")
        remarks = [w for f in watched.ok("smoke", "--json").json()["findings"] for w in f["warnings"]]
        assert any(remark.startswith("host web1 is down: ") for remark in remarks)
    finally:
        aside.rename(socket)
        ip("link", "set", OURS, "up")


def test_an_engine_that_hangs_is_given_up(watched: Stack, machine: Place) -> None:
    engine = int(Path(f"/proc/{machine.process}/task/{machine.process}/children").read_text().split()[0])
    os.kill(engine, signal.SIGSTOP)
    try:
        began = time.monotonic()
        ran = watched("status", "--json")
        assert time.monotonic() - began < 15 and ran.code == 5
        assert any("no answer from its engine" in remark for remark in ran.json()["remarks"])
    finally:
        os.kill(engine, signal.SIGCONT)


def test_remove_leaves_nothing(watched: Stack, machine: Place) -> None:
    watched.ok("host", "remove", "web1")
    assert machine.left() == []
    assert [path for path in (watched.home / "own").rglob("*") if path.is_file()] == []
