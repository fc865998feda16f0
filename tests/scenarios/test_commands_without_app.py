"""Without the application nothing of it is left; with or without it, what is the user's stays to the byte."""

from __future__ import annotations

import pytest

from stack.common.errors import SmokeFailed
from stack.common.yaml_text import load_yaml
from stack.model.spec import TEST_RECEIVER, TEST_RECEIVER_URL
from tests.scenarios.commands import Client, Products

LEFT = {"prometheus", "alertmanager", "node_exporter"}
OWN_RECEIVER = """\
  - name: mine # of mine
    webhook_configs:
      - url: http://app:8000/alerts
        max_alerts: 0123456
      - {url: "https://hooks.example.com/a?b=c", send_resolved: yes} # kept
    email_configs:
      - to: me@example.com
        headers: {Subject: =, At: 17:00}
  - name: hooks-of-others
    webhook_configs:
      - url: https://hooks.example.com/app:8000/
"""
OWN_TIMES = """
time_intervals:
  - name: evening
    time_intervals:
      - times: [{start_time: 17:00, end_time: 23:00}]
"""
OWN_JOB = """
  - job_name: mine # 17:00
    params: {match: [=], number: [0123456], at: [17:00]}
    static_configs:
      - targets: [app:8000]
  - job_name: other
    metrics_path: =
    static_configs: [{targets: [other:17]}]
"""


def own_files(client: Client) -> None:
    """The user adds receivers, times and jobs, in a style of their own."""
    client.edit("alertmanager/alertmanager.yml", after=OWN_RECEIVER + OWN_TIMES)
    (client.home / "prometheus/scrape/mine.yml").write_text("scrape_configs:" + OWN_JOB)
    (client.home / "prometheus/rules/mine.yml").write_text("groups: [] # 17:00 = 0123456\n")


def alertmanager_file(client: Client) -> str:
    """What Alertmanager reads."""
    return (client.in_use("alertmanager", "alertmanager.yml") or b"").decode()


@pytest.fixture(params=["variable", "stack.toml", "option", "command line"])
def alone(client: Client, request: pytest.FixtureRequest) -> Client:
    """A stack that was started without the application."""
    own_files(client)
    words: tuple[str, ...] = ("start",)
    if request.param == "variable":
        client.environ = {"STACK_COMPONENTS": "app=off"}
    elif request.param == "stack.toml":
        client.settings('[components]\napp = "off"\n')
    elif request.param == "option":
        client.settings('components = "app=off"\n')
    else:
        words = ("start", "--without", "app")
    assert client(*words) == 0
    return client


def test_nothing_of_the_application_is_left(alone: Client) -> None:
    assert alone.running() == LEFT
    assert alone.plan() == []
    assert "app.yml" not in alone.files_in_use("prometheus", "scrape")
    assert {"prometheus.yml", "node_exporter.yml", "mine.yml"} <= {
        *alone.files_in_use("prometheus", "scrape")
    }
    assert not [n for n in alone.files_in_use("prometheus", "rules") if n.startswith("app")]
    assert "mine.yml" in alone.files_in_use("prometheus", "rules")
    boards = alone.engine.read_folder("monitoring-prometheus", "/etc/stack/user/dashboards")
    assert set(boards) == {"host.json", "stack-health.json"}


def test_alerts_are_not_sent_to_it_and_the_test_alert_goes_to_the_receiver_in_the_container(
    alone: Client,
) -> None:
    text = alertmanager_file(alone)
    assert "http://app:8000" not in text
    receivers = {r["name"]: r for r in load_yaml(text)["receivers"]}
    assert [hook["url"] for hook in receivers[TEST_RECEIVER]["webhook_configs"]] == [TEST_RECEIVER_URL]
    assert receivers["default"] == {"name": "default", "webhook_configs": []}


def without_trial_routes(text: str) -> str:
    """The file without the routes of test alerts to one receiver each, a line each."""
    return "".join(line for line in text.splitlines(keepends=True) if "stack_receiver=" not in line)


def test_what_is_the_users_own_stays_to_the_byte(alone: Client) -> None:
    text = alertmanager_file(alone)
    assert text.endswith(OWN_TIMES)
    gone = OWN_RECEIVER.replace("      - url: http://app:8000/alerts\n        max_alerts: 0123456\n", "")
    assert gone in text
    assert alone.in_use("prometheus", "scrape/mine.yml") == b"scrape_configs:" + OWN_JOB.encode()
    before, _, _ = (alone.home / "alertmanager/alertmanager.yml").read_text().partition("receivers:")
    assert without_trial_routes(text).startswith(before)
    assert text.count("stack_receiver=") == 2


def test_the_alert_path_is_proven_in_another_way(client: Client, products: Products) -> None:
    client.settings('[components]\napp = "off"\n')
    (document,) = client.run("start")[1].documents
    asked = {f["check"]: f["component"] for f in document["report"]["findings"]}
    assert document["ok"] and [a["component"] for a in document["absent"]] == ["grafana"]
    assert asked["path.alert"] == asked["path.watchdog"] == "alertmanager"
    assert not [check for check in asked if check.startswith("app.")]
    products.failing = {"path.alert"}
    client.edit("prometheus/rules/node_exporter.yml")
    with pytest.raises(SmokeFailed, match=r"path\.alert"):
        client("start")


def test_it_goes_and_comes_back_with_all_that_is_about_it(client: Client) -> None:
    client("start")
    with_it = {path: client.files_in_use("prometheus", path) for path in ("scrape", "rules")}
    file = alertmanager_file(client)
    client("start", "--without", "app")
    assert client.running() == LEFT
    assert "monitoring-app-data" in client.observed.volumes
    client("start", "--with", "app")
    assert {path: client.files_in_use("prometheus", path) for path in with_it} == with_it
    assert alertmanager_file(client) == file


def test_what_serves_it_does_not_run_alone(client: Client) -> None:
    client.settings('[components]\napp = "off"\npostgres = "on"\n')
    assert client("start") == 0
    assert client.running() == LEFT


@pytest.mark.parametrize("token", [False, True])
def test_with_it_and_its_token_only_what_must_is_added(client: Client, token: bool) -> None:
    own_files(client)
    if token:
        (client.home / "token").write_text("a-token\n")
        client.settings('[app]\ntoken_file = "token"\n')
    assert client("start") == 0
    job = "authorization: {credentials_file: /etc/stack/secrets/app_token}"
    expected = "scrape_configs:" + OWN_JOB
    hook = OWN_RECEIVER
    if token:
        expected = expected.replace("- job_name: mine", f"- {job}\n    job_name: mine")
        hook = hook.replace("- url: http://app", f"- http_config: {{{job}}}\n        url: http://app")
    assert (client.in_use("prometheus", "scrape/mine.yml") or b"").decode() == expected
    text = alertmanager_file(client)
    assert hook in text and text.endswith(OWN_TIMES)
    if not token:
        assert without_trial_routes(text) == (client.home / "alertmanager/alertmanager.yml").read_text()
