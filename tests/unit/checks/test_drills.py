"""Drills against the shipped rules: each alert has one or says why not, and the bound follows from the files."""

from __future__ import annotations

from itertools import combinations

import pytest
import yaml
from msgspec.structs import replace

from stack.app.faults import FAULTS
from stack.checks.drills import BY_NAME, DRILLS, OF_EXPORTERS, WHY_NOT, Bound, bound, job_of, rule_of, why_not
from stack.checks.expect import expected
from stack.checks.model import Expected, Job, Rule
from stack.checks.routing import read
from stack.common.matchers import Labels, match
from stack.components import assemble
from tests.unit.checks.fake_stack import expectation
from tests.unit.components.test_components import ROOT, build

PROBED = "own/prometheus/scrape/there.yml"
PROBE = b"""\
scrape_configs:
  - job_name: there
    metrics_path: /probe
    scrape_interval: 20s
    params: {module: [http_2xx]}
    static_configs: [{targets: ["http://node-exporter:9100/"]}]
    relabel_configs: [{target_label: __address__, replacement: "blackbox:9115"}]
"""


def whole() -> Expected:
    """The stack with all components and a probe of its own."""
    made = build(STACK_COMPONENTS="blackbox=on")
    words = {"remote_write": {"central": {"url": "http://there/"}}}
    made = replace(made, settings=replace(made.settings, tables=words))
    return expected(assemble(replace(made, tree={**made.tree, PROBED: PROBE})), {})


WHOLE = whole()
SHIPPED = {
    rule["alert"]: path.name
    for path in (ROOT / "prometheus/rules").rglob("*.yml")
    for group in yaml.safe_load(path.read_text("utf-8"))["groups"]
    for rule in group["rules"]
    if "alert" in rule
}


@pytest.mark.parametrize("alert", SHIPPED)
def test_every_shipped_alert_has_a_drill_or_says_why_not(alert: str) -> None:
    drilled = [drill.name for drill in DRILLS if drill.alert == alert]
    assert len(drilled) + bool(why_not(alert, SHIPPED[alert])) == 1


def test_nothing_is_said_of_what_is_not_shipped() -> None:
    assert {drill.alert for drill in DRILLS} | set(WHY_NOT) <= set(SHIPPED)
    assert why_not("Mine", "rules/own-mine.yml") == "" and why_not("Watchdog", "") != OF_EXPORTERS


@pytest.mark.parametrize("drill", DRILLS, ids=lambda drill: drill.name)
def test_a_drill_can_be_done_and_its_bound_grows_from_stage_to_stage(drill: object) -> None:
    one = next(d for d in DRILLS if d is drill)
    assert [bool(one.switch), bool(one.stops), bool(one.sends)].count(True) == 1
    assert one.stops in ("", "node_exporter", "grafana") and (not one.switch or one.switch in FAULTS)
    assert job_of(one, WHOLE) is not None
    found = bound(one, WHOLE)
    assert 0 < found.pending <= found.firing < found.told and found.ended > 0


def test_a_probe_of_what_a_drill_stops_is_known_by_its_host_and_paces_the_drill() -> None:
    drill = BY_NAME["probe-fails"]
    (job,) = [job for job in WHOLE.jobs if job.name == "there"]
    assert job_of(drill, WHOLE) == job
    assert bound(drill, WHOLE).pending >= 2 * job.interval
    for address in ("tcp://node-exporter:9100", "node-exporter:9100", "http://node-exporter"):
        assert job_of(drill, replace(WHOLE, jobs=(replace(job, addresses=(address,)),)))
    for address in ("http://node-exporter.example/", "http://other/node-exporter:9100"):
        assert job_of(drill, replace(WHOLE, jobs=(replace(job, addresses=(address,)),))) is None
    assert job_of(drill, replace(WHOLE, jobs=(replace(job, path="/metrics"),))) is None


def test_drills_of_one_wave_stop_different_containers() -> None:
    for wave in {drill.wave for drill in DRILLS}:
        stopped = [drill.stops for drill in DRILLS if drill.wave == wave and drill.stops]
        assert len(stopped) == len(set(stopped))
        assert len([drill for drill in DRILLS if drill.wave == wave and drill.sends]) <= 1, (
            "one detour at a time"
        )


def test_drills_of_one_wave_inhibit_none_of_each_other() -> None:
    (rule,) = read(yaml.safe_load(WHOLE.alertmanager_config)).inhibitions
    assert rule.equal == ("component", "gate")
    for one, other in combinations(DRILLS, 2):
        if one.wave != other.wave:
            continue
        labels = [dict(found.labels) for d in (one, other) if (found := rule_of(d, WHOLE))]
        sides = [Labels({"alertname": d.alert, **ls}) for d, ls in zip((one, other), labels, strict=True)]
        for source, target, ends in ((0, 1, (one, other)), (1, 0, (other, one))):
            if match(rule.sources, sides[source]) and match(rule.targets, sides[target]):
                told = [_gates(end) for end in ends]
                same = labels[0].get("component") == labels[1].get("component")
                assert not same or not told[0] & told[1], (one.name, other.name)


def _gates(one: object) -> set[str]:
    """The value of ``gate`` that a drill's alert has: one, all of them, or none."""
    name = next(d.name for d in DRILLS if d is one)
    every = {
        "config_gate",
        "url_gate",
        "extraction_gate",
        "filesystem_gate",
        "storage_gate",
        "db_boundary_gate",
    }
    single = {
        "denied-hosts": {"url_gate"},
        "zip-bombs": {"extraction_gate"},
        "path-traversal": {"filesystem_gate"},
        "stale-writes": {"db_boundary_gate"},
    }
    return single.get(name) or (every if name.startswith("gates-") else {""})


ROUTES = """
route:
  receiver: a
  group_wait: 10s
  group_interval: 1m
  routes:
    - {receiver: b, matchers: ['severity="critical"'], group_wait: 3s, continue: true}
    - {receiver: c, matchers: ['severity="critical"'], group_interval: 2m}
receivers: [{name: a}, {name: b}, {name: c}]
"""


def stack(severity: str, expr: str = "rate5m > 1", duration: float = 60.0) -> Expected:
    labels = (("severity", severity),)
    alert = Rule(
        "alerts",
        "FilesystemGateTraversalDetection",
        "alerting",
        expr,
        duration=duration,
        labels=labels,
        interval=15.0,
    )
    middle = Rule("records", "rate5m", "recording", "rate(deep[5m])", interval=30.0)
    deep = Rule("records", "deep", "recording", "sum(x[10m:])", interval=30.0)
    jobs = (Job("app", interval=5.0), Job("other", interval=600.0))
    return replace(expectation(), rules=(alert, middle, deep), jobs=jobs, alertmanager_config=ROUTES)


DRILL = BY_NAME["path-traversal"]


def test_a_bound_counts_scrapes_turns_and_the_slowest_route() -> None:
    """Two scrapes of 5 s, a turn of 15 s and one of 30 s, 5 s to spare; then ``for`` and another turn."""
    assert bound(DRILL, stack("warning")) == Bound(60.0, 135.0, 150.0, 10 + 45 + 600 + 60 + 5)
    assert bound(DRILL, stack("critical")) == Bound(60.0, 135.0, 150.0, 10 + 45 + 600 + 120 + 5)


def test_without_for_it_fires_at_once() -> None:
    found = bound(DRILL, stack("warning", "x > 1", duration=0.0))
    assert (found.pending, found.firing) == (10 + 15 + 5, 10 + 15 + 5)


def test_what_fills_a_window_takes_it_before_and_not_after() -> None:
    filling = replace(DRILL, share=1.0)
    expr = "increase(x[5m]) == 0 and increase(x[1h]) > 60"
    plain, filled = bound(DRILL, stack("warning", expr)), bound(filling, stack("warning", expr))
    assert filled.pending - plain.pending == 300.0, "the shortest: the longer one asks for something else"
    assert plain.ended - filled.ended == 3600.0


def test_without_its_rule_there_is_no_bound() -> None:
    with pytest.raises(KeyError, match="GrafanaDown"):
        bound(BY_NAME["grafana-gone"], stack("warning"))
