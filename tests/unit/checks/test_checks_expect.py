"""What is expected is read from the rendered files themselves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from stack.checks.expect import expected
from stack.checks.model import Dashboard, DataSource, Job, Rule
from stack.common.durations import seconds
from stack.model.spec import ConfigFile, Health, Limits, ServiceSpec, StackSpec

PROMETHEUS = {
    "prometheus.yml": (
        "global: {scrape_interval: 7s}\nscrape_configs: [{job_name: own, static_configs: [{targets: [a]}]}]"
    ),
    "scrape/app.yml": "scrape_configs:\n- job_name: app\n  static_configs: [{targets: [a, b]}, {targets: [c]}]\n",
    "rules/app.yml": "groups:\n- name: g\n  rules:\n  - {alert: A, expr: up == 0}\n  - {record: 'a:b', expr: 1}\n",
    "rules/stack-digest.yml": (
        "groups:\n- name: stack_digest\n  rules:\n"
        "  - record: stack:config_digest:info\n    expr: vector(1)\n    labels: {digest: abcd}\n"
    ),
    "rules/empty.yml": "",
}
SOURCES = (
    "datasources:\n- {uid: p, name: P, type: prometheus, url: 'http://p', jsonData: {timeInterval: 7s}}\n"
    "- {uid: q, name: Q, type: prometheus, url: null, editable: true}\n"
)
BOARD = json.dumps({"uid": "gates", "panels": []})
BELOW = json.dumps({"uid": "below", "panels": []})


def files(contents: dict[str, str]) -> tuple[ConfigFile, ...]:
    return tuple(ConfigFile(path, text.encode()) for path, text in contents.items())


def service(
    component: str, contents: dict[str, str] | None = None, assets: dict[str, str] | None = None
) -> ServiceSpec:
    return ServiceSpec(
        component,
        "image",
        "id",
        1,
        "/",
        Limits(1, 1.0),
        Health(("CMD", "true")),
        files=files(contents or {}),
        assets=files(assets or {}),
    )


def test_everything_comes_from_the_files() -> None:
    spec = StackSpec(
        "s",
        (
            service("prometheus", PROMETHEUS, {"user/dashboards/other.json": "{}"}),
            service("alertmanager", {"alertmanager.yml": "route: {}\n"}),
            service(
                "grafana",
                {
                    "provisioning/datasources/s.yml": SOURCES,
                    "dashboards/gates.json": BOARD,
                    "dashboards/mine/gates.json": BELOW,
                },
            ),
            service("node_exporter"),
        ),
    )
    found = expected(
        spec,
        {"prometheus": "http://p/", "grafana": "http://g"},
        grafana_password="secret",
        probe_default_login=False,
    )
    assert found.addresses == (("prometheus", "http://p"), ("grafana", "http://g"))
    assert found.jobs == (
        Job("app", "scrape/app.yml", 2, interval=7, timeout=7, addresses=("a", "b", "c")),
        Job("own", "prometheus.yml", 2, interval=7, timeout=7, addresses=("a",)),
    )
    assert found.rules == (
        Rule("g", "A", "alerting", "up == 0", "rules/app.yml", 4, own=True),
        Rule("g", "a:b", "recording", "1", "rules/app.yml", 5, own=True),
        Rule(
            "stack_digest",
            "stack:config_digest:info",
            "recording",
            "vector(1)",
            "rules/stack-digest.yml",
            4,
            labels=(("digest", "abcd"),),
        ),
    )
    assert found.digest == "abcd"
    assert found.scrape_interval == 7.0
    assert found.alertmanager_config == "route: {}\n"
    assert found.dashboards == (
        Dashboard("gates", BOARD),
        Dashboard("below", BELOW),
        Dashboard("other", "{}"),  # which the checks will find to be none
    )
    assert found.data_sources == (
        DataSource("p", "P", "prometheus", "http://p", interval="7s"),
        DataSource("q", "Q", "prometheus", "", read_only=False),
    )
    assert (found.grafana_password, found.probe_default_login) == ("secret", False)


def test_without_grafana_the_dashboards_are_those_of_the_quick_look_page() -> None:
    spec = StackSpec(
        "s",
        (service("prometheus", PROMETHEUS, {"user/dashboards/gates.json": BOARD, "user/page.js": ""}),),
        absent=(("grafana", "no image"),),
    )
    found = expected(spec, {})
    assert found.dashboards == (Dashboard("gates", BOARD),)
    assert found.absent == (("grafana", "no image"),)
    assert not found.has("prometheus")


@pytest.mark.parametrize(("text", "value"), [("5s", 5.0), ("1m30s", 90.0), ("250ms", 0.25), ("1h", 3600.0)])
def test_durations(text: str, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "5", "s", "5x", "5s 3"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        seconds(text)


def test_a_job_and_a_rule_are_placed_where_people_know_them() -> None:
    rules = "groups: [{name: g, rules: [{alert: A, expr: up}]}]"
    files = (
        ConfigFile("prometheus.yml", b"global:\n"),
        ConfigFile("rules/~own+app.yml", rules.encode(), origin="own/prometheus/rules/app.yml"),
        ConfigFile("scrape/~own+app%2Ejson.yml", b"scrape_configs: [{job_name: a}]", origin="own/a.json"),
    )
    spec = StackSpec("s", (replace(service("prometheus"), files=files), service("app")))
    found = expected(spec, {})
    assert found.rules[0].place.startswith("own/prometheus/rules/app.yml") and found.rules[0].own
    assert found.jobs[0].place.startswith("own/a.json") and found.jobs[0].component == ""


def test_a_dashboard_of_the_users_own_is_known_as_such() -> None:
    own = ConfigFile("dashboards/~own+a.json", BOARD.encode(), origin="own/grafana/dashboards/a.json")
    shipped = ConfigFile("dashboards/b.json", BELOW.encode(), origin="grafana/dashboards/b.json")
    spec = StackSpec("s", (replace(service("grafana"), files=(own, shipped)),))
    assert {one.uid: one.own for one in expected(spec, {}).dashboards} == {"gates": True, "below": False}


def test_panels_about_what_a_user_watches_may_be_empty() -> None:
    """A dashboard of certificates is empty while nobody is asked over TLS."""
    text = (Path(__file__).parents[3] / "grafana/optional/probes.json").read_bytes()
    files = (ConfigFile("dashboards/probes.json", text, origin="grafana/optional/probes.json"),)
    spec = StackSpec("s", (replace(service("grafana"), files=files),))
    (board,) = expected(spec, {}).dashboards
    assert board.uid == "probes" and board.own
