"""Receivers of the settings in Alertmanager's file: what each word becomes, and what is refused with its remedy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec.structs import replace

from stack.common.errors import ConfigurationInvalid, SettingsError
from stack.common.yaml_text import load_yaml
from stack.components import assemble, load
from stack.components.build import Build
from stack.components.own_toml import Wrong
from stack.components.receiver_text import with_receivers
from stack.components.receivers import faults, read, receivers
from stack.components.token import APP_TOKEN
from stack.config.secret import Secret
from stack.deploy.left_out import left_out, refuse_faults
from tests.unit.components.test_components import build

MAIN = "own/alertmanager/alertmanager.yml"
SECRET = {"own/secrets/slack": b"https://hooks.example/x\n"}
ONCALL = {"type": "slack", "url_file": "own/secrets/slack", "channel": "#ops", "severities": ["critical"]}
MINE = """\
# times and numbers that a loader would read as others
route:
  receiver: people
  routes:
    - receiver: people
      match: {code: 0123456, since: 17:00, yes: no}
receivers:
  - name: people
    webhook_configs: [{url: http://app:8000/alerts, max_alerts: 0123456}]
time_intervals:
  - name: day
    time_intervals: [{times: [{start_time: 09:00, end_time: 17:00}]}]
"""


def made(tables: dict[str, Any], files: dict[str, bytes] | None = None, **environ: str) -> Build:
    found = build(**environ)
    settings = replace(found.settings, tables={"receivers": tables})
    return replace(found, settings=settings, tree={**found.tree, **SECRET, **(files or {})})


def text_of(made_of: Build) -> str:
    files = assemble(made_of).service("alertmanager").files
    return next(f.content for f in files if f.path == "alertmanager.yml").decode()


def config(made_of: Build) -> dict[str, Any]:
    return dict(load_yaml(text_of(made_of)))


def refused(made_of: Build) -> str:
    with pytest.raises(ConfigurationInvalid) as caught:
        refuse_faults(left_out(made_of, ()))
    return str(caught.value)


def test_a_receiver_has_its_integration_its_route_and_its_secret() -> None:
    told = made({"oncall": ONCALL | {"repeat": "2h", "group_wait": "0s"}})
    found = config(told)
    assert found["receivers"][0] == {
        "name": "oncall",
        "slack_configs": [
            {
                "send_resolved": True,
                "api_url_file": "/etc/stack/current/secrets/slack",
                "channel": "#ops",
                "title": '{{ template "stack.title" . }}',
                "text": '{{ template "stack.chat" . }}',
                "http_config": {"follow_redirects": False},
            }
        ],
    }
    tried, real = found["route"]["routes"][:2]
    assert tried["matchers"] == ['stack_test="true"', 'stack_receiver="oncall"']
    assert real == {
        "receiver": "oncall",
        "matchers": ['severity="critical"', 'stack_test!="true"', 'alertname!="Watchdog"'],
        "repeat_interval": "2h",
        "group_wait": "0s",
        "continue": True,
    }
    files = {f.path: f for f in assemble(told).service("alertmanager").files}
    assert files["secrets/slack"].content == b"https://hooks.example/x" and files["secrets/slack"].secret


def http_of(made_of: Build, name: str) -> Any:
    (one,) = (one for one in config(made_of)["receivers"] if one["name"] == name)
    (options,) = next(value for key, value in one.items() if key.endswith("_configs"))
    return options.get("http_config")


def test_no_redirect_is_followed_since_the_message_would_be_lost() -> None:
    tables = {
        "plain": {"type": "webhook", "url": "http://x/"},
        "own": {"type": "webhook", "url": "http://x/", "http_config": {"proxy_url": "http://own:1"}},
        "asked": {"type": "webhook", "url": "http://x/", "http_config": {"follow_redirects": True}},
        "mail": {"type": "email", "to": "a@b"},
    }
    general = b"global: {http_config: {proxy_url: 'http://all:1', tls_config: {server_name: 0123}}}\n"
    stays = {"follow_redirects": False}
    for main, inherited in (
        (MINE.encode(), {}),
        (general + MINE.encode(), {"proxy_url": "http://all:1", "tls_config": {"server_name": "0123"}}),
    ):
        told = made(tables, {MAIN: main})
        assert http_of(told, "plain") == stays | inherited, "as a receiver without an http_config has it"
        assert http_of(told, "own") == stays | {"proxy_url": "http://own:1"}
        assert http_of(told, "asked") == {"follow_redirects": True} and http_of(told, "mail") is None
    on = made(tables, {MAIN: b"global: {http_config: {follow_redirects: true}}\n" + MINE.encode()})
    assert http_of(on, "plain") == {"follow_redirects": True}, "it is said for all"


def test_without_receivers_the_shipped_file_stays_to_the_byte() -> None:
    assert text_of(made({})) == build().tree["alertmanager/alertmanager.yml"].decode()


def test_a_file_in_own_says_the_same_as_a_table() -> None:
    file = b'type = "slack"\nurl_file = "own/secrets/slack"\nchannel = "#ops"\nseverities = ["critical"]\n'
    as_file, as_table = made({}, {"own/receivers/oncall.toml": file}), made({"oncall": ONCALL})
    assert config(as_file) == config(as_table)
    assert not left_out_names(as_file) & {"own/receivers/oncall.toml"}


def left_out_names(made_of: Build) -> set[str]:
    used = assemble(made_of).service("alertmanager").files
    return {one.path for one in left_out(made_of, used)}


@pytest.mark.parametrize("token", [False, True])
@pytest.mark.parametrize("base", ["own", "shipped"])
def test_what_stands_in_the_file_means_the_same_after_it(base: str, token: bool) -> None:
    told = made({"oncall": ONCALL | {"quiet_hours": ["22:00-06:00"]}}, {MAIN: MINE.encode()})
    if base == "shipped":
        told = made({"oncall": ONCALL | {"quiet_hours": ["22:00-06:00"]}})
    if token:
        told = replace(told, secrets={**told.secrets, APP_TOKEN: Secret("t")})
    before = MINE if base == "own" else told.tree["alertmanager/alertmanager.yml"].decode()
    text, after = text_of(told), load_yaml(text_of(told))
    known = load_yaml(before)
    assert after["route"]["routes"][-len(known["route"]["routes"]) :] == known["route"]["routes"]
    for line in before.splitlines():
        assert line in text or (token and "url:" in line)
    assert ('"22:00"' in text) and ("start_time: 09:00, end_time: 17:00" in text) == (base == "own")
    assert after["time_intervals"][0]["name"] == "quiet-hours-oncall"


@pytest.mark.parametrize(
    "main", [MINE, json.dumps(yaml.safe_load(MINE.split("time_intervals", maxsplit=1)[0]))]
)
def test_any_layout_of_the_main_file_will_do(main: str) -> None:
    found = config(made({"oncall": ONCALL, "other": ONCALL}, {MAIN: main.encode()}))
    names = [one["name"] for one in found["receivers"]]
    assert names[:2] == ["oncall", "other"] and names[-1] == "people"
    assert [r["receiver"] for r in found["route"]["routes"]][:4] == ["oncall", "other", "oncall", "other"]


def test_each_way_to_choose_alerts_is_a_matcher() -> None:
    table = ONCALL | {"severities": ["a.b", 'c"'], "components": ["app"], "jobs": "shop"}
    found = read("x", "here", table | {"matchers": ['team=~"a|b"']})
    assert found.matchers == ('severity=~"a\\\\.b|c\\""', 'component="app"', 'job="shop"', 'team=~"a|b"')


def test_who_asks_for_the_heartbeat_gets_it() -> None:
    found = config(made({"x": ONCALL | {"severities": [], "matchers": ['alertname="Watchdog"']}}))
    assert found["route"]["routes"][1]["matchers"] == ['alertname="Watchdog"', 'stack_test!="true"']


@pytest.mark.parametrize(
    ("kind", "table", "options"),
    [
        ("telegram", {"token_file": "t", "chat": -1}, {"bot_token_file": "t", "chat_id": -1}),
        ("pagerduty", {"key_file": "k", "url": "http://x/"}, {"routing_key_file": "k", "url": "http://x/"}),
        ("email", {"password_file": "p", "to": "a@b"}, {"auth_password_file": "p", "to": "a@b"}),
        ("webex", {"token_file": "t"}, {"http_config": {"authorization": {"credentials_file": "t"}}}),
        ("jira", {"http_config": {"a": 1}, "user": "u", "username": "u"},
            {"http_config": {"a": 1, "basic_auth": {"username": "u"}}, "user": "u"}),
        ("webhook", {"url": "http://a/b:c@d", "http_config": {"proxy_url": "http://u:p@x"}},
            {"url": "http://a/b:c@d", "http_config": {"proxy_url": "http://u:p@x"}}),
        ("mattermost", {"options": {"type": "custom_x"}}, {"type": "custom_x"}),
        ("newest", {"what_it_has": [1, {"a": True}]}, {"what_it_has": [1, {"a": True}]}),
    ],
)  # fmt: skip
def test_words_become_options_and_what_is_unknown_goes_on(
    kind: str, table: dict[str, Any], options: dict[str, Any]
) -> None:
    assert read("x", "here", {"type": kind, **table}).options == options


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({}, "type is missing"),
        ({"type": "no such"}, "type 'no such' is none"),
        (ONCALL | {"url": "https://x"}, "url is a secret and does not stand in settings"),
        (ONCALL | {"api_url_file": "x"}, "api_url_file: it says the same as api_url_file"),
        ({"type": "webhook", "http_config": {"basic_auth": {"password": "p"}}}, "http_config.basic_auth.password is"),
        ({"type": "pagerduty", "routing_key": "p"}, "routing_key is a secret"),
        ({"type": "webhook", "url": "https://me:p@x/"}, "url holds a password, which does not stand in settings"),
        ({"type": "jira", "url": "https://me:p@x/"}, "url holds a password"),
        ({"type": "email", "host": "me:p@x:25"}, "host holds a password"),
        (ONCALL | {"severities": [1]}, "severities: [1] is no list of texts"),
        (ONCALL | {"quiet_hours": ["17-9"]}, "quiet_hours: '17-9' cannot be read"),
        (ONCALL | {"quiet_hours": ["noday 17:00-09:00"]}, "quiet_hours: 'noday' is no day"),
        (ONCALL | {"timezone": 1}, "timezone: 1 is no text"),
        (ONCALL | {"timezone": "Europe/Berlinn"}, "timezone: 'Europe/Berlinn' is none"),
        (ONCALL | {"timezone": "../etc/passwd"}, "timezone: '../etc/passwd' is none"),
        (ONCALL | {"footer": float("nan")}, "a value is no text or number"),
        (5, "x is no table"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(table: Any, message: str) -> None:
    with pytest.raises(Wrong) as caught:
        read("x", "here", table)
    assert str(caught.value).startswith(message) and caught.value.hint


@pytest.mark.parametrize(
    ("zone", "hint"),
    [
        ("CEST", "a place, such as Europe/Berlin"),
        ("PDT", "a place, such as Europe/Berlin"),
        ("europe/berlin ", "did you mean Europe/Berlin?"),
        ("America/New York", "did you mean America/New_York?"),
    ],
)
def test_a_zone_is_a_place_and_no_abbreviation_that_looks_alike(zone: str, hint: str) -> None:
    with pytest.raises(Wrong) as caught:
        read("x", "here", ONCALL | {"timezone": zone})
    assert caught.value.hint == hint


def test_a_time_of_toml_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "prometheus").mkdir()
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "stack.toml").write_text('[receivers.x]\ntype = "webhook"\nurl = 17:00:00\n')
    found = replace(build(), settings=load(environ={}, project=tmp_path))
    assert [f.why for f in faults(found)] == ["url is no text or number"]


@pytest.mark.parametrize("toml", ['receivers = "slack"\n', 'x = 1\nreceivers = ["a"]\n'])
def test_receivers_that_are_no_tables_are_named_with_their_line(tmp_path: Path, toml: str) -> None:
    (tmp_path / "prometheus").mkdir()
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "stack.toml").write_text(toml.replace("x = 1", 'name = "a"'))
    with pytest.raises(SettingsError) as caught:
        load(environ={}, project=tmp_path)
    assert f"stack.toml:{toml.count(chr(10))}: receivers: must be a table" in str(caught.value)


def test_one_name_is_one_receiver() -> None:
    told = made({"oncall": ONCALL}, {"own/receivers/oncall.toml": b'type = "slack"\n'})
    assert refused(told).startswith(
        "own/receivers/oncall.toml: stack.toml has [receivers.oncall] too: keep one"
    )
    assert len(receivers(told)) == 1


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.toml", b"type = ", "own/receivers/a.toml: it is no TOML"),
        ("stack-test.toml", b'type = "slack"', "own/receivers/stack-test.toml: a receiver cannot be called"),
        ("a.toml", b'type = "slack"\nurl = "x"', "own/receivers/a.toml: url is a secret"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(name: str, content: bytes, message: str) -> None:
    assert refused(made({}, {f"own/receivers/{name}": content})).startswith(message)


def test_texts_of_all_kinds_arrive_as_they_are() -> None:
    odd = "a\u2028b\x7f\u0085 \U0001f600 ' \" \\ 17:00"
    content = with_receivers(MINE.encode(), [read("x", "here", ONCALL | {"footer": odd})], ())
    assert yaml.safe_load(content)["receivers"][0]["slack_configs"][0]["footer"] == odd


QUIET = [
    ("22:00-06:00", [([], "22:00", "24:00"), ([], "00:00", "06:00")]),
    ("sun 22:00-06:00", [(["sunday"], "22:00", "24:00"), (["monday"], "00:00", "06:00")]),
    ("sat,Sun 00:00-24:00", [(["saturday", "sunday"], "00:00", "24:00")]),
    ("fri:mon 09:00 - 17:30", [(["monday", "friday", "saturday", "sunday"], "09:00", "17:30")]),
    ("tue 18:00-00:00", [(["tuesday"], "18:00", "24:00")]),
]


@pytest.mark.parametrize(("text", "parts"), QUIET)
def test_quiet_hours(text: str, parts: list[tuple[list[str], str, str]]) -> None:
    found = read("x", "here", ONCALL | {"quiet_hours": text, "timezone": "Europe/Berlin"}).quiet
    assert [(q.get("weekdays", []), *q["times"][0].values(), q["location"]) for q in found] == [
        (*part, "Europe/Berlin") for part in parts
    ]
