"""Samples sent to a real VictoriaMetrics: they arrive, an outage is caught up, a wrong password is named."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import docker
import pytest

from stack.common.wait import NotYet, until
from stack.components import load
from stack.engine.docker import connect
from tests.e2e import servers
from tests.e2e.conftest import Make
from tests.e2e.stack_command import ROOT, Stack

pytestmark = pytest.mark.e2e

OUTAGE = 16.0
TOML = """
[remote_write.central]
url = "http://victoria:8428/api/v1/write"
username = "writer"
password_file = "own/secrets/central"
drop = ["go_.*"]
[external_labels]
cluster = "e2e"
"""


@pytest.fixture(scope="module")
def remote() -> Iterator[Any]:
    engine = connect()
    image = servers.image(engine, load({}, environ={}, project=ROOT).cache)
    with servers.running(image, "e2e-remote-write", "victoria") as made:
        yield made["victoria"]


@pytest.fixture(scope="module")
def stack(make_stack: Make, remote: Any) -> Iterator[Stack]:
    made = make_stack("e2e-sends", 27800, STACK_GRAFANA="off")
    made.ok("start", "--quick")
    network = docker.from_env().networks.get(made.name)
    network.connect(remote, aliases=["victoria"])
    (made.home / "own/secrets").mkdir(parents=True)
    (made.home / "own/secrets/central").write_text("secret\n")
    (made.home / "stack.toml").write_text(TOML)
    yield made
    network.disconnect(remote, force=True)


def held(remote: Any, query: str) -> list[dict[str, Any]]:
    """What the remote storage answers."""
    url = f"http://127.0.0.1:8428/api/v1/query?query={quote(query)}"
    ask = f"wget -q -O - --header 'Authorization: Basic d3JpdGVyOnNlY3JldA==' '{url}'"
    ran = remote.exec_run(["/bin/sh", "-c", ask])
    if ran.exit_code != 0 or not ran.output:
        raise NotYet(f"no answer: {ran.output!r}")
    found: list[dict[str, Any]] = json.loads(ran.output)["data"]["result"]
    return found


def test_samples_arrive_and_are_proven(stack: Stack, remote: Any) -> None:
    findings = stack.ok("start", "--json").json()["report"]["findings"]
    (found,) = [one for one in findings if one["check"] == "prometheus.remote_write"]
    assert found["status"] == "ok" and found["evidence"].startswith("samples taken: central ")

    def arrived() -> None:
        if not held(remote, "up"):
            raise NotYet("nothing there")

    until(arrived, seconds=20)
    assert {one["metric"]["cluster"] for one in held(remote, "up")} == {"e2e"}
    assert held(remote, "go_goroutines") == []
    assert "--storage.remote.flush-deadline=3s" in stack.inspect()["prometheus"]["Config"]["Cmd"]


def test_an_outage_is_caught_up(stack: Stack, remote: Any) -> None:
    began = time.time()
    remote.pause()
    time.sleep(OUTAGE)
    remote.unpause()

    def whole() -> None:
        found = held(remote, 'count_over_time(up{job="prometheus"}[30s])')
        if time.time() - began < OUTAGE + 12 or not found or float(found[0]["value"][1]) < 5:
            raise NotYet("samples of the outage are missing")

    until(whole, seconds=45)
    stack.ok("smoke")


def test_a_wrong_password_is_named(stack: Stack, tmp_path: Path) -> None:
    (stack.home / "own/secrets/central").write_text("wrong\n")
    ran = stack("reload", "--json")
    if ran.code == 0:  # samples were taken until then

        def refused() -> None:
            if stack("smoke", "--json").code == 0:
                raise NotYet("nothing was refused yet")

        until(refused, seconds=60, every=2.0)
        ran = stack("smoke", "--json")
    assert ran.code == 6
    (found,) = [one for one in ran.json()["findings"] if one["check"] == "prometheus.remote_write"]
    assert "401" in found["evidence"] and "own/secrets/central" in found["hint"]
    (stack.home / "own/secrets/central").write_text("secret\n")
    stack.ok("reload")


def test_a_missing_password_file_is_named_by_validate(stack: Stack) -> None:
    (stack.home / "own/secrets/central").unlink()
    ran = stack("validate")
    assert ran.code == 2 and "own/secrets/central" in ran.err
    (stack.home / "own/secrets/central").write_text("secret\n")
    stack.ok("validate")
