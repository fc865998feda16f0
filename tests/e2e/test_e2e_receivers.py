"""Receivers on a real engine: each is told of a test alert and its end by the recorded message, or says why not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Make
from tests.e2e.hooks import HOST, Hooks, hooks
from tests.e2e.stack_command import Ran, Stack

pytestmark = pytest.mark.e2e
GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "receivers.json"
VOLATILE = (
    (re.compile(r"(?:\b|(?<=%22))[0-9a-f]{32}\b"), "PROOF"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?Z?"), "TIME"),
)
BASE = 29700
TRUST = 'tls_config.ca_file = "own/secrets/ca.pem"\n'


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hooks]:
    with hooks(tmp_path_factory.mktemp("hooks")) as servers:
        yield servers


def tables(there: Hooks) -> dict[str, tuple[str, str]]:
    """Receivers by name: the words of the table, and the secret."""
    mail = 'type = "email"\nfrom = "stack@example.com"\nto = "ops@example.com"\n' + TRUST
    relay = f'host = "{HOST}:{there.tls}"\nusername = "alerts"\npassword_file = "own/secrets/{{name}}"\n'
    hook = 'type = "{kind}"\nurl_file = "own/secrets/{name}"\n'
    return {
        "webhook": (
            hook.replace("{kind}", "webhook") + f"http_config.{TRUST}",
            f"https://{HOST}:{there.https}/200/webhook",
        ),
        "slack": (hook.replace("{kind}", "slack") + 'channel = "#ops"\n', there.url("/200/slack")),
        "discord": (hook.replace("{kind}", "discord"), there.url("/204/discord")),
        "msteamsv2": (hook.replace("{kind}", "msteamsv2"), there.url("/202/msteamsv2")),
        "telegram": (
            'type = "telegram"\ntoken_file = "own/secrets/{name}"\nchat = -100\n'
            f'url = "{there.url("/200/telegram")}"\n',
            "12:token",
        ),
        "pagerduty": (
            f'type = "pagerduty"\nkey_file = "own/secrets/{{name}}"\nurl = "{there.url("/202/pagerduty")}"\n',
            "key",
        ),
        "email": (mail + relay, "right"),
        "forbidden": (hook.replace("{kind}", "webhook"), there.url("/403/forbidden")),
        "down": (hook.replace("{kind}", "webhook"), there.url("/503/down")),
        "redirected": (hook.replace("{kind}", "webhook"), there.url("/301/redirected")),
        "unknown": (hook.replace("{kind}", "webhook"), "http://no-such-host.invalid/"),
        "plain-relay": (mail + f'host = "{HOST}:{there.plain}"\n', ""),
        "wrong-password": (mail + relay, "wrong"),
        "refused-address": ((mail + relay).replace("ops@", "nobody@"), "right"),
        "untrusted": (hook.replace("{kind}", "webhook"), f"https://{HOST}:{there.https}/200/x"),
    }


@pytest.fixture(scope="module")
def stack(make_stack: Make, there: Hooks) -> Stack:
    extra = {"STACK_COMPONENTS": "app=off,node_exporter=off", "STACK_GRAFANA": "off"}
    made: Stack = make_stack("e2e-receivers", BASE, **extra)
    secrets = made.home / "own" / "secrets"
    secrets.mkdir(parents=True)
    (secrets / "ca.pem").write_bytes(there.authority)
    text = ""
    for name, (words, secret) in tables(there).items():
        text += f'[receivers.{name}]\nseverities = ["critical"]\n{words.replace("{name}", name)}'
        if secret:
            (secrets / name).write_text(f"{secret}\n")
    (made.home / "stack.toml").write_text(text)
    made.ok("start", "--quick")
    return made


def clean(value: Any) -> Any:
    """Without what differs from run to run."""
    text = json.dumps(value)
    for pattern, word in VOLATILE:
        text = pattern.sub(word, text)
    return json.loads(text)


def told(kind: str, body: Any) -> Any:
    """What people see of a notification."""
    if kind == "slack":
        (one,) = body["attachments"]
        return {"channel": body["channel"], **{key: one[key] for key in ("title", "text", "color")}}
    if kind == "discord":
        return [{key: one[key] for key in ("title", "description")} for one in body["embeds"]]
    if kind == "msteamsv2":
        return [one.get("text") for one in body["attachments"][0]["content"]["body"]]
    if kind == "telegram":
        return {key: body.get(key, "") for key in ("chat_id", "text", "parse_mode")}
    if kind == "pagerduty":
        return {"event_action": body["event_action"], "summary": body["payload"]["summary"]}
    if kind == "webhook":
        return {
            "status": body["status"],
            "labels": body["commonLabels"],
            "annotations": body["commonAnnotations"],
        }
    return {
        key: value.replace("\r\n", "\n") if isinstance(value, str) else value for key, value in body.items()
    }


KINDS = ("discord", "email", "msteamsv2", "pagerduty", "slack", "telegram", "webhook")


def test_each_is_told_of_an_alert_and_its_end_with_the_recorded_message(stack: Stack, there: Hooks) -> None:
    found = {}
    for kind in KINDS:
        ran = stack("receiver", "test", kind, "--resolve", "--json")
        assert ran.code == 0, ran.err
        assert [one["status"] for one in ran.json()["outcomes"]] == ["firing", "resolved"]
        first, last = there.heard.bodies[kind]
        found[kind] = {"firing": clean(told(kind, first)), "resolved": clean(told(kind, last))}
    assert found == json.loads(GOLDEN.read_text("utf-8")), json.dumps(found, indent=2, sort_keys=True)


FAULTS = {
    "forbidden": "receiver forbidden (webhook) answered 403 to the notification: "
    "unexpected status code 403: invalid_token: it does not accept the secret: put a valid one into own/secrets/",
    "down": "answered 503 to the notification: unexpected status code 503",
    "redirected": "answered 301 to the notification: unexpected status code 301",
    "unknown": "no such host: no DNS server that containers ask knows this host",
    "plain-relay": "does not advertise the STARTTLS extension: the relay offers no TLS",
    "wrong-password": "correct own/secrets/wrong-password",
    "refused-address": "the relay refuses the address: correct to and from",
    "untrusted": "its certificate is not trusted",
}


def test_what_was_not_taken_names_the_answer_and_the_remedy(stack: Stack) -> None:
    def ask(name: str) -> Ran:
        return stack("receiver", "test", name)

    with ThreadPoolExecutor(len(FAULTS)) as pool:
        ended = dict(zip(FAULTS, pool.map(ask, FAULTS), strict=True))
    said = {name: ran.err.strip() for name, ran in ended.items()}
    assert all(FAULTS[name] in said[name] for name in FAULTS), json.dumps(said, indent=2)
    assert {ran.code for ran in ended.values()} == {6}


def test_status_and_list_tell_who_was_tested_and_smoke_who_takes_nothing(stack: Stack) -> None:
    remarks = stack("status", "--json").json()["remarks"]
    assert sorted(line.split()[1] for line in remarks if "was never tested" in line) == sorted(FAULTS)
    rows = {row["receiver"]: row for row in stack.ok("receiver", "list", "--json").json()["receivers"]}
    assert all(rows[kind]["tested"].endswith("UTC") and rows[kind]["sent"] == 2 for kind in KINDS)
    ran = stack("smoke", "--quick")
    assert ran.code == 6 and "alertmanager.notifications" in ran.err + ran.out
    assert re.search(r"receiver \S+ \(\w+\) took none of \d+ notifications", ran.err + ran.out)


def test_a_receiver_that_is_refused_is_not_kept_and_what_would_be_lost_is_not_loaded(
    stack: Stack, there: Hooks
) -> None:
    before = (stack.home / "stack.toml").read_text()
    ran = stack("receiver", "add", "more", "webhook", "--set", f"url={there.url('/404/more')}")
    assert ran.code == 6 and "answered 404" in ran.err and "nothing was changed" in ran.err
    assert not (stack.home / "own/receivers/more.toml").exists()
    (stack.home / "own/secrets/slack").rename(stack.home / "own/secrets/moved")
    ran = stack("validate")
    assert (
        ran.code == 2
        and "stack.toml [receivers.slack]: api_url_file: own/secrets/slack is missing" in ran.err
    )
    (stack.home / "own/secrets/moved").rename(stack.home / "own/secrets/slack")
    (stack.home / "stack.toml").write_text(
        before + '[receivers.bad]\ntype = "webhook"\nurl = "http://x/"\nmax_alert = 1\n'
    )
    ran = stack("validate")
    assert ran.code == 2 and "stack.toml [receivers.bad]: field max_alert not found" in ran.err
    (stack.home / "stack.toml").write_text(before)
