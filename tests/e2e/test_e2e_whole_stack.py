"""One stack through the real command: proven, closed, quiet when nothing changed, repaired when something broke."""

from __future__ import annotations

import json
import time
from typing import Any

import docker
import pytest
import requests

from stack.common.wait import NotYet, until
from tests.e2e.hardening import open_doors
from tests.e2e.stack_command import Stack

pytestmark = pytest.mark.e2e
COMPONENTS = {"prometheus", "alertmanager", "grafana", "node_exporter", "app"}
RULES = "prometheus/rules/app-gates.yml"
SOURCE = "${DS_PROMETHEUS}"
EXPORT = {
    "__inputs": [
        {"name": "DS_PROMETHEUS", "type": "datasource", "pluginId": "prometheus"},
        {"name": "DS_LOKI", "type": "datasource", "pluginId": "loki"},
    ],
    "uid": "elsewhere",
    "title": "From elsewhere",
    "schemaVersion": 16,
    "templating": {
        "list": [
            {
                "name": "gate",
                "type": "query",
                "query": "label_values(gate_invocations_total, gate)",
                "datasource": SOURCE,
            },
            {
                "name": "step",
                "type": "interval",
                "query": "1m,5m",
                "auto": True,
                "current": {"value": "$__auto_interval_step"},
            },
        ]
    },
    "rows": [
        {
            "panels": [
                {
                    "id": number,
                    "type": kind,
                    "title": title,
                    "datasource": source,
                    "targets": [{"refId": "A", "expr": expr}],
                }
                for number, (kind, title, source, expr) in enumerate(
                    [
                        ("graph", "Rate", SOURCE, "rate(gate_invocations_total[$step])"),
                        ("singlestat", "By gate", SOURCE, 'sum(gate_invocations_total{gate="[[gate]]"})'),
                        ("graph", "Containers", SOURCE, "count(container_last_seen)"),
                        ("graph", "Wrong", SOURCE, "rate(gate_invocations_total)"),
                        ("logs", "Logs", "${DS_LOKI}", '{job="app"}'),
                    ],
                    start=1,
                )
            ]
        }
    ],
}
"""A dashboard as an old Grafana exports it for others."""


def password(stack: Stack) -> str:
    return str(stack.ok("credentials", "--json").json()["grafana"]["password"])


def test_status_says_that_all_runs_and_all_targets_are_up(running: Stack) -> None:
    status = running.ok("status", "--json").json()
    assert status["status"] == "running"
    assert {c["component"] for c in status["components"]} == COMPONENTS
    assert all(c["digest_match"] and c["state"].startswith("running") for c in status["components"])
    assert status["targets_up"]
    assert sorted(t["job"] for t in status["targets"]) == [
        "alertmanager",
        "app",
        "grafana",
        "node",
        "prometheus",
    ]


@pytest.mark.parametrize(
    "expr", ["sum(rate(gate_invocations_total[1m]))", "sum(rate(l9_tool_invocation_total[1m]))"]
)
def test_real_calls_feed_it(running: Stack, expr: str) -> None:
    (value,) = running.query(expr)
    assert value > 0


def test_exactly_one_alert_fires_and_it_is_the_watchdog(running: Stack) -> None:
    alerts = requests.get(f"{running.url('prometheus')}/api/v1/alerts", timeout=10).json()["data"]["alerts"]
    assert [a["labels"]["alertname"] for a in alerts if a["state"] == "firing"] == ["Watchdog"]


def test_a_second_start_touches_nothing_and_knows_the_health(running: Stack) -> None:
    before = running.starts()
    document = running.ok("start", "--json").json()
    assert document["plan"] == []
    assert [m["name"] for m in document["milestones"]] == ["ready", "proven"]
    assert running.starts() == before


def test_smoke_passes_with_evidence_for_every_check(running: Stack) -> None:
    report = running.ok("smoke", "--json").json()
    assert report["ok"]
    names = {f["check"] for f in report["findings"]}
    assert {"path.alert", "path.watchdog", "grafana.panels", "grafana.login", "prometheus.targets"} <= names
    assert all(f["evidence"] for f in report["findings"])


def test_every_container_is_closed(running: Stack) -> None:
    doors = {name: open_doors(found, running.name) for name, found in running.inspect().items()}
    assert doors == {name: [] for name in COMPONENTS}


def test_no_secret_is_in_environment_arguments_or_labels(running: Stack) -> None:
    secret = password(running)
    assert len(secret) >= 24
    assert secret not in json.dumps(running.inspect())
    for component in running.inspect():
        assert secret not in running.ok("logs", component, "--tail", "500").out


def test_an_edited_rule_is_applied_without_touching_a_container(running: Stack) -> None:
    before = running.starts()
    path = running.home / RULES
    path.write_text(path.read_text().replace("for: 2m", "for: 3m", 1))
    plan = running.ok("plan", "--json").json()["plan"]
    assert [step["verb"] for step in plan] == ["write files", "reload", "verify", "record"]
    running.ok("reload")
    assert running.starts() == before
    assert 180 in durations(running)
    assert running.ok("plan", "--json").json()["plan"] == []


@pytest.mark.parametrize(
    ("path", "old", "new", "message"),
    [
        (RULES, "groups:", "groups: [", "prometheus/rules/app-gates.yml:"),
        (RULES, "sum by (", "summ by (", "rules/app-gates.yml"),
        ("alertmanager/alertmanager.yml", "receiver: default", "receiver: nobody", "nobody"),
        ("grafana/dashboards/slo.json", "{", "{,", "grafana/dashboards/slo.json:1:"),
    ],
)
def test_broken_files_are_refused_and_nothing_changes(
    running: Stack, path: str, old: str, new: str, message: str
) -> None:
    before, rules = running.starts(), durations(running)
    file = running.home / path
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    try:
        ran = running("reload")
        assert (ran.code, message in ran.err) == (2, True), ran.err
        assert running("start").code == 2
    finally:
        file.write_text(text)
    assert (running.starts(), durations(running)) == (before, rules)
    assert running.ok("plan", "--json").json()["plan"] == []


def durations(stack: Stack) -> list[float]:
    """``for`` of every alert that Prometheus holds, in seconds."""
    groups = requests.get(f"{stack.url('prometheus')}/api/v1/rules", timeout=10).json()["data"]["groups"]
    return [rule["duration"] for group in groups for rule in group["rules"] if "duration" in rule]


def dashboards(stack: Stack) -> dict[str, tuple[int, int, bool]]:
    """Number, version and star of each dashboard by uid."""
    base, auth = stack.url("grafana"), ("admin", password(stack))
    hits = requests.get(f"{base}/api/search?type=dash-db", auth=auth, timeout=10).json()
    found = {}
    for hit in hits:
        held = requests.get(f"{base}/api/dashboards/uid/{hit['uid']}", auth=auth, timeout=10).json()
        found[hit["uid"]] = (hit["id"], held["meta"]["version"], hit["isStarred"])
    return found


def test_an_edited_dashboard_is_served_at_once_and_keeps_what_people_attached(running: Stack) -> None:
    auth = ("admin", password(running))
    star = f"{running.url('grafana')}/api/user/stars/dashboard/uid/slo"
    assert requests.post(star, auth=auth, timeout=10).status_code == 200
    before = dashboards(running)
    path = running.home / "grafana/dashboards/slo.json"
    board: dict[str, Any] = json.loads(path.read_text())
    board["description"] = "edited by a test"
    path.write_text(json.dumps(board))
    running.ok("reload")
    served = requests.get(f"{running.url('grafana')}/api/dashboards/uid/slo", auth=auth, timeout=10).json()
    assert served["dashboard"]["description"] == "edited by a test"
    number, version, _ = before["slo"]
    assert dashboards(running) == before | {"slo": (number, version + 1, True)}


def test_a_removed_dashboard_goes_and_no_other(running: Stack) -> None:
    before = dashboards(running)
    path = running.home / "grafana/dashboards/host.json"
    text = path.read_text()
    path.unlink()
    running.ok("reload")
    assert dashboards(running) == {uid: held for uid, held in before.items() if uid != "host"}
    path.write_text(text)
    running.ok("reload")
    assert dashboards(running).keys() == before.keys()


def test_own_dashboards_come_from_elsewhere_and_from_metrics_and_go_again(running: Stack) -> None:
    before = running.starts()
    export = running.home / "export.json"
    export.write_text(json.dumps(EXPORT))
    added = running.ok("dashboard", "add", str(export), "--json").json()
    kinds = {one["panel"]: (one["kind"], one["why"]) for one in added["panels"]}
    assert kinds["Rate"] == ("data", "") and kinds["By gate"] == ("data", "")
    assert kinds["Containers"] == ("empty", "no series has the name container_last_seen")
    assert kinds["Wrong"][0] == "wrong" and kinds["Logs"] == ("skipped", "it asks loki")
    assert added["applied"] and added["address"] == f"{running.url('grafana')}/d/{added['uid']}"
    for job in ("app", "node", "prometheus"):
        made = running.ok("dashboard", "generate", job, "--json").json()
        assert made["counts"]["data"] == len(made["panels"]) >= 20, made["panels"]
    auth = ("admin", password(running))
    search = f"{running.url('grafana')}/api/search"
    held = {one["uid"] for one in requests.get(search, auth=auth, timeout=10).json()}
    assert {"elsewhere", "job-app", "job-node", "job-prometheus"} <= held
    listed = running.ok("dashboard", "list", "--json").json()["dashboards"]
    assert len(listed) == 4
    running.ok("dashboard", "remove", *(one["uid"] for one in listed))
    held = {one["uid"] for one in requests.get(search, auth=auth, timeout=10).json()}
    assert not held & {"elsewhere", "job-app", "job-node", "job-prometheus"}
    assert running.starts() == before


def test_a_killed_container_is_the_only_one_that_is_repaired(running: Stack) -> None:
    before = running.starts()
    api: Any = docker.from_env().api
    api.update_container(before["alertmanager"][0], restart_policy={"Name": "no", "MaximumRetryCount": 0})
    api.kill(before["alertmanager"][0])
    api.wait(before["alertmanager"][0])
    assert running("status").code == 5
    document = running.ok("start", "--json").json()
    assert all(step["target"].startswith("e2e-alertmanager") for step in document["plan"])
    after = running.starts()
    assert {c for c in after if after[c] != before[c]} == {"alertmanager"}


def test_a_lost_password_is_repaired(running: Stack) -> None:
    old = password(running)
    running.lose("grafana_admin_password")
    running.ok("start")
    new = password(running)
    assert new != old
    answers = [
        requests.get(f"{running.url('grafana')}/api/org", auth=("admin", word), timeout=10).status_code
        for word in (new, old)
    ]
    assert answers == [200, 401]


def test_data_survives_stop_and_start(running: Stack) -> None:
    def stored() -> tuple[float, list[float]]:
        # A sample has the time at which its scrape began: those of now may still come.
        moment = time.time() - 10
        values = running.query("sum(count_over_time(up[5m]))", time=moment)
        if not values:
            raise NotYet("no value yet")
        return moment, values

    moment, before = until(stored, seconds=30)
    running.ok("stop")
    assert running("status").code == 5
    running.ok("start")
    assert running.query("sum(count_over_time(up[5m]))", time=moment) == before


def test_deep_smoke_restarts_and_finds_the_data(running: Stack) -> None:
    report = running.ok("smoke", "--deep", "--json").json()
    assert "prometheus.persistence" in {f["check"] for f in report["findings"]}


def test_a_dead_product_fails_smoke_with_its_name(running: Stack) -> None:
    docker.from_env().api.pause("e2e-alertmanager")
    try:
        ran = running("smoke", "--quick")
    finally:
        docker.from_env().api.unpause("e2e-alertmanager")
    assert ran.code == 6
    assert "alertmanager" in ran.err
