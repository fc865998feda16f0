"""receiver add, list, test, remove: one that takes its test alert is kept; of one that does not it is told why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stack.checks.receiver_trial import Outcome
from stack.cli import receiver, receiver_test
from stack.common.errors import ConfigurationInvalid, SmokeFailed, UsageError
from stack.common.yaml_text import load_yaml
from tests.scenarios.commands import Client

FILE = "own/receivers/oncall.toml"
SECRET = "own/secrets/receivers/oncall"
TAKEN = (Outcome("slack", "firing", delivered=True, seconds=0.1),)


@pytest.fixture
def trials(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the receivers that were tried; each takes its alert."""
    found: list[str] = []

    def tried(session: Any, description: Any, name: str, *, ends: bool) -> tuple[Outcome, ...]:
        found.append(name)
        return TAKEN

    for module in (receiver, receiver_test):
        monkeypatch.setattr(module, "tried", tried)
    return found


@pytest.fixture
def running(client: Client, trials: list[str]) -> Client:
    assert client("start") == 0
    return client


@pytest.fixture
def secret(tmp_path: Path) -> str:
    (tmp_path / "slack").write_text("https://hooks.example/x\n")
    return str(tmp_path / "slack")


def config(client: Client) -> dict[str, Any]:
    return dict(load_yaml(client.in_use("alertmanager", "alertmanager.yml") or b""))


def names(client: Client) -> list[str]:
    return [one["name"] for one in config(client)["receivers"]]


def add(client: Client, secret: str, *more: str) -> tuple[int, Any]:
    return client.run(
        "receiver", "add", "oncall", "slack", "--secret-file", secret, "--set", "channel=#ops", *more
    )


def test_a_receiver_that_takes_its_test_alert_is_kept(
    running: Client, trials: list[str], secret: str
) -> None:
    before = running.ids()
    code, said = add(
        running, secret, "--severity", "critical", "--quiet-hours", "22:00-06:00", "--repeat", "2h"
    )
    assert code == 0 and trials == ["oncall"]
    assert said.documents[0]["files"] == [SECRET, FILE] and said.documents[0]["outcomes"][0]["delivered"]
    assert (running.home / FILE).read_text().splitlines()[1:] == [
        'type = "slack"',
        f'url_file = "{SECRET}"',
        'channel = "#ops"',
        'severities = ["critical"]',
        'quiet_hours = ["22:00-06:00"]',
        'repeat = "2h"',
    ]
    assert (running.home / SECRET).stat().st_mode & 0o777 == 0o600
    assert names(running)[0] == "oncall" and running.ids() == before and running.plan() == []
    assert running.state.tested["oncall"].identity


def test_one_that_does_not_is_undone(running: Client, secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*told: Any, **more: Any) -> Any:
        raise SmokeFailed("receiver oncall (slack) answered 403", hint="put a valid one there")

    monkeypatch.setattr(receiver, "tried", refuse)
    with pytest.raises(SmokeFailed) as caught:
        add(running, secret)
    assert caught.value.hint == "put a valid one there; nothing was changed"
    assert not (running.home / FILE).exists() and not (running.home / SECRET).exists()
    assert "oncall" not in names(running) and not running.state.tested


def test_without_a_test_it_is_kept_and_status_says_so(
    running: Client, trials: list[str], secret: str
) -> None:
    assert add(running, secret, "--no-test")[0] == 0 and not trials
    _, said = running.run("status")
    assert (
        "receiver oncall was never tested: monitoring-stack receiver test oncall"
        in said.documents[0]["remarks"]
    )
    code, said = running.run("receiver", "test", "oncall")
    assert code == 0 and said.documents[0]["receiver"] == "oncall"
    assert "GateUnavailable" in said.documents[0]["hears_of"]
    assert running.run("status")[1].documents[0]["remarks"] == []
    (running.home / SECRET).write_text("https://hooks.example/y\n")
    assert running("reload") == 0
    (remark,) = running.run("status")[1].documents[0]["remarks"]
    assert remark.startswith("receiver oncall was changed since its test of")


def test_a_dry_run_prints_the_plan_and_changes_nothing(
    running: Client, trials: list[str], secret: str
) -> None:
    code, said = add(running, secret, "--dry-run")
    assert code == 0 and not trials and not (running.home / "own").exists()
    assert {step["verb"] for step in said.documents[0]["plan"]} >= {"write files", "reload"}


def test_where_nothing_runs_it_is_written_for_the_next_start(
    client: Client, trials: list[str], secret: str
) -> None:
    assert add(client, secret)[0] == 0 and not trials
    assert client("start") == 0 and names(client)[0] == "oncall"


def test_remove_takes_the_file_and_the_secret_that_add_has_kept(running: Client, secret: str) -> None:
    add(running, secret)
    code, said = running.run("receiver", "remove", "oncall")
    assert code == 0 and said.documents[0]["removed"] == [FILE, SECRET]
    assert "oncall" not in names(running) and not (running.home / FILE).exists()


def test_a_secret_that_lies_in_own_already_is_named_and_stays(running: Client) -> None:
    (running.home / "own/secrets").mkdir(parents=True)
    (running.home / "own/secrets/mine").write_text("https://x\n")
    assert add(running, "own/secrets/mine")[0] == 0
    assert 'url_file = "own/secrets/mine"' in (running.home / FILE).read_text()
    assert running("receiver", "remove", "oncall") == 0 and (running.home / "own/secrets/mine").exists()


def test_values_are_of_the_kind_that_they_look_like(running: Client, secret: str) -> None:
    words = ("--set", "chat=-100", "--set", "http_config.follow_redirects=false", "--set", "message=17:00")
    assert running("receiver", "add", "t", "telegram", "--secret-file", secret, *words) == 0
    (told,) = config(running)["receivers"][0]["telegram_configs"]
    assert told["chat_id"] == -100 and told["message"] == "17:00"
    assert told["http_config"] == {"follow_redirects": False}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("a b", "slack"), "a receiver cannot be called 'a b'"),
        (("x", "slack", "--set", "url=https://x"), "url is a secret and does not stand in settings"),
        (("x", "slack", "--set", "nothing"), "--set nothing: must be WORD=VALUE"),
        (("x", "slak", "--secret-file", "SECRET"), "it is not known which option of slak --secret-file is"),
        (("x", "sns", "--secret-file", "SECRET"), "it is not known which option of sns --secret-file is"),
        (("x", "slack", "--quiet-hours", "night"), "quiet_hours: 'night' cannot be read"),
        (("mine", "slack"), "stack.toml has [receivers.mine] already"),
    ],
)
def test_what_cannot_be_meant_is_told(
    running: Client, secret: str, words: tuple[str, ...], said: str
) -> None:
    running.settings('[receivers.mine]\ntype = "webhook"\nurl = "http://x/"\n')
    with pytest.raises(UsageError) as caught:
        running("receiver", "add", *(secret if word == "SECRET" else word for word in words))
    assert str(caught.value).startswith(said) and caught.value.hint


def test_a_secret_that_could_not_be_used_is_told_by_the_file_that_was_given(
    running: Client, secret: str
) -> None:
    Path(secret).write_text('SLACK_URL="https://hooks.example/hidden"\n')
    with pytest.raises(
        UsageError, match=r"slack: a name and = before the secret, as in a \.env file"
    ) as caught:
        add(running, secret)
    assert "hidden" not in str(caught.value) and secret in str(caught.value)
    assert not (running.home / SECRET).exists()


def test_a_slip_in_the_type_has_a_suggestion(running: Client, secret: str) -> None:
    with pytest.raises(UsageError) as caught:
        running("receiver", "add", "x", "slak", "--secret-file", secret)
    assert caught.value.hint.startswith("did you mean slack? Else ")


def test_a_receiver_of_the_settings_is_removed_there(running: Client) -> None:
    running.settings('[receivers.mine]\ntype = "webhook"\nurl = "http://x/"\n')
    with pytest.raises(UsageError, match=r"receiver mine stands in stack\.toml") as caught:
        running("receiver", "remove", "mine")
    assert "take the table [receivers.mine] out of stack.toml" in caught.value.hint
    with pytest.raises(UsageError, match="there is no receiver nope"):
        running("receiver", "remove", "nope")


def test_a_receiver_twice_is_refused(running: Client, secret: str) -> None:
    add(running, secret)
    with pytest.raises(UsageError, match=r"oncall\.toml is there already"):
        add(running, secret)


def test_list_has_all_of_them(running: Client, secret: str) -> None:
    add(running, secret, "--severity", "critical")
    code, said = running.run("receiver", "list")
    rows = {row["receiver"]: row for row in said.documents[0]["receivers"]}
    assert code == 0 and set(rows) == {"oncall", "default", "watchdog", "critical", "warning"}
    assert rows["oncall"]["type"] == "slack" and rows["oncall"]["tested"].endswith("UTC")
    assert rows["oncall"]["matchers"] == ('severity="critical"',) or rows["oncall"]["matchers"] == [
        'severity="critical"'
    ]
    assert (
        rows["critical"]["type"] == "application"
        and rows["oncall"]["alerts"] == rows["critical"]["alerts"] > 0
    )


def test_a_secret_that_is_missing_stops_every_change(running: Client) -> None:
    running.settings('[receivers.mine]\ntype = "slack"\nurl_file = "own/secrets/slack"\n')
    with pytest.raises(
        ConfigurationInvalid,
        match=r"stack\.toml \[receivers\.mine\]: api_url_file: own/secrets/slack is missing",
    ):
        running("reload")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--severity", "critcal"), "no alert of the rules gets to receiver oncall"),
        (("--quiet-hours", "00:00-24:00"), "receiver oncall is told nothing in the whole coming week"),
        (("--severity", "critical"), ""),
    ],
)
@pytest.mark.parametrize("runs", [True, False])
def test_that_nobody_would_ever_be_told_is_said_when_it_is_added(
    client: Client, trials: list[str], secret: str, words: tuple[str, ...], said: str, runs: bool
) -> None:
    assert not runs or client("start") == 0
    code, ran = add(client, secret, *words)
    warnings = ran.documents[0]["warnings"]
    assert code == 0 and bool(warnings) == bool(said) and all(said in line for line in warnings)
    assert bool(ran.documents[0]["hears_of"]) == (said[:8] != "no alert")
