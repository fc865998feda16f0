"""What Prometheus shows of itself is held against the rendered files, and each difference is told with both values."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from stack.checks import job_differences, main_differences, rule_differences
from stack.checks.model import Job, Rule
from stack.clients.prometheus import LoadedRule, Target

RULE = Rule(
    "g",
    "Down",
    "alerting",
    "up  == 0",
    "rules/x.yml",
    7,
    duration=60,
    labels=(("severity", "warning"),),
    annotations=(("summary", "Down"),),
    interval=15,
)
SHOWN = LoadedRule(
    "g",
    "Down",
    "alerting",
    "ok",
    "",
    (("severity", "warning"),),
    "/etc/stack/current/rules/x.yml",
    "up == 0",
    60,
    0,
    (("summary", "Down"),),
    15,
)
PLACE = "prometheus/rules/x.yml:7 g/Down: "


def unasked(expr: str) -> str:
    raise AssertionError(f"Prometheus was asked about {expr}")


def told(shown: LoadedRule, rule: Rule = RULE) -> list[str]:
    return list(rule_differences.differences([rule], [shown], lambda expr: expr))


def test_the_same_rule() -> None:
    assert list(rule_differences.differences([RULE], [SHOWN], unasked)) == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"expr": "up == 1"}, f"{PLACE}expr is up == 1 in Prometheus, up == 0 in the file"),
        ({"duration": 0.0}, f"{PLACE}for is 0s in Prometheus, 1m in the file"),
        ({"keep_firing_for": 90.0}, f"{PLACE}keep_firing_for is 1m30s in Prometheus, 0s in the file"),
        (
            {"labels": (("severity", "critical"),)},
            f"{PLACE}label severity is critical in Prometheus, warning in the file",
        ),
        (
            {"labels": (("a", "b"), ("severity", "warning"))},
            f"{PLACE}label a is b in Prometheus, missing in the file",
        ),
        ({"annotations": ()}, f"{PLACE}annotation summary is missing in Prometheus, Down in the file"),
        (
            {"interval": 30.0},
            "prometheus/rules/x.yml g: the group's interval is 30s in Prometheus, 15s in the file",
        ),
        ({"limit": 3}, "prometheus/rules/x.yml g: the group's limit is 3 in Prometheus, 0 in the file"),
    ],
)
def test_each_thing_that_a_rule_says(changes: dict[str, Any], says: str) -> None:
    assert told(replace(SHOWN, **changes)) == [says]


def test_long_values_are_cut_to_where_they_differ() -> None:
    long = " + ".join(["up"] * 100)
    (found,) = told(replace(SHOWN, expr=f"{long} + 1 + {long}"), replace(RULE, expr=f"{long} + 2 + {long}"))
    assert "up + 1 + up" in found
    assert "up + 2 + up" in found
    assert len(found) < 450


def test_a_rule_that_is_missing_and_one_too_many() -> None:
    found = told(replace(SHOWN, name="Other"))
    assert found == [
        "prometheus/rules/x.yml g/Down is not loaded",
        "prometheus/rules/x.yml g/Other is loaded but in no file",
    ]
    elsewhere = told(replace(SHOWN, file="/tmp/foreign.yml"))
    assert "rules/x.yml g/Down is not loaded" in elsewhere[0]


def test_groups_of_one_name_in_two_files_are_two() -> None:
    other = replace(RULE, file="rules/y.yml", expr="up == 2")
    shown = replace(SHOWN, file="/etc/stack/current/rules/y.yml", expr="up == 2")
    assert list(rule_differences.differences([RULE, other], [SHOWN, shown], unasked)) == []


def test_files_that_lie_elsewhere_are_known_by_the_end_of_their_path() -> None:
    assert told(replace(SHOWN, file="/configuration/rules/x.yml")) == []


def test_the_order_within_a_group_counts() -> None:
    rules = [RULE, replace(RULE, name="Up")]
    shown = [replace(SHOWN, name="Up"), SHOWN]
    assert list(rule_differences.differences(rules, shown, unasked)) == [
        "prometheus/rules/x.yml g: its rules stand in another order in Prometheus: Up, Down"
    ]


def test_prometheus_has_the_last_word_on_an_expression() -> None:
    same = {"sum by () (up)": "sum(up)", "sum(up)": "sum(up)"}
    assert rule_differences.same_expression("sum by () (up)", "sum(up)", same.__getitem__)
    assert rule_differences.same_expression("new(up) ?", "new(up)  ?", unasked)
    assert not rule_differences.same_expression("new(up) ? 1", "new(up) ? 2", str)


MAIN = """\
global:
  scrape_interval: 60s
  external_labels: {stack: mine}
rule_files: [rules/*.yml]
alerting:
  alertmanagers:
    - static_configs: [{targets: [alertmanager:9093]}]
      basic_auth: {username: u, password: secret}
scrape_configs:
  - job_name: x
    body_size_limit: 1024KB
    honor_labels: true
    sample_limit: 10
"""
LOADED = """\
global:
  scrape_interval: 1m
  scrape_timeout: 10s
  scrape_protocols: [a, b]
  evaluation_interval: 1m
  external_labels:
    stack: mine
runtime:
  gogc: 75
alerting:
  alertmanagers:
  - follow_redirects: true
    basic_auth:
      username: u
      password: <secret>
    static_configs:
    - targets:
      - alertmanager:9093
rule_files:
- /etc/stack/current/rules/*.yml
scrape_configs:
- job_name: x
  honor_labels: true
  scrape_interval: 1m
  body_size_limit: 1MB
  sample_limit: 10
storage:
  exemplars: {max_exemplars: 100000}
"""


def test_the_main_file_with_defaults_masks_and_paths() -> None:
    assert list(main_differences.differences(MAIN, LOADED)) == []
    assert list(main_differences.differences("", "global:\n  scrape_interval: 1m\n")) == []
    assert list(main_differences.differences("global:\n", "global: {evaluation_interval: 1m}")) == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "scrape_interval: 1m\n  scrape_t",
            "scrape_interval: 30s\n  scrape_t",
            "global.scrape_interval is 30s in Prometheus, 60s in prometheus/prometheus.yml",
        ),
        (
            "evaluation_interval: 1m",
            "evaluation_interval: 5m",
            "global.evaluation_interval is 5m in Prometheus, 1m by default in prometheus/prometheus.yml",
        ),
        (
            "- alertmanager:9093",
            "- elsewhere:9093",
            "alerting.alertmanagers[0].static_configs[0].targets[0] is elsewhere:9093 in Prometheus, "
            "alertmanager:9093 in prometheus/prometheus.yml",
        ),
        (
            "- alertmanager:9093",
            "- alertmanager:9093\n      - other:1",
            "alerting.alertmanagers[0].static_configs[0].targets has 2 entries in Prometheus, "
            "1 in prometheus/prometheus.yml",
        ),
        (
            "stack: mine",
            "stack: mine\n    more: x",
            "global.external_labels.more is set in Prometheus and not in prometheus/prometheus.yml",
        ),
        (
            "  honor_labels: true\n",
            "",
            "scrape_configs[0].honor_labels is missing in Prometheus, true in prometheus/prometheus.yml",
        ),
        (
            "storage:",
            "remote_write: [{url: 'http://x'}]\nstorage:",
            "remote_write is set in Prometheus and not in prometheus/prometheus.yml",
        ),
        ("body_size_limit: 1MB", "body_size_limit: 2MB", "scrape_configs[0].body_size_limit is 2MB in Prometheus, "),
        ("sample_limit: 10", "sample_limit: 11", "scrape_configs[0].sample_limit is 11 in Prometheus, "),
        ("global:", "global: {", "the loaded configuration cannot be read"),
    ],
)  # fmt: skip
def test_what_differs_in_the_main_file(old: str, new: str, says: str) -> None:
    assert old in LOADED
    found = list(main_differences.differences(MAIN, LOADED.replace(old, new)))
    assert len(found) == 1
    assert found[0].startswith(says)


JOB = Job("shop", "scrape/shop.yml", 2, addresses=("a:1", "b:1"), params=(("m", "v"),))


def target(address: str, job: str = "shop", **changes: str) -> Target:
    labels = {
        "__address__": address,
        "__metrics_path__": "/metrics",
        "__scheme__": "http",
        "__scrape_interval__": "1m",
        "__scrape_timeout__": "10s",
        "__param_m": "v",
        **changes,
    }
    return Target(job, address, "up", "", f"http://{address}/metrics", tuple(labels.items()))


BOTH = [target("a:1"), target("b:1")]
AT = "job shop (prometheus/scrape/shop.yml:2): "


def test_the_same_job() -> None:
    assert list(job_differences.differences([JOB], BOTH)) == []


@pytest.mark.parametrize(
    ("targets", "says"),
    [
        ([], f"{AT}0 targets, expected 2"),
        ([target("a:1")], f"{AT}b:1 is not scraped"),
        ([*BOTH, target("c:1")], f"{AT}c:1 is scraped and not in the file"),
        ([*BOTH, target("x", "other")], "job other is scraped but in no file"),
        (
            [target(a, __scrape_interval__="15s") for a in ("a:1", "b:1")],
            f"{AT}scrape_interval is 15s in Prometheus, 1m in the file",
        ),
        (
            [target("a:1", __scrape_timeout__="1s"), target("b:1")],
            f"{AT}scrape_timeout is 1s in Prometheus, 10s in the file",
        ),
        (
            [target("a:1", __metrics_path__="/m"), target("b:1")],
            f"{AT}metrics_path is /m in Prometheus, /metrics in the file",
        ),
        ([target("a:1", __scheme__="https"), target("b:1")], f"{AT}scheme is https in Prometheus, http in the file"),
        ([target("a:1", __param_m=""), target("b:1")], f"{AT}params.m is missing in Prometheus, v in the file"),
    ],
)  # fmt: skip
def test_what_differs_in_a_job(targets: list[Target], says: str) -> None:
    assert list(job_differences.differences([JOB], targets)) == [says]


def test_service_discovery_may_find_anybody() -> None:
    found = replace(JOB, discovered=True, addresses=())
    assert list(job_differences.differences([found], [target("x:1", __scrape_interval__="9s")])) == []
    assert list(job_differences.differences([found], [])) == []


def test_relabelling_that_chooses_may_leave_some_out() -> None:
    chosen = replace(JOB, chosen=True)
    assert list(job_differences.differences([chosen], [target("a:1")])) == []
    assert list(job_differences.differences([chosen], [])) == []


def test_a_job_that_prometheus_could_not_set_up_names_what_it_reads() -> None:
    with_files = replace(JOB, files=("/ca.pem",))
    assert list(job_differences.differences([with_files], [])) == [
        f"{AT}0 targets, expected 2; it reads /ca.pem: can it?"
    ]


def test_labels_that_a_target_is_given_stand_in_place_of_the_fields_of_its_job() -> None:
    given = replace(JOB, reserved=("__scrape_interval__",))
    shown = [target(a, __scrape_interval__="30s") for a in JOB.addresses]
    assert list(job_differences.differences([given], shown)) == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"listed": ("a:1", "b:1")}, []),
        ({"listed": ("a:1", "c:1")}, [f"{AT}c:1 of the files that it watches is not scraped"]),
        ({"listed": ("a:1", "c:1"), "chosen": True}, []),
    ],
)
def test_targets_of_watched_files_are_scraped(changes: dict[str, Any], says: list[str]) -> None:
    job = replace(JOB, discovered=True, addresses=(), **changes)
    assert list(job_differences.differences([job], BOTH)) == says
