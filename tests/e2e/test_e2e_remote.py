"""An engine on another machine: nothing but its API is within reach, and all commands do their work all the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from stack.common.wait import NotYet, until
from stack.engine.docker import DockerEngine
from tests.e2e import servers
from tests.e2e.conftest import Make
from tests.e2e.far_away import FarAway, far_away
from tests.e2e.stack_command import PORTS, ROOT, Stack
from tests.e2e.test_e2e_whole_stack import RULES, durations

pytestmark = pytest.mark.e2e
COMPONENTS = ("prometheus", "alertmanager", "node_exporter", "app", "checks")
NETWORK = "e2e-remote-servers"
HOST_FOLDERS = {"/", "/proc", "/sys"}


@pytest.fixture(scope="module")
def place() -> Iterator[FarAway]:
    with far_away() as made:
        yield made


@pytest.fixture(scope="module")
def near(make_stack: Make, grafana_image: str, image_of: Callable[[str], str]) -> Stack:
    """The stack as somebody on the engine's machine sees it; no image can be made from the other place."""
    for component in (*COMPONENTS, "blackbox", "redis_exporter"):
        image_of(component)
    image = {"STACK_GRAFANA": "required", "STACK_GRAFANA_IMAGE": grafana_image}
    return make_stack("e2e-remote", 27400, **image)


@pytest.fixture(scope="module")
def remote(near: Stack, place: FarAway) -> Stack:
    """The same stack, proven, as somebody on another machine commands it."""
    stack = replace(near, before=place.there, extra={**near.extra, "DOCKER_HOST": place.engine})
    ran = stack.ok("start")
    assert f"at {place.engine}" in ran.out
    assert "proven" in ran.out
    return stack


def test_the_engine_and_nothing_else_is_within_reach(remote: Stack, near: Stack, place: FarAway) -> None:
    assert place.reaches("127.0.0.1", int(place.engine.rpartition(":")[2]))
    for number, component in enumerate(PORTS):
        assert not place.reaches("127.0.0.1", near.base + number), component


def test_no_file_of_the_client_is_mounted(remote: Stack) -> None:
    mounts = [m for found in remote.inspect().values() for m in found["Mounts"] if m["Type"] == "bind"]
    assert {m["Source"] for m in mounts} == HOST_FOLDERS
    assert not any(m["RW"] for m in mounts)


def test_status_knows_the_targets(remote: Stack) -> None:
    status = remote.ok("status", "--json").json()
    assert status["status"] == "running"
    assert status["targets_up"] and len(status["targets"]) == 5


def test_a_second_start_touches_nothing(remote: Stack) -> None:
    before = remote.starts()
    assert remote.ok("start", "--json").json()["plan"] == []
    assert remote.starts() == before


def test_an_edited_rule_is_applied_and_verified(remote: Stack, near: Stack) -> None:
    before = remote.starts()
    path = remote.home / RULES
    path.write_text(path.read_text().replace("for: 2m", "for: 4m", 1))
    remote.ok("reload")
    assert 240 in durations(near)
    assert remote.starts() == before


def test_a_broken_rule_is_refused(remote: Stack, near: Stack) -> None:
    before = durations(near)
    path = remote.home / RULES
    text = path.read_text()
    path.write_text(text.replace("groups:", "groups: [", 1))
    assert remote("reload").code == 2
    path.write_text(text)
    assert durations(near) == before


def test_smoke_asks_from_inside(remote: Stack) -> None:
    report = remote.ok("smoke", "--json").json()
    assert report["ok"]
    names = {f["check"] for f in report["findings"]}
    assert {"path.alert", "path.watchdog", "grafana.panels", "prometheus.targets"} <= names
    assert any(name.startswith("node_exporter.") for name in names), "unpublished, yet asked"


def test_a_dead_component_is_seen_from_there(remote: Stack) -> None:
    remote.ok("stop")
    assert remote("status").code == 5
    assert remote("smoke", "--quick").code == 6
    remote.ok("start")
    assert remote.ok("status", "--json").json()["status"] == "running"


def test_a_deep_smoke_is_refused_there(remote: Stack) -> None:
    ran = remote("smoke", "--deep")
    assert ran.code == 2 and "smoke --deep needs an engine on this machine" in ran.err


def test_a_target_of_ones_own_is_proven_from_there(remote: Stack) -> None:
    told = remote.ok(
        "target", "add", "mine", "http://node-exporter:9100", "--interval", "1s", "--json"
    ).json()
    assert told["targets"][0]["samples"] > 100

    def all_up() -> None:  # a scrape each second may miss its second on a busy machine
        rows = remote.ok("target", "list", "--json").json()["targets"]
        assert rows[0]["job"] == "mine"
        if not all(row["health"] == "up" for row in rows):
            raise NotYet(f"not all are up: {rows}")

    until(all_up, seconds=20)
    remote.ok("target", "remove", "mine")


def test_a_probe_is_proven_from_there(remote: Stack) -> None:
    ran = remote.ok("probe", "add", "ready", "http://prometheus:9090/-/ready", "--every", "1s")
    assert "ready succeeds (HTTP 200" in ran.out
    refused = remote("probe", "add", "shut", "tcp://prometheus:1", "--every", "1s")
    assert refused.code == 6 and "nobody listens on prometheus:1" in refused.err

    def up() -> None:  # likewise
        (row,) = remote.ok("probe", "list", "--json").json()["probes"]
        assert row["name"] == "ready"
        if (row["up"], row["code"]) != (True, 200):
            raise NotYet(f"it is not up: {row}")

    until(up, seconds=20)
    remote.ok("probe", "remove", "ready")


@pytest.fixture(scope="module")
def cache(engine: DockerEngine) -> Iterator[str]:
    """A Redis in a container on a network of its own, by the container's name."""
    with servers.running(servers.image(engine, ROOT / ".stack/cache"), NETWORK, "redis"):
        yield f"{NETWORK}-redis"


def test_an_exporter_is_proven_from_there(remote: Stack, cache: str, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text(f"{servers.PASSWORD}\n", "utf-8")
    place = ("--container", cache, "--secret-file", str(secret))
    ran = remote.ok("exporter", "add", "redis", "cache", *place)
    assert "Redis cache answers redis_exporter" in ran.out
    (row,) = remote.ok("exporter", "list", "--json").json()["exporters"]
    assert (row["name"], row["state"]) == ("cache", "up")
    remote.ok("exporter", "remove", "redis", "cache")


def test_with_the_socket_but_another_network_the_ports_are_not_missed(remote: Stack, near: Stack) -> None:
    beside = replace(near, before=remote.before)
    ran = beside.ok("start")
    assert "no published port can be reached from here" in ran.err
    assert beside.ok("status", "--json").json()["targets_up"]


def test_alerts_are_seen_and_silenced_from_there(remote: Stack) -> None:
    words = (
        "silence",
        "add",
        "GateHighRejectionRate",
        "gate=url_gate",
        "--comment",
        "a move",
        "--for",
        "1h",
        "--json",
    )
    made = remote.ok(*words).json()
    assert made["covers"] == "it holds back GateHighRejectionRate"
    (listed,) = remote.ok("silence", "list", "--json").json()["silences"]
    assert (listed["id"], listed["comment"], listed["state"]) == (made["id"], "a move", "active")
    remote.ok("silence", "expire", made["id"][:8])
    assert remote.ok("silence", "list", "--json").json()["silences"] == []
    told = {row["name"]: row for row in remote.ok("alerts", "--json").json()["alerts"]}
    assert (told["Watchdog"]["state"], told["Watchdog"]["told"]) == ("firing", ["watchdog"])


def test_a_killed_reload_leaves_no_container_of_the_checks(remote: Stack) -> None:
    complete = sorted(remote.left())
    path = remote.home / RULES
    path.write_text(path.read_text().replace("for: 4m", "for: 5m", 1))
    for seconds in (1.0, 2.0, 3.0):
        remote.kill_after(seconds, "reload")
    remote.ok("start", "--quick")
    assert sorted(remote.left()) == complete


def test_nothing_is_left_after_destroy(remote: Stack) -> None:
    remote.ok("destroy", "--volumes", "--yes")
    assert remote.left() == []
    assert remote("status").code == 5
    smoke = remote("smoke")
    assert (smoke.code, smoke.err) == (
        6,
        "error: stack e2e-remote is not on this engine: monitoring-stack start\n",
    )
