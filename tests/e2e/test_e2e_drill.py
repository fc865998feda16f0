"""Drills on a real engine: faults are told and their ends too within their bounds, and SIGKILL leaves nothing behind.

The rules and routes of this stack have seconds where the shipped ones have minutes; the bounds follow.
"""

from __future__ import annotations

import os
import re
import signal
from typing import Any

import pytest

from stack.common.wait import NotYet, until
from tests.e2e.conftest import Make
from tests.e2e.stack_command import Stack

pytestmark = pytest.mark.e2e
FASTER = {
    "prometheus": (
        (r"(scrape_interval|scrape_timeout|evaluation_interval): \d+s", r"\1: 1s"),
        (r"(?m)^(\s+)interval: 30s", r"\1interval: 1s"),
    ),
    "rules": ((r"for: [125]m\b", "for: 2s"), (r"\[[15]m\]", "[6s]")),
    "alertmanager": ((r"group_(wait|interval): (30s|10s|5s|1m|5m)\b", r"group_\1: 1s"),),
}


@pytest.fixture(scope="module")
def stack(make_stack: Make) -> Stack:
    """A proven stack with fault switches whose alerts take seconds."""
    made = make_stack("e2e-drill", 29800, STACK_GRAFANA="off", STACK_FAULTS="true")
    for path in (*made.home.glob("prometheus/*.yml"), *made.home.glob("prometheus/rules/*.yml")):
        changes = FASTER["prometheus"] + (FASTER["rules"] if path.parent.name == "rules" else ())
        faster(path, changes)
    faster(made.home / "alertmanager/alertmanager.yml", FASTER["alertmanager"])
    made.ok("start", "--quick")
    return made


def faster(path: Any, changes: tuple[tuple[str, str], ...]) -> None:
    text = path.read_text("utf-8")
    for pattern, instead in changes:
        text = re.sub(pattern, instead, text)
    path.write_text(text, "utf-8")


def test_faults_are_told_and_taken_back_within_their_bounds(stack: Stack) -> None:
    before = stack.starts()
    ran = stack.ok("drill", "stale-writes", "target-gone", "--json")
    found = {one["name"]: one for one in ran.json()["drills"]}
    assert set(found) == {"stale-writes", "target-gone"}
    for one in found.values():
        assert one["pending"] <= one["firing"] <= one["told"] <= one["bound"]["told"] < 40, one
        assert one["ended"] <= one["bound"]["ended"] < 40, one
    after = stack.starts()
    assert {name for name in before if before[name] != after[name]} == {"node_exporter"}
    assert stack.ok("plan", "--json").json()["plan"] == []


def test_what_a_killed_drill_has_broken_is_mended_by_the_next(stack: Stack) -> None:
    complete = sorted(stack.left())
    process = stack.begin("drill", "target-gone")

    def stopped() -> None:
        if stack.inspect()["node_exporter"]["State"]["Running"]:
            raise NotYet("it still runs")

    until(stopped, seconds=20, every=0.1)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert not stack.inspect()["node_exporter"]["State"]["Running"]
    ran = stack.ok("drill", "stale-writes")
    assert "restored  node_exporter: a drill had stopped it and was killed" in ran.out
    assert stack.inspect()["node_exporter"]["State"]["Running"]
    assert sorted(stack.left()) == complete
