"""What the files alone tell of who hears of alerts."""

from __future__ import annotations

import pytest

from stack.checks.model import Expected, Rule
from stack.checks.receiver_remarks import about, told, told_of_surely, unheard_of

RULES = (
    Rule("g", "Down", "alerting", "up == 0", labels=(("severity", "critical"),)),
    Rule("g", "Slow", "alerting", "a > 1", labels=(("severity", "warning"),)),
    Rule("g", "Watchdog", "alerting", "vector(1)", labels=(("severity", "none"),)),
)
HOOK = "webhook_configs: [{url: http://x/, http_config: {follow_redirects: false}}]"
RECEIVERS = f"receivers: [{{name: all, {HOOK}}}, {{name: some, {HOOK}}}, {{name: none}}]\n"
TRY = "{receiver: some, matchers: ['stack_test=\"true\"', 'stack_receiver=\"some\"']}"
WATCHDOG = "{receiver: all, matchers: ['alertname=\"Watchdog\"'], repeat_interval: 1m, group_interval: 5s}"


def expected(routes: str, more: str = "", receivers: str = RECEIVERS) -> Expected:
    text = f"route: {{receiver: all, routes: [{TRY}, {WATCHDOG}, {routes}]}}\n{receivers}{more}"
    return Expected(stack="s", addresses=(), alertmanager_config=text, rules=RULES)


def remarks(routes: str, more: str = "") -> list[str]:
    return told(expected(routes, more))


def test_nothing_is_said_of_what_is_well() -> None:
    assert remarks("{receiver: some, matchers: ['severity=~\"critical|warning\"']}") == []
    assert remarks("{receiver: some, matchers: ['team=\"a\"'], continue: true}") == []


@pytest.mark.parametrize(
    ("routes", "said"),
    [
        ("{receiver: all}", "no route leads to receiver some, so it is never told"),
        (
            "{receiver: some, matchers: ['severity=\"critcal\"']}",
            'no alert of the rules gets to receiver some (severity="critcal")',
        ),
        (
            "{receiver: all, matchers: ['severity=\"critical\"']},"
            "{receiver: some, matchers: ['severity=\"critical\"', 'team=\"a\"']}",
            'the route to some (severity="critical", team="a"): the route to all (severity="critical") takes',
        ),
        ("{receiver: some, matchers: ['a=\"b\"', 'a!=\"b\"']}", 'the route to some (a="b", a!="b"): these exclude'),
    ],
)  # fmt: skip
def test_what_no_alert_gets_to_is_named(routes: str, said: str) -> None:
    assert any(said in line for line in remarks(routes))


def test_a_route_behind_one_that_goes_on_is_reached() -> None:
    first = "{receiver: all, matchers: ['severity=\"critical\"'], continue: true}"
    assert remarks(f"{first}, {{receiver: some, matchers: ['severity=\"critical\"']}}") == []


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            "inhibit_rules: [{source_matchers: ['severity=\"critical\"'], target_matchers: ['severity=~\".+\"']}]",
            "inhibit_rules[0] lets one alert",
        ),
        (
            "inhibit_rules: [{source_matchers: ['alertname=\"Watchdog\"'], target_matchers: ['severity!=\"x\"']}]",
            "Watchdog, which always fires, holds back",
        ),
    ],
)
def test_what_holds_everything_back_is_named(more: str, said: str) -> None:
    assert any(said in line for line in remarks("{receiver: some}", more))


def test_a_mute_over_all_time_is_named() -> None:
    always = "time_intervals: [{name: always, time_intervals: [{times: [{start_time: '00:00', end_time: '24:00'}]}]}]"
    said = remarks("{receiver: some, mute_time_intervals: [always]}", always)
    assert any("is muted for the whole coming week" in line for line in said)


def test_a_stack_without_alertmanager_has_none() -> None:
    assert told(Expected(stack="s", addresses=(), alertmanager_config="", rules=RULES)) == []


ALWAYS = (
    "time_intervals: [{name: always, time_intervals: [{times: [{start_time: '00:00', end_time: '24:00'}]}]}]"
)


def test_a_receiver_that_never_speaks_is_named_though_others_hear_of_its_alerts() -> None:
    routes = "{receiver: some, continue: true, mute_time_intervals: [always]}, {receiver: all}"
    line = "alertmanager.yml: receiver some is told nothing in the whole coming week: correct always"
    assert line in remarks(routes, ALWAYS) and about(expected(routes, ALWAYS), "some") == [line]
    both = f"{{receiver: some, continue: true}}, {routes}"
    assert line not in remarks(both, ALWAYS), "its other route speaks"


def test_what_is_said_of_one_receiver_is_what_concerns_it() -> None:
    routes = "{receiver: some, matchers: ['severity=\"critcal\"']}"
    (line,) = about(expected(routes), "some")
    assert line in remarks(routes) and "no alert of the rules gets to receiver some" in line
    assert about(expected(routes), "all") == []


def test_a_label_that_neither_rule_nor_series_has_is_named() -> None:
    promised = expected("{receiver: some, matchers: ['severty=\"critical\"', 'team!=\"a\"', 'job=\"shop\"']}")
    (line,) = unheard_of(promised, "some", ("job", "instance"))
    assert "has a label severty so far" in line and "is it spelled right?" in line
    assert unheard_of(promised, "some", ("job", "severty")) == [] and unheard_of(promised, "all", ()) == []


def test_a_route_that_repeats_sooner_than_it_looks_is_named() -> None:
    slow = "{receiver: some, repeat_interval: 2m}"
    (line,) = about(expected(slow), "some")
    assert "repeat_interval 2m is shorter than group_interval 5m" in line and line in remarks(slow)
    assert about(expected("{receiver: some, repeat_interval: 2m, group_interval: 2m}"), "some") == []


def test_what_amtool_is_asked_of_is_surely_heard_of() -> None:
    sure = told_of_surely(expected("{receiver: some, matchers: ['severity=\"warning\"']}"), "some")
    assert sure is not None and (sure.name, sure.labels.known["severity"]) == ("Slow", "warning")
    perhaps = expected("{receiver: some, matchers: ['severity=\"warning\"', 'job=\"shop\"']}")
    assert told_of_surely(perhaps, "some") is None


@pytest.mark.parametrize(
    ("configs", "more", "follows"),
    [
        ("webhook_configs: [{url: http://x/}]", "", True),
        ("slack_configs: [{api_url: http://x/, http_config: {proxy_url: http://p}}]", "", True),
        ("webhook_configs: [{url: http://x/, http_config: {follow_redirects: false}}]", "", False),
        ("webhook_configs: [{url: http://x/}]", "global: {http_config: {follow_redirects: false}}", False),
        ("webhook_configs: [{url: http://x/, http_config: {proxy_url: http://p}}]",
            "global: {http_config: {follow_redirects: false}}", True),
        ("email_configs: [{to: a}], webhook_configs: [{url: http://app:8000/alerts}]", "", False),
    ],
)  # fmt: skip
def test_a_receiver_of_the_native_file_that_follows_redirects_is_named(
    configs: str, more: str, follows: bool
) -> None:
    receivers = f"receivers: [{{name: all, {HOOK}}}, {{name: some, {configs}}}]\n"
    promised = expected("{receiver: some}", more, receivers)
    said = [line for line in told(promised) if "redirects are followed" in line]
    assert bool(said) == follows and about(promised, "some") == said
    assert not said or (
        said[0].startswith("alertmanager.yml: some: ") and "{follow_redirects: false}" in said[0]
    )
