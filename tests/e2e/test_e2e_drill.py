"""Every drill on a real engine: told, and its end too, within its bound; SIGKILL leaves nothing behind.

The rules and routes of this stack have seconds where the shipped ones have minutes; the bounds follow. Limits are
higher, as in windows so short the few rejections of the load would be a large share.
"""

from __future__ import annotations

import os
import re
import signal
from typing import Any

import pytest
import requests

from stack.checks.drills import DRILLS
from stack.common.wait import NotYet, until
from tests.e2e.conftest import Make
from tests.e2e.stack_command import Stack

pytestmark = pytest.mark.e2e
WINDOW = "20s"
FASTER = {
    "prometheus": (
        (r"(scrape_interval|scrape_timeout|evaluation_interval): \d+s", r"\1: 2s"),
        (r"(?m)^(\s+)interval: \d+s", r"\1interval: 2s"),
    ),
    "rules": (
        (r"for: [125]m\b", "for: 2s"),
        (r"\[[15]m\]", f"[{WINDOW}]"),
        (r"offset 5m", f"offset {WINDOW}"),
        (r"> 0\.(0\d|1)\b", "> 0.3"),
    ),
    "alertmanager": ((r"group_(wait|interval): (30s|10s|5s|1m|5m)\b", r"group_\1: 1s"),),
}
SENDING = """\
[prometheus]
extra_args = "--web.enable-remote-write-receiver"
[remote_write.itself]
url = "http://127.0.0.1:9090/api/v1/write"
write_relabel_configs = [
  {source_labels = ["__name__", "via"], regex = "scrape_duration_seconds;", action = "keep"},
  {target_label = "via", replacement = "itself"},
]
"""
PROBE = """\
scrape_configs:
  - job_name: exporter
    metrics_path: /probe
    scrape_interval: 2s
    scrape_timeout: 2s
    params: {module: [http_2xx]}
    static_configs: [{targets: ["http://node-exporter:9100/"]}]
    relabel_configs:
      - {source_labels: [__address__], target_label: __param_target}
      - {source_labels: [__param_target], target_label: instance}
      - {target_label: __address__, replacement: "blackbox:9115"}
"""


@pytest.fixture(scope="module")
def stack(make_stack: Make, grafana_image: str) -> Stack:
    """A proven stack with fault switches and a probe whose alerts take seconds."""
    extra = {"STACK_GRAFANA": "required", "STACK_GRAFANA_IMAGE": grafana_image, "STACK_FAULTS": "true"}
    made = make_stack("e2e-drill", 29800, **extra)
    for path in (*made.home.glob("prometheus/*.yml"), *made.home.glob("prometheus/rules/**/*.yml")):
        changes = FASTER["prometheus"] + (FASTER["rules"] if "rules" in path.parts else ())
        faster(path, changes)
    faster(made.home / "alertmanager/alertmanager.yml", FASTER["alertmanager"])
    probe = made.home / "own/prometheus/scrape/exporter.yml"
    probe.parent.mkdir(parents=True)
    probe.write_text(PROBE)
    (made.home / "stack.toml").write_text(SENDING)
    made.ok("start", "--quick")
    drilled = "|".join(drill.alert for drill in DRILLS)

    def calm() -> None:
        if max(made.query('count_over_time(ALERTS{alertname="Watchdog"}[20s])'), default=0) < 4:
            raise NotYet("the rules have hardly been evaluated")
        if active := made.query(f'count(max_over_time(ALERTS{{alertname=~"{drilled}"}}[6s]))'):
            raise NotYet(f"{active[0]:g} alerts were active within the last seconds")

    until(calm, seconds=30, every=0.5)
    return made


def faster(path: Any, changes: tuple[tuple[str, str], ...]) -> None:
    text = path.read_text("utf-8")
    for pattern, instead in changes:
        text = re.sub(pattern, instead, text)
    path.write_text(text, "utf-8")


def test_every_drill_is_told_and_taken_back_within_its_bounds(stack: Stack) -> None:
    before = stack.starts()
    ran = stack.ok("drill", "--all", "--json")
    found = {one["name"]: one for one in ran.json()["drills"]}
    assert set(found) == {drill.name for drill in DRILLS}
    for one in found.values():
        assert one["pending"] <= one["firing"] <= one["told"] <= one["bound"]["told"] < 50, one
        assert one["ended"] <= one["bound"]["ended"] < 50, one
    after = stack.starts()
    assert {name for name in before if before[name] != after[name]} == {"node_exporter", "grafana"}
    assert stack.ok("plan", "--json").json()["plan"] == []


def test_what_a_killed_drill_has_broken_is_mended_by_itself_or_by_the_next(stack: Stack) -> None:
    complete = sorted(stack.left())
    process = stack.begin("drill", "store-down", "grafana-gone")

    def broken() -> None:
        assert process.poll() is None, process.communicate()
        if stack.inspect()["grafana"]["State"]["Running"] or not switched_on(stack):
            raise NotYet("nothing is broken yet")

    until(broken, seconds=20, every=0.1)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert not stack.inspect()["grafana"]["State"]["Running"]
    ((name, left),) = switched_on(stack).items()
    assert name == "substrate-down" and left < 100, "it ends by itself"
    ran = stack.ok("drill", "target-gone")
    assert "restored  grafana: a drill had changed it and was killed" in ran.out
    assert stack.inspect()["grafana"]["State"]["Running"]
    assert sorted(stack.left()) == complete


def switched_on(stack: Stack) -> dict[str, float]:
    """The fault switches that are on, and for how many seconds more."""
    listed = requests.get(f"{stack.url('app')}/faults", timeout=10).json()["faults"]
    return {one["name"]: one["seconds_left"] for one in listed if one["state"] == "on"}
