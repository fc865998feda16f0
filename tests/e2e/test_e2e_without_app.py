"""Without the application the stack is whole: proven, with an alert path of its own; nothing asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import docker
import pytest
import requests

from stack.common.wait import CLOCK, NotYet, until
from tests.e2e.conftest import Make
from tests.e2e.heartbeat import Service, service
from tests.e2e.stack_command import Stack

pytestmark = pytest.mark.e2e
LEFT = {"prometheus", "alertmanager", "node_exporter"}
OWN = """\
  - name: mine # 17:00
    webhook_configs:
      - url: http://app:8000/alerts
      - {url: "https://hooks.example.com/a?b=c"} # kept
"""


@pytest.fixture(scope="module")
def outside() -> Iterator[Service]:
    with service() as made:
        yield made


@pytest.fixture(scope="module")
def alone(make_stack: Make, outside: Service) -> Stack:
    """A stack whose settings switch the application off, with a receiver of the user's own and a service outside."""
    stack = make_stack("e2e-alone", 27450, STACK_GRAFANA="off")
    settings = '[components]\napp = "off"\n[watchdog]\nurl_file = "own/secrets/heartbeat"\nevery = "2s"\n'
    (stack.home / "stack.toml").write_text(settings)
    address = stack.home / "own/secrets/heartbeat"
    address.parent.mkdir(parents=True)
    address.write_text(outside.url + "\n")
    file = stack.home / "alertmanager/alertmanager.yml"
    file.write_text(file.read_text() + OWN)
    return stack


@pytest.fixture(scope="module")
def started(alone: Stack) -> dict[str, Any]:
    """What its start tells, which ends with exit code 0."""
    document: dict[str, Any] = alone.ok("start", "--json").json()
    return document


def told(stack: Stack, component: str, path: str) -> Any:
    """What a product answers."""
    answer = requests.get(stack.url(component) + path, timeout=10)
    answer.raise_for_status()
    return answer.json()


def test_three_components_run_and_the_alert_path_is_proven(alone: Stack, started: dict[str, Any]) -> None:
    assert (started["ok"], started["status"]) == (True, "running")
    assert set(alone.inspect()) == LEFT
    found = {f["check"]: f for f in started["report"]["findings"]}
    assert "alert delivered and resolved" in found["path.alert"]["evidence"]
    assert "received the Watchdog" in found["path.watchdog"]["evidence"]
    assert {f["status"] for f in found.values()} == {"ok"}
    assert {f["component"] for f in found.values()} == LEFT - {"node_exporter"}, "it is asked by its target"
    status = alone.ok("status", "--json").json()
    assert {row["component"] for row in status["components"]} == LEFT
    assert status["status"] == "running"


def test_prometheus_has_no_target_and_no_rule_of_it(alone: Stack, started: dict[str, Any]) -> None:
    del started
    targets = told(alone, "prometheus", "/api/v1/targets")["data"]["activeTargets"]
    assert {target["labels"]["job"] for target in targets} == {"prometheus", "alertmanager", "node"}
    groups = told(alone, "prometheus", "/api/v1/rules")["data"]["groups"]
    assert groups and not [g["file"] for g in groups if g["file"].rpartition("/")[2].startswith("app")]
    rules = [rule for group in groups for rule in group["rules"]]
    assert not [rule["name"] for rule in rules if "gate_" in rule["query"] or 'job="app"' in rule["query"]]


def test_alertmanager_sends_nothing_to_it_and_keeps_what_is_the_users(
    alone: Stack, started: dict[str, Any]
) -> None:
    del started
    text = told(alone, "alertmanager", "/api/v2/status")["config"]["original"]
    assert "app:8000" not in text
    names = {receiver["name"] for receiver in told(alone, "alertmanager", "/api/v2/receivers")}
    assert {"mine", "default", "stack-test"} <= names


def test_the_application_comes_and_goes_without_touching_the_others(
    alone: Stack, started: dict[str, Any]
) -> None:
    del started
    before = alone.starts()
    alone.ok("start", "--quick", "--with", "app")
    assert set(alone.inspect()) == LEFT | {"app"}
    assert {name: alone.starts()[name] for name in LEFT} == before
    alone.ok("reload")
    assert "app" in alone.inspect(), "what was asked for once holds"
    alone.ok("start", "--quick", "--without", "app")
    assert alone.starts() == before
    assert "app:8000" not in told(alone, "alertmanager", "/api/v2/status")["config"]["original"]


def test_nothing_but_the_watchdog_is_told_to_anybody(alone: Stack, started: dict[str, Any]) -> None:
    del started
    rows = alone.ok("alerts", "--json").json()["alerts"]
    assert [row["name"] for row in rows if row["state"] != "pending"] == ["Watchdog"]


def more(outside: Service) -> None:
    """Pings come."""
    before = len(outside.heard)

    def pinged() -> None:
        if len(outside.heard) == before:
            raise NotYet("no ping")

    until(pinged, seconds=20, every=0.1)


def none(outside: Service) -> None:
    """No ping comes in the time of two; one that was under way may still."""
    CLOCK.sleep(1)
    before = len(outside.heard)
    CLOCK.sleep(5)
    assert len(outside.heard) == before


def test_pings_reach_the_service_outside_until_prometheus_alertmanager_or_all_of_it_stands_still(
    alone: Stack, started: dict[str, Any], outside: Service
) -> None:
    del started
    engine = docker.from_env()
    prometheus, alertmanager, exporter = (
        engine.containers.get(f"e2e-alone-{name}") for name in ("prometheus", "alertmanager", "node-exporter")
    )
    more(outside)
    assert {body["status"] for body in outside.heard} == {"firing"} and outside.strays == []
    assert "secret-uuid" not in told(alone, "alertmanager", "/api/v2/status")["config"]["original"]
    everything = (prometheus, alertmanager, exporter)
    for container in everything:
        container.pause()
    none(outside)
    for container in everything:
        container.unpause()
    more(outside)
    alertmanager.stop(timeout=5)
    none(outside)
    alertmanager.start()
    more(outside)
    prometheus.stop(timeout=5)

    def silent() -> None:
        if any(a["labels"]["alertname"] == "Watchdog" for a in told(alone, "alertmanager", "/api/v2/alerts")):
            raise NotYet("Alertmanager still holds the Watchdog")

    until(silent, seconds=60, every=0.5)
    none(outside)
    assert {body["status"] for body in outside.heard} == {"firing"}, "its end is no sign of life"
