"""All that Prometheus' files say of rules and jobs is expected, and what their comments ask to leave."""

from __future__ import annotations

from typing import Any

import pytest

from stack.checks.expect_prometheus import jobs_of, rules_of, with_variables
from stack.checks.model import Job, Rule
from stack.common.yaml_text import load_yaml

COMPONENTS = ("app", "node_exporter", "prometheus")
RULES = """\
groups:
  - name: first
    interval: 30s
    limit: 5
    labels: {team: ops, severity: none}
    rules:
      - alert: Down
        expr: |
          up
            == 0
        for: 1m30s
        keep_firing_for: 5m
        labels: {severity: critical, on: true, empty: ""}
        annotations:
          summary: Down
      - record: a:b
        expr: 1
  - name: second
    rules:
      - expr: vector(1)
        record: c:d
"""


def read(**files: str) -> tuple[dict[str, Any], dict[str, str]]:
    texts = {path.replace("__", "/").replace("_yml", ".yml"): text for path, text in files.items()}
    return {path: load_yaml(text) or {} for path, text in texts.items()}, texts


def rules(**files: str) -> list[Rule]:
    return list(rules_of(*read(**files), COMPONENTS))


def jobs(**files: str) -> list[Job]:
    return list(jobs_of(*read(**files), COMPONENTS))


def test_all_that_a_rule_says() -> None:
    down, recorded, other = rules(rules__mine_yml=RULES, prometheus_yml="global: {evaluation_interval: 15s}")
    assert (down.group, down.name, down.file, down.line) == ("first", "Down", "rules/mine.yml", 7)
    assert (down.duration, down.keep_firing_for, down.interval, down.limit) == (90, 300, 30, 5)
    assert down.labels == (("on", "true"), ("severity", "critical"), ("team", "ops"))
    assert down.annotations == (("summary", "Down"),)
    assert recorded.labels == (("severity", "none"), ("team", "ops"))
    assert (other.interval, other.line) == (15, 21)
    assert down.place == "prometheus/rules/mine.yml:7 first/Down"


def test_what_has_no_value_is_left_out_as_prometheus_does() -> None:
    text = (
        "groups:\n-\n- name: a\n  rules:\n  -\n  - record: x\n    alert:\n    expr: 1\n- name: b\n  rules:\n"
    )
    (rule,) = rules(rules__x_yml=text)
    assert (rule.kind, rule.name, rule.line) == ("recording", "x", 6)


JSON = """\ufeff{"groups":
[{"name": "a", "rules":
[{"alert": "A", "expr": "1"},
{"record": "b", "expr": "1"}]}]}"""
ALIAS = "groups:\n- name: a\n  rules: &r\n  - record: b\n    expr: 1\n- name: c\n  rules: *r\n"
ONE_LINE = """\
groups:
- name: a
  rules: [{record: b, expr: 1}]
- name: c
  rules:
  - record: b
    expr: 1
"""


@pytest.mark.parametrize(("text", "lines"), [(JSON, [3, 4]), (ALIAS, [4, 4]), (ONE_LINE, [3, 6])])
def test_the_line_of_a_rule_however_it_is_written(text: str, lines: list[int]) -> None:
    assert [rule.line for rule in rules(rules__x_yml=text)] == lines


@pytest.mark.parametrize(
    ("path", "own"),
    [
        ("rules__app_yml", False),
        ("rules__app-slo_yml", False),
        ("rules__node_exporter_yml", False),
        ("rules__apple_yml", True),
        ("rules__own__app_yml", True),
    ],
)
def test_whose_a_rule_is(path: str, own: bool) -> None:
    assert {rule.own for rule in rules(**{path: RULES})} == {own}


def test_the_rule_of_the_digest_is_not_the_users() -> None:
    text = "groups: [{name: d, rules: [{record: 'stack:config_digest:info', expr: 1, labels: {digest: x}}]}]"
    assert [rule.own for rule in rules(rules__stack_yml=text)] == [False]


def test_a_job_has_what_its_file_and_the_defaults_say() -> None:
    text = """\
scrape_configs:
  - job_name: shop
    scrape_interval: 15s
    metrics_path: /m
    scheme: https
    params: {module: [http_2xx, other]}
    tls_config: {ca_file: /ca.pem}
    basic_auth: {username: u, password_file: /pw}
    relabel_configs: [{action: Drop, source_labels: [a], regex: b}]
    static_configs:
      - targets: [a:1, a:1, b:2]
        labels: {__scrape_interval__: 30s}
  - job_name: found
    docker_sd_configs: [{host: unix:///x}]
"""
    shop, found = jobs(scrape__shop_yml=text, prometheus_yml="global:\n")
    assert shop == Job(
        "shop",
        "scrape/shop.yml",
        2,
        interval=15,
        timeout=10,
        path="/m",
        scheme="https",
        params=(("module", "http_2xx"),),
        addresses=("a:1", "b:2"),
        chosen=True,
        files=("/ca.pem", "/pw"),
        reserved=("__scrape_interval__",),
    )
    assert (found.interval, found.discovered, found.addresses) == (60, True, ())
    assert all(kind and not kind.endswith("_sd_configs") for kind in found.by)
    assert found.place == "prometheus/scrape/shop.yml:13"


def test_the_default_timeout_is_never_longer_than_the_interval() -> None:
    (job,) = jobs(prometheus_yml="global: {scrape_interval: 5s}\nscrape_configs:\n- job_name: x\n")
    assert (job.interval, job.timeout) == (5, 5)


def test_the_component_that_a_job_scrapes() -> None:
    text = "scrape_configs:\n- job_name: x\n"
    found = {job.file: job.component for job in jobs(scrape__app_yml=text, scrape__own__app_yml=text)}
    assert found == {"scrape/app.yml": "app", "scrape/own/app.yml": ""}


def test_variables_are_replaced_where_prometheus_replaces_them() -> None:
    text = "global:\n  external_labels:\n    stack: ${NAME}\n    x: $GONE\n  scrape_interval: 5s\nother: ${NAME}\n"
    assert with_variables(text, {"NAME": "mine"}) == (
        "global:\n  external_labels:\n    stack: mine\n    x: \n  scrape_interval: 5s\nother: ${NAME}\n"
    )
    assert with_variables("external_labels: {a: $NAME}\nb: $NAME", {"NAME": "n"}) == (
        "external_labels: {a: n}\nb: $NAME"
    )


COMMENTED = """\
# pint file/disable promql/series(everywhere)
groups:
  - name: g
    rules:
      # pint disable promql/series
      # pint disable alerts/comparison
      - record: one
        expr: a
      - record: two
        # pint disable promql/series(b{x="y"})
        # pint rule/set promql/series ignore/label-value status
        expr: b # pint rule/set promql/series(c) ignore/label-value code

      # pint disable promql/rate
      - record: three
        expr: c
"""


def test_comments_of_pint_are_for_the_rule_that_they_stand_at() -> None:
    asked = {rule.name: rule.unchecked[1:] for rule in rules(rules__x_yml=COMMENTED)}
    assert asked == {
        "one": (("", ""),),
        "two": (('b{x="y"}', ""), ("", "status"), ("c", "code")),
        "three": (),
    }
    assert {rule.unchecked[0] for rule in rules(rules__x_yml=COMMENTED)} == {("everywhere", "")}


def test_a_whole_file_can_be_left_out() -> None:
    assert {rule.unchecked for rule in rules(rules__x_yml=f"# pint ignore/file\n{RULES}")} == {(("", ""),)}


ODD_JOBS = """\
scrape_configs:
  - {scrape_interval: 5s, job_name: flow}
  - job_name: block
    static_configs:
      - targets: []
        labels:
          job_name: a label
  - scrape_interval: 5s
    job_name: second
"""
ODD_RULES = """\
groups:
  - name: a
    rules:
      - {record: flow, expr: up}
      - alert: Block
        expr: up
        annotations:
          description: |
            alert: it says
  - {name: b, rules: [{alert: A, expr: up}, {alert: B, expr: up}]}
  - name: c
    rules:
      - expr: up
        record: last
"""


def test_each_job_and_rule_has_its_own_line_however_it_is_written() -> None:
    texts = {"scrape/a.yml": ODD_JOBS, "rules/a.yml": ODD_RULES}
    documents = {path: load_yaml(text) for path, text in texts.items()}
    jobs = {job.name: job.line for job in jobs_of(documents, texts, ())}
    assert jobs == {"flow": 2, "block": 3, "second": 9}
    rules = {rule.name: rule.line for rule in rules_of(documents, texts, ())}
    assert rules == {"flow": 4, "Block": 5, "A": 10, "B": 10, "last": 14}


def test_a_file_in_json_has_lines_too() -> None:
    text = '{"scrape_configs": [\n{"job_name": "a"},\n{"job_name": "b"}]}'
    documents = {"scrape/a.json": load_yaml(text)}
    assert [job.line for job in jobs_of(documents, {"scrape/a.json": text}, ())] == [2, 3]
