"""Every integration of Alertmanager is rendered from settings, and amtool takes it; what it refuses names its place."""

from __future__ import annotations

from collections.abc import Callable
from subprocess import CompletedProcess
from typing import Any

import pytest
from msgspec.structs import replace

from stack.components import assemble
from stack.validation.culprit import Files, culprit
from tests.unit.components.test_components import build

Tool = Callable[[list[str], dict[str, bytes]], "CompletedProcess[str]"]
SECRET = "own/secrets/one"
INTEGRATIONS: dict[str, dict[str, Any]] = {
    "discord": {"url_file": SECRET},
    "email": {
        "to": "a@example.com",
        "from": "b@example.com",
        "host": "mail.example:587",
        "username": "b",
        "password_file": SECRET,
    },
    "incidentio": {"url": "http://x.example/", "token_file": SECRET},
    "jira": {
        "url": "http://x.example/",
        "project": "OPS",
        "issue_type": "Bug",
        "username": "b",
        "password_file": SECRET,
    },
    "mattermost": {"url_file": SECRET, "channel": "ops"},
    "msteams": {"url_file": SECRET},
    "msteamsv2": {"url_file": SECRET},
    "opsgenie": {"key_file": SECRET, "responders": [{"name": "ops", "type": "team"}]},
    "pagerduty": {"key_file": SECRET, "url": "http://x.example/", "details": {"a": "{{ .Status }}"}},
    "pushover": {"user_file": SECRET, "token_file": SECRET},
    "rocketchat": {"token_file": SECRET, "token_id_file": SECRET, "channel": "ops"},
    "slack": {"url_file": SECRET, "channel": "#ops", "fields": [{"title": "a", "value": "{{ .Status }}"}]},
    "sns": {"topic": "arn:aws:sns:eu:1:t", "sigv4": {"region": "eu"}},
    "telegram": {"token_file": SECRET, "chat": -100},
    "victorops": {"key_file": SECRET, "routing_key": "ops"},
    "webex": {"token_file": SECRET, "room": "r"},
    "webhook": {"url_file": SECRET, "max_alerts": 10},
    "wechat": {"secret_file": SECRET, "corp_id": "c", "to_user": "@all"},
}
QUIET = {"quiet_hours": ["mon:fri 18:00-08:00", "sat,sun 00:00-24:00"], "timezone": "Europe/Berlin"}
ROUTE = {
    "severities": ["critical", "warn.ing"],
    "matchers": ['team=~"a|b"'],
    "repeat": "2h",
    "group_wait": "1s",
}

pytestmark = pytest.mark.engine


def rendered(tables: dict[str, Any]) -> dict[str, bytes]:
    made = build()
    settings = replace(made.settings, tables={"receivers": tables})
    made = replace(made, settings=settings, tree={**made.tree, SECRET: b"https://x.example/y"})
    files = assemble(made).service("alertmanager").files
    return {f.path: f.content.replace(b"/etc/stack/current/", b"") for f in files}


def test_amtool_takes_every_integration(amtool: Tool) -> None:
    tables = {
        f"my-{kind}": {"type": kind, **options, **QUIET, **ROUTE} for kind, options in INTEGRATIONS.items()
    }
    done = amtool(["check-config", "alertmanager.yml"], rendered(tables))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(tables) + 5} receivers" in done.stdout


def test_amtool_refuses_an_unknown_option(amtool: Tool) -> None:
    done = amtool(["check-config", "alertmanager.yml"], rendered({"x": {"type": "slack", "chanel": "#a"}}))
    assert done.returncode and "field chanel not found" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        ("severity=critical team=b", "mine,critical"),
        ("severity=warn.ing team=a", "mine"),  # the receiver of the root is for what no route takes
        ("severity=warnXing team=a", "default"),
        ("severity=critical team=b alertname=Watchdog", "watchdog"),
        ("severity=critical team=b stack_test=true", "stack-test"),
        ("severity=critical team=b stack_test=true stack_receiver=mine", "mine"),
    ],
)
def test_alerts_take_the_route(amtool: Tool, labels: str, receivers: str) -> None:
    files = rendered({"mine": {"type": "slack", **INTEGRATIONS["slack"], **ROUTE}})
    command = ["config", "routes", "test", "--config.file=alertmanager.yml", *labels.split()]
    done = amtool([*command, f"--verify.receivers={receivers}"], files)
    assert done.returncode == 0, done.stdout + done.stderr


GOOD = {"type": "webhook", "url": "http://x.example/"}


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"type": "webhook"}, "one of url or url_file must be configured"),
        ({"type": "email", "to": "a@example.com", "host": "mail.example"}, "missing port in address"),
        ({**GOOD, "mute_time_intervals": ["nights"]}, "undefined time interval"),
        ({**GOOD, "repeat": "often"}, "not a valid duration string"),
    ],
)
def test_what_amtool_says_without_a_line_is_said_of_the_receiver(
    amtool: Tool, bad: dict[str, Any], said: str
) -> None:
    made = build()
    tables = {"first": GOOD, "bad": bad, "last": GOOD}
    made = replace(made, settings=replace(made.settings, tables={"receivers": tables}))

    def complaint(files: Files) -> str:
        done = amtool(["check-config", "alertmanager.yml"], {f.path: f.content for f in files})
        said = (done.stdout + done.stderr).partition("FAILED: ")[2]
        return said.partition("\n")[0]

    files = assemble(made).service("alertmanager").files
    first = complaint(files)
    assert said in first
    assert culprit(files, first, complaint) == "stack.toml [receivers.bad]"
