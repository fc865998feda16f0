"""Rule files are taken over in one command: judged before, evaluated after, undone where one fails."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from stack.checks.model import Finding, Report
from stack.clients.prometheus import LoadedRule
from stack.common.errors import ConfigurationInvalid, SmokeFailed, UsageError
from tests.scenarios.commands import Client

RULES = """\
groups:
- name: shop
  rules:
  - alert: ShopDown
    expr: up{job="shop"} == 0
  - record: shop:up:sum
    expr: sum(up{job="shop"})
"""
OPERATOR = "kind: PrometheusRule\nspec:\n" + "".join(f"  {line}\n" for line in RULES.splitlines())
PATH = "own/prometheus/rules/shop.yml"
NO_FOR = f"{PATH}:4 shop/ShopDown: one bad sample fires it, as it has no for: add one, such as for: 5m"


def file(client: Client, text: str = RULES, name: str = "shop.yml") -> str:
    path = client.home / name
    path.write_text(text)
    return str(path)


@pytest.fixture
def running(client: Client) -> Client:
    assert client("start") == 0
    return client


def test_a_file_is_taken_over_and_its_rules_are_evaluated(running: Client) -> None:
    code, said = running.run("rules", "add", file(running))
    (document,) = said.documents
    assert code == 0 and (running.home / PATH).read_text() == RULES
    assert running.in_use("prometheus", "rules/~own+shop.yml") == RULES.encode()
    assert document["files"] == [{"path": PATH, "groups": ("shop",), "rules": 2, "wrapping": ""}]
    assert document["applied"] and document["warnings"] == [NO_FOR]
    evaluated = [expected for expected in running.products.asked if 0 < len(expected.rules) < 5]
    assert [[rule.name for rule in one.rules] for one in evaluated] == [["ShopDown", "shop:up:sum"]]
    assert running.plan() == []


def test_a_wrapped_file_and_another_name(running: Client) -> None:
    assert running("rules", "add", file(running, OPERATOR, "x.yaml"), "--as", "team/shop") == 0
    assert (running.home / "own/prometheus/rules/team/shop.yml").read_text() == RULES


def test_what_fails_when_it_is_evaluated_is_undone(running: Client) -> None:
    def run(*args: Any, names: tuple[str, ...] = (), **more: Any) -> Report:
        if names == ("prometheus.expressions",):
            told = f"{PATH}:4 shop/ShopDown fails"
            return Report((Finding(names[0], "prometheus", "checked", "failed", told, "mend it"),))
        return asked(*args, names=names, **more)

    asked = running.products.run
    running.products.run = run  # type: ignore[method-assign, assignment]
    given = file(running, OPERATOR)
    with pytest.raises(SmokeFailed) as caught:
        running("rules", "add", given)
    assert caught.value.message == f"prometheus.expressions: {given}:6 shop/ShopDown fails"
    assert caught.value.hint == "mend it; nothing was changed"
    assert not (running.home / PATH).exists() and running.in_use("prometheus", "rules/~own+shop.yml") is None


def test_what_promtool_refuses_is_told_of_the_file_that_was_given(running: Client) -> None:
    given = file(running, OPERATOR.replace("expr: sum(", 'expr: "sum(').replace('up{job="shop"})', "up)"))
    with pytest.raises(ConfigurationInvalid) as caught:
        running("rules", "add", given)
    assert caught.value.message.startswith(f"{given}:") and not (running.home / "own").exists()
    with pytest.raises(ConfigurationInvalid) as again:
        running("rules", "add", given, "--dry-run")
    assert again.value.message == caught.value.message


def test_without_a_running_stack_the_text_alone_is_judged(client: Client) -> None:
    code, said = client.run("rules", "add", file(client))
    assert code == 0 and not said.documents[0]["applied"] and said.documents[0]["warnings"] == [NO_FOR]
    assert (client.home / PATH).read_text() == RULES
    assert client("start") == 0 and client.in_use("prometheus", "rules/~own+shop.yml") == RULES.encode()


def test_a_dry_run_changes_nothing(running: Client) -> None:
    code, said = running.run("rules", "add", file(running), "--dry-run")
    assert code == 0 and "plan" in said.documents[0] and not (running.home / "own").exists()


def test_rules_come_from_standard_input_too(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(RULES.encode())))
    assert client("rules", "add", "-", "--as", "shop") == 0
    assert (client.home / PATH).read_text() == RULES
    with pytest.raises(UsageError, match="need a name: --as NAME"):
        client("rules", "add", "-")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("nowhere.yml",), "No such file"),
        (("HOME",), "is a folder"),
        (("HOME/shop.yml", "--as", "../x"), "'../x' is no name for a file"),
        (("HOME/shop.yml", "--as", ".x"), "'.x' is no name for a file"),
        (("HOME/shop.yml", "HOME/shop.yml"), "shop.yml would both be own/prometheus/rules/shop.yml"),
        (("HOME/shop.yml", "HOME/shop.yml", "--as", "x"), "--as names one file"),
    ],
)
def test_what_cannot_be_meant_is_refused(client: Client, words: tuple[str, ...], says: str) -> None:
    file(client)
    with pytest.raises(UsageError, match=says):
        client("rules", "add", *(word.replace("HOME", str(client.home)) for word in words))
    assert not (client.home / "own").exists()


@pytest.mark.parametrize("name", ["shop", "shop.yml", PATH])
def test_a_file_goes_by_its_name_and_never_twice(running: Client, name: str) -> None:
    given = file(running)
    assert running("rules", "add", given) == 0
    with pytest.raises(UsageError, match="is there already: --as NAME gives another name, rules remove shop"):
        running("rules", "add", given)
    assert running("rules", "remove", name) == 0
    assert not (running.home / PATH).exists() and running.in_use("prometheus", "rules/~own+shop.yml") is None
    with pytest.raises(UsageError, match=r"there is no own/prometheus/rules/shop\.yml: rules list shows"):
        running("rules", "remove", name)


def loaded(name: str, kind: str, **changes: Any) -> LoadedRule:
    file_inside = "/etc/stack/current/rules/~own+shop.yml"
    return replace(LoadedRule("shop", name, kind, "ok", "", (), file_inside), **changes)


def test_the_list_shows_files_and_what_prometheus_says_of_each(
    running: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert running("rules", "add", file(running)) == 0
    known = (
        loaded("ShopDown", "alerting", state="firing", evaluated=1.0e9),
        loaded("shop:up:sum", "recording", last_error="many-to-many"),
    )
    monkeypatch.setattr("stack.cli.rule_list._asked", lambda *_: known)
    (document,) = running.run("rules", "list")[1].documents
    first, second, third, *_ = document["rules"]
    assert (first["from"], first["file"], first["state"]) == ("own", PATH, "firing")
    assert first["evaluated"] == "2001-09-09 01:46:40 UTC"
    assert (second["state"], second["error"], second["evaluated"]) == ("error", "many-to-many", None)
    assert (third["from"], third["state"]) == ("shipped", "not loaded")
    monkeypatch.setattr("stack.cli.rule_list._asked", lambda *_: None)
    assert running.run("rules", "list")[1].documents[0]["rules"][0]["state"] == "no answer"


def test_a_list_without_a_stack_shows_the_files(client: Client) -> None:
    rules = client.run("rules", "list")[1].documents[0]["rules"]
    assert len(rules) > 20 and {rule["state"] for rule in rules} == {"not running"}


def test_validate_warns_of_windows_that_the_scrape_interval_makes_too_short(client: Client) -> None:
    assert client.run("validate")[1].documents[0]["warnings"] == []
    client.edit("prometheus/prometheus.yml", "scrape_interval: 5s", "scrape_interval: 10m")
    own = client.home / PATH
    own.parent.mkdir(parents=True)
    own.write_text(RULES)
    code, said = client.run("validate")
    warnings = said.documents[0]["warnings"]
    assert code == 0 and NO_FOR in warnings
    assert any("scrape_interval of job app is 10m, and a sample is seen for 5m" in one for one in warnings)
    (window,) = [one for one in warnings if "DBBoundaryViolationAttempt" in one]
    assert window.endswith(
        "increase(gate_errors_total[1m]) needs two samples, and no job is scraped more often than each 10m: "
        "make it 40m, 20m at the least"
    )


def test_a_long_interval_is_said_before_it_is_waited_for(client: Client) -> None:
    client.edit("prometheus/prometheus.yml", "scrape_interval: 5s", "scrape_interval: 30s")
    lines: list[str] = []
    client.monkeypatch.setattr(
        "tests.scenarios.commands.Said.line",
        lambda self, label, text, tone="": lines.append(f"{label} {text}"),
    )
    assert client("start") == 0
    assert "proving may take 1m: two scrapes of each job (scrape_interval)" in lines
    lines.clear()
    assert client("start") == 0 and not any(line.startswith("proving") for line in lines)
