"""What Prometheus runs is what the files say, what rules read exists, and a target's fault is named with its line."""

from __future__ import annotations

import re
import time
from typing import Any

import docker
import pytest

from stack.model.spec import CONFIG_ROOT, CURRENT, config_volume
from tests.e2e.conftest import Make
from tests.e2e.stack_command import Ran, Stack

pytestmark = pytest.mark.e2e
REMARKED = """\
groups:
  - name: mine
    interval: 5s
    rules:
      - alert: NeverFires
        expr: rate(requests_of_nobody_total[1m]) > 5
      # pint disable promql/series
      - alert: OnlyAfterAnEvent
        expr: events_total > 5
      - record: job:up:sum
        expr: sum by (job) (up)
      - alert: OfARecording
        expr: job:up:sum{job="prometheus"} < 0
"""
BECOME_ONE = """\
groups:
  - name: mine
    rules:
      - record: all:up
        expr: up
        labels: {job: all, instance: all}
"""
LOOPBACK = "scrape_configs:\n  - job_name: shop\n    static_configs: [{targets: ['localhost:9999']}]\n"
NO_TYPE = (
    "scrape_configs:\n  - job_name: shop\n    metrics_path: /user/\n"
    "    static_configs: [{targets: ['localhost:9090']}]\n"
)


@pytest.fixture(scope="module")
def alone(make_stack: Make) -> Stack:
    """A proven stack without application and Grafana, with rules of the user's own."""
    stack = make_stack("e2e-proof", 27700, STACK_GRAFANA="off")
    (stack.home / "stack.toml").write_text('[components]\napp = "off"\n')
    (stack.home / "prometheus/rules/mine.yml").write_text(REMARKED)
    return stack


@pytest.fixture(scope="module")
def started(alone: Stack) -> dict[str, Any]:
    """What its start tells, which ends with exit code 0."""
    document: dict[str, Any] = alone.ok("start", "--json").json()
    return document


def findings(ran: Ran) -> dict[str, dict[str, Any]]:
    """The findings of a command with --json."""
    document = ran.json()
    return {f["check"]: f for f in document.get("report", document)["findings"]}


def by_hand(stack: Stack, script: str, back: str) -> None:
    """Prometheus is made to read files that somebody changed in the volume, and changed back behind its back."""
    _in_volume(stack, script)
    docker.from_env().containers.get(stack.inspect()["prometheus"]["Id"]).kill("SIGHUP")
    time.sleep(11 if "scrape/" in script else 2)  # targets show a load some seconds later
    _in_volume(stack, back)


def _in_volume(stack: Stack, script: str) -> None:
    docker.from_env().containers.run(
        stack.inspect()["prometheus"]["Image"],
        ["-c", f"cd {CONFIG_ROOT}/{CURRENT}/ && {script}"],
        entrypoint="/bin/sh",
        user="0",
        network_mode="none",
        volumes={config_volume(stack.name, "prometheus"): {"bind": CONFIG_ROOT, "mode": "rw"}},
        remove=True,
    )


def test_a_metric_that_nobody_has_is_a_remark_on_a_rule_of_the_users(started: dict[str, Any]) -> None:
    found = {f["check"]: f for f in started["report"]["findings"]}
    assert found["prometheus.series"]["status"] == "ok"
    assert found["prometheus.series"]["warnings"] == [
        "prometheus/rules/mine.yml:5 mine/NeverFires: no series has the name requests_of_nobody_total"
    ]


@pytest.mark.parametrize(
    ("script", "back", "check", "says"),
    [
        (
            "sed -i 's/up == 0/up == 7/' rules/prometheus.yml",
            "sed -i 's/up == 7/up == 0/' rules/prometheus.yml",
            "prometheus.rules",
            "stack_alerts/TargetDown: expr is up == 7 in Prometheus, up == 0 in the file",
        ),
        (
            "sed -i 's/scrape_interval: 5s/scrape_interval: 25s/' prometheus.yml",
            "sed -i 's/scrape_interval: 25s/scrape_interval: 5s/' prometheus.yml",
            "prometheus.config",
            "global.scrape_interval is 25s in Prometheus, 5s in prometheus/prometheus.yml",
        ),
        (
            "sed -i 's/- job_name: node/&\\n    scrape_interval: 7s/' scrape/node_exporter.yml",
            "sed -i '/scrape_interval: 7s/d' scrape/node_exporter.yml",
            "prometheus.targets",
            "job node (prometheus/scrape/node_exporter.yml:2): scrape_interval is 7s in Prometheus, 5s in the file",
        ),
    ],
)
def test_what_prometheus_runs_is_asked_though_every_file_is_right(
    alone: Stack, started: dict[str, Any], script: str, back: str, check: str, says: str
) -> None:
    del started
    by_hand(alone, script, back)
    ran = alone("smoke", "--json")
    assert ran.code != 0
    finding = findings(ran)[check]
    assert finding["status"] == "failed"
    assert says in finding["evidence"]
    remedy = re.match(r"monitoring-stack (reload|restart) ", finding["hint"])
    assert remedy, finding["hint"]
    alone.ok(remedy[1])
    alone.ok("smoke")


def test_a_rule_that_fails_only_when_it_is_evaluated_is_never_proven(
    alone: Stack, started: dict[str, Any]
) -> None:
    del started
    file = alone.home / "prometheus/rules/mine.yml"
    file.write_text(BECOME_ONE)
    began = time.monotonic()
    ran = alone("start", "--json")
    assert ran.code != 0
    assert time.monotonic() - began < 30
    failed = {f["evidence"] for f in findings(ran).values() if f["status"] == "failed"}
    assert any(
        "prometheus/rules/mine.yml:4 mine/all:up" in text
        and "same labelset after applying rule labels" in text
        for text in failed
    ), failed
    file.write_text(REMARKED)
    alone.ok("start")


@pytest.mark.parametrize(
    ("job", "says", "hint"),
    [
        (
            LOOPBACK,
            "nobody listens on localhost:9999, which is inside Prometheus' own container",
            "prometheus/scrape/shop.yml:2: name the container of the service instead",
        ),
        (NO_TYPE, "is a web page (HTML)", "prometheus/scrape/shop.yml:2: set metrics_path"),
    ],
)
def test_the_fault_of_a_target_is_named_with_the_line_to_change(
    alone: Stack, started: dict[str, Any], job: str, says: str, hint: str
) -> None:
    del started
    file = alone.home / "prometheus/scrape/shop.yml"
    file.write_text(job)
    try:
        alone("start", "--quick", "--json")
        finding = findings(alone("smoke", "--json"))["prometheus.targets"]
    finally:
        file.unlink()
    assert says in finding["evidence"]
    assert hint in finding["hint"]
    assert finding["about"] == []
    alone.ok("start")
