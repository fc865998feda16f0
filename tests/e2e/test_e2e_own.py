"""Files of a person's own on a real engine: scraped with their secret, watched, replaced, taken away again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import docker
import pytest

from stack.checks.context import CheckContext
from stack.checks.model import Expected, Job
from stack.checks.target_proof import prove
from stack.clients.http import Http
from stack.clients.prometheus import Prometheus
from stack.common.wait import NotYet, until
from tests.e2e.conftest import Make
from tests.e2e.stack_command import Stack

pytestmark = pytest.mark.e2e
JOB = """\
scrape_configs:
  - job_name: mine
    authorization: {credentials_file: ../../../secrets/token}
    file_sd_configs:
      - files: [../../targets/*.json]
"""
MAIN = """\
route: {receiver: people}
receivers:
  - name: people
    webhook_configs: [{url_file: own/secrets/hook}]
"""


def put(stack: Stack, path: str, text: str) -> Path:
    file = stack.home / "own" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    return file


def until_up(stack: Stack, count: int) -> None:
    def ask() -> None:
        if (found := stack.query('up{job="mine"} == 1')) != [1.0] * count:
            raise NotYet(f"up: {found}")

    until(ask, seconds=30, retry=(NotYet,))


LOADED = "prometheus_config_last_reload_success_timestamp_seconds"


@pytest.fixture(scope="module")
def mine(make_stack: Make) -> Stack:
    """A proven stack with a job, a rule in a linked folder, a target and a main file for Alertmanager."""
    stack = make_stack("e2e-own", 26900, STACK_GRAFANA="off")
    put(stack, "prometheus/scrape/team one/app.yaml", JOB)
    put(stack, "prometheus/targets/a.json", '[{"targets": ["prometheus:9090"]}]')
    put(stack, "secrets/token", "geheim\n")
    put(stack, "secrets/hook", "http://127.0.0.1:1/\n")
    put(stack, "alertmanager/alertmanager.yaml", MAIN)
    rules = stack.home / "elsewhere" / "grün.json"
    rules.parent.mkdir()
    rules.write_text('{"groups": [{"name": "own", "rules": [{"record": "own:up", "expr": "sum(up)"}]}]}')
    (stack.home / "own/prometheus/rules").mkdir()
    (stack.home / "own/prometheus/rules/linked").symlink_to(rules.parent)
    stack.ok("start")
    return stack


def test_all_of_it_is_in_use_and_proven(mine: Stack) -> None:
    until_up(mine, 1)
    assert mine.ok("smoke", "--json").json()["ok"]
    assert mine.ok("plan", "--json").json()["plan"] == []


def test_the_secret_is_its_users_alone(mine: Stack) -> None:
    inside = docker.from_env().containers.get("e2e-own-prometheus")
    _, told = inside.exec_run(["stat", "-c", "%a %u", "/etc/stack/current/secrets/token"])
    _, text = inside.exec_run(["cat", "/etc/stack/current/secrets/token"])
    assert (told, text) == (b"400 65534\n", b"geheim")


def test_targets_come_and_go_without_another_container(mine: Stack) -> None:
    before, loaded = mine.starts(), mine.query(LOADED)
    added = put(mine, "prometheus/targets/b.json", '[{"targets": ["alertmanager:9093"]}]')
    mine.ok("reload")
    until_up(mine, 2)
    added.unlink()
    mine.ok("reload")
    until_up(mine, 1)
    assert mine.starts() == before
    assert mine.query(LOADED) == loaded, "Prometheus watches them, and was told nothing"


def test_what_is_wrong_is_named_and_changes_nothing(mine: Stack) -> None:
    broken = put(
        mine, "prometheus/rules/b.yaml", "groups:\n- name: a\n  rules:\n  - {record: x, expr: sum(}\n"
    )
    ran = mine("reload")
    assert ran.code == 2 and "error: own/prometheus/rules/b.yaml:4:" in ran.err
    broken.unlink()
    main = put(mine, "alertmanager/alertmanager.yaml", MAIN.replace("url_file", "urlfile"))
    ran = mine("validate")
    assert ran.code == 2
    assert "error: own/alertmanager/alertmanager.yaml:4: field urlfile" in ran.err
    main.write_text(MAIN)
    put(mine, "prometheus/rules/alert.rules", "")
    left = {one["path"] for one in json.loads(mine.ok("validate", "--json").out)["left_out"]}
    assert "own/prometheus/rules/alert.rules" in left


RULES = """\
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
spec:
  groups:
    - name: mine
      rules:
        - alert: MineDown
          expr: up{job="mine"} == 0
        - record: mine:scrape_seconds
          expr: sum by (job) (scrape_duration_seconds{job="mine"})
"""


def test_rules_are_taken_over_evaluated_listed_and_removed(mine: Stack) -> None:
    given = mine.home / "operator.yaml"
    given.write_text(RULES)
    told = mine.ok("rules", "add", str(given), "--json").json()
    assert [one["rules"] for one in told["files"]] == [2] and told["applied"]
    (warning,) = told["warnings"]
    assert "own/prometheus/rules/operator.yml:4 mine/MineDown: one bad sample fires it" in warning
    assert (mine.home / "own/prometheus/rules/operator.yml").read_text().startswith("groups:\n- name: mine\n")
    listed = mine.ok("rules", "list", "--json").json()["rules"]
    (alert,) = [rule for rule in listed if rule["name"] == "MineDown"]
    assert (alert["from"], alert["file"], alert["line"]) == ("own", "own/prometheus/rules/operator.yml", 4)
    mine.ok("rules", "remove", "operator")
    assert not any(r["name"] == "MineDown" for r in mine.ok("rules", "list", "--json").json()["rules"])


def test_rules_that_fail_leave_everything_as_it_was(mine: Stack) -> None:
    given, starts = mine.home / "operator.yaml", mine.starts()
    for expr, says in (
        ("up{job=", f"error: {given}:8: "),
        ("sum by (instance) (up) * on () up", f"{given}:7 mine/MineDown fails when it is evaluated: "),
    ):
        given.write_text(RULES.replace('up{job="mine"} == 0', expr))
        ran = mine("rules", "add", str(given))
        assert ran.code in (2, 6) and says in ran.err and "nothing was changed" in ran.err, ran
        assert not (mine.home / "own/prometheus/rules/operator.yml").exists()
    assert mine.ok("plan", "--json").json()["plan"] == [] and mine.starts() == starts


def test_another_scrape_interval_is_carried_through(mine: Stack) -> None:
    main = mine.home / "prometheus/prometheus.yml"
    shipped = main.read_text()
    main.write_text(shipped.replace("scrape_interval: 5s", "scrape_interval: 8s"))
    mine.ok("reload")
    report = mine.ok("smoke", "--json").json()
    assert report["ok"] and any("panels with data" in finding["evidence"] for finding in report["findings"])
    main.write_text(shipped)
    mine.ok("reload")


FEDERATED = ("--path", "/federate", "--param", 'match[]={job="alertmanager",__name__=~"up|go_info",stack=""}')


def test_only_the_targets_of_a_job_count_whatever_it_had_before_and_whatever_its_labels_are(
    mine: Stack,
) -> None:
    given = (*FEDERATED, "--interval", "1s", "--timeout", "1s")
    assert "1 target up, 2 samples kept" in mine.ok("target", "add", "far", "prometheus:9090", *given).out
    mine.ok("target", "remove", "far")
    other = ("--label", "instance=other", "--set", "relabel_configs=[{target_label: job, replacement: z}]")
    assert (
        "1 target up, 2 samples kept"
        in mine.ok("target", "add", "far", "prometheus:9090", *given, *other).out
    )
    rows = {row["job"]: row for row in mine.ok("target", "list", "--json").json()["targets"]}
    assert (rows["far"]["samples"], rows["far"]["fault"]) == (2, "")
    mine.ok("target", "remove", "far")


def test_what_bears_other_names_is_stored_whenever_it_is_asked(mine: Stack) -> None:
    given = (*FEDERATED, "--interval", "1s", "--timeout", "1s", "--set", "honor_labels=true")
    told = mine.ok("target", "add", "far", "prometheus:9090", *given, "--json").json()
    assert told["targets"][0]["samples"] == 2 and told["warnings"] == []
    prometheus = Prometheus(Http(mine.url("prometheus")))
    job = Job("far", interval=1.0, timeout=1.0)
    expected = Expected(mine.name, (), jobs=(Job("prometheus", component="prometheus"), job))

    def nothing_is_new() -> None:
        if mine.query('max_over_time(scrape_series_added{job="far"}[20s])') != [0.0]:
            raise NotYet("its series were added lately")

    until(nothing_is_new, seconds=40, retry=(NotYet,))
    again = prove(cast(CheckContext, SimpleNamespace(prometheus=prometheus, expected=expected)), job)
    assert (again.kept, again.warnings) == (2, ())
    mine.ok("target", "remove", "far")


def test_without_them_the_stack_is_as_shipped(mine: Stack) -> None:
    shutil.rmtree(mine.home / "own")
    mine.ok("reload")
    assert mine.query('up{job="mine"} == 1') in ([], [1.0]), "the last sample may linger"
    assert mine.ok("smoke", "--json").json()["ok"]
