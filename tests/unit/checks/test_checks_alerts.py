"""What keeps alerts from being heard is named: routes, time intervals, inhibitions, silences, missing secrets."""

from __future__ import annotations

import time
from typing import Any

import pytest
from msgspec.structs import replace

from stack.checks.model import Finding, Rule
from stack.components import all_checks
from stack.engine.interface import Ran
from tests.loopback import Reply
from tests.unit.checks.fake_stack import RULES, FakeStack, data, digest_group, held, loaded, silence
from tests.unit.checks.test_checks_products import finding_of

ROUTES, SILENCES, SECRETS = (
    next(c for c in all_checks() if c.name == f"alertmanager.{name}")
    for name in ("routes", "silences", "secrets")
)
HOOK = "webhook_configs: [{url: 'http://app:8000/alerts'}]"
BASE = f"""
route:
  receiver: default
  repeat_interval: 1m
  group_interval: 5s
  routes: [ROUTES]
receivers:
  - name: default
    {HOOK}
  - name: night
    {HOOK}
  - name: nobody
time_intervals:
  - name: always
    time_intervals: [{{}}]
  - name: never
    time_intervals: []
  - name: this_year
    time_intervals: [{{years: ['2026:2099']}}]
  - name: now
    time_intervals: [{{weekdays: ['TODAY']}}]
inhibit_rules: [INHIBIT]
"""
EXTERNAL = "global: {external_labels: {cluster: here}}"
DOWN = Rule("alerts", "TargetDown", "alerting", "up == 0")


def config(routes: str = "", inhibit: str = "") -> str:
    today = time.strftime("%A", time.gmtime())
    return BASE.replace("ROUTES", routes).replace("INHIBIT", inhibit).replace("TODAY", today)


def asked(file: str, *, without_app: bool = False) -> Finding:
    fake = FakeStack()
    fake.products["prometheus"]["GET /api/v1/status/config"] = data({"yaml": EXTERNAL})
    fake.products["prometheus"]["GET /api/v1/rules"] = data(
        {
            "groups": [
                loaded(),
                digest_group(),
                loaded("TargetDown", labels={"severity": "critical"}),
                loaded("DiskFull", labels={"severity": "warning", "team": "{{ $labels.team }}"}),
            ]
        }
    )
    with fake.running(rules=(*RULES, DOWN)) as stack:
        kept = tuple(pair for pair in stack.addresses if not without_app or pair[0] != "app")
        return finding_of(ROUTES, replace(stack, addresses=kept, alertmanager_config=file))


SWALLOWED = [
    (
        config("{matchers: ['severity=\"critical\"'], mute_time_intervals: [always]}"),
        "alertmanager.yml: route.routes[0] is muted for the whole coming week by its time intervals (always): "
        "nobody hears of TargetDown",
    ),
    (
        config("{matchers: ['severity=~\"c.*\"'], active_time_intervals: [never]}"),
        "(never): nobody hears of TargetDown",
    ),
    (config("{match: {severity: critical}, mute_time_intervals: [this_year]}"), "nobody hears of TargetDown"),
    (
        config("{matchers: ['team=~\".*\"'], receiver: nobody}"),
        "receiver nobody tells nobody: nobody hears of Watchdog",
    ),
    (
        config("{matchers: ['alertname!=\"Watchdog\"'], receiver: nobody}"),
        "nobody hears of TargetDown, DiskFull",
    ),
    (config("{matchers: ['stack_test=\"true\"'], receiver: nobody}"), "nobody hears of StackProof"),
    (config("{repeat_interval: 4h}"), "route.routes[0] repeats the Watchdog only each 14400 s"),
    (config("{group_interval: 5m}"), "route.routes[0] repeats the Watchdog only each 300 s"),
    (
        config(
            "", "{source_matchers: ['alertname=\"Watchdog\"'], target_matchers: ['severity=\"critical\"']}"
        ),
        "inhibit_rules[0]: Watchdog, which always fires, holds back TargetDown",
    ),
    (
        config("", "{source_matchers: [], target_matchers: []}"),
        "lets one alert that matches anything hold back every other one",
    ),
]


@pytest.mark.parametrize(("file", "says"), SWALLOWED)
def test_an_alert_that_is_swallowed_is_named_with_the_place(file: str, says: str) -> None:
    finding = asked(file)
    assert finding.status == "failed", finding.evidence
    assert says in finding.evidence
    assert finding.final
    assert finding.hint.endswith("then monitoring-stack reload")


REMARKED = [
    (config("{matchers: ['severity=\"critical\"'], mute_time_intervals: [now]}"), "is muted by now until"),
    (
        config("{matchers: ['severity=\"critical\"'], receiver: nobody}"),
        "receiver nobody tells nobody: nobody hears of TargetDown",
    ),
    (
        config("", "{source_matchers: ['alertname=\"TargetDown\"'], target_matchers: ['severity=~\".*\"']}"),
        'lets one alert that matches alertname="TargetDown" hold back every other one',
    ),
]


@pytest.mark.parametrize(("file", "says"), REMARKED)
def test_what_somebody_may_have_meant_is_a_remark(file: str, says: str) -> None:
    finding = asked(file)
    assert finding.status == "ok", finding.evidence
    (remark,) = finding.warnings
    assert says in remark


@pytest.mark.parametrize(
    "file",
    [
        config(),
        config("{matchers: ['team=\"a\"'], mute_time_intervals: [always]}"),  # perhaps, and not surely
        config("{matchers: ['severity=\"critical\"'], mute_time_intervals: [never]}"),
        config("{matchers: ['severity=\"critical\"'], receiver: nobody, continue: true}, {receiver: night}"),
        config(
            "", "{source_matchers: ['alertname=\"Watchdog\"'], target_matchers: ['alertname=\"Watchdog\"']}"
        ),
        config("", "{source_match: {alertname: Watchdog}, target_match: {severity: x}}"),
        config(
            "",
            "{source_match: {alertname: Watchdog}, target_matchers: ['stack_test!=\"true\"'], equal: [job]}",
        ),
    ],
)
def test_what_may_still_be_heard_is_no_fault(file: str) -> None:
    finding = asked(file)
    assert (finding.status, finding.warnings) == ("ok", ()), finding.evidence
    assert "swallows one of 2 alerts" in finding.evidence


def test_where_the_application_does_not_run_empty_receivers_are_a_remark() -> None:
    finding = asked(config("{receiver: nobody, repeat_interval: 1m}"), without_app=True)
    assert finding.status == "ok", finding.evidence
    assert finding.warnings == (
        "alertmanager.yml: receiver nobody tells nobody: nobody hears of Watchdog, TargetDown, DiskFull and 1 more",
    )


def held_back(*silences: dict[str, Any], alerts: tuple[dict[str, Any], ...] = ()) -> Finding:
    fake = FakeStack()
    fake.products["prometheus"]["GET /api/v1/rules"] = data(
        {"groups": [loaded(), digest_group(), loaded("TargetDown", labels={"severity": "critical"})]}
    )
    fake.products["alertmanager"]["GET /api/v2/silences"] = (200, list(silences))
    fake.products["alertmanager"]["GET /api/v2/alerts"] = (200, list(alerts))
    with fake.running() as expected:
        return finding_of(SILENCES, expected)


@pytest.mark.parametrize(
    ("matcher", "what"),
    [
        (("alertname", "=~", ".+"), "every alert"),
        (("anything", "=~", ".*"), "every alert"),
        (("severity", "!=", "no"), "every alert"),
        (("alertname", "=", "Watchdog"), "Watchdog, which proves that alerts arrive"),
        (("stack_test", "=", "true"), "StackProof, which proves that alerts arrive"),
    ],
)
def test_a_silence_over_too_much_is_named_with_its_remedy(matcher: tuple[str, str, str], what: str) -> None:
    finding = held_back(silence(matcher))
    assert finding.evidence == (
        f'silence 5d1e of {matcher[0]}{matcher[1]}"{matcher[2]}" by anna (a move) until 2026-01-02 00:00 UTC '
        f"holds back {what}"
    )
    assert finding.hint == ("monitoring-stack silence expire 5d1e")
    assert finding.final


def test_other_silences_are_remarks_with_their_end() -> None:
    finding = held_back(
        silence(("severity", "=", "critical"), ("job", "=", "app")),
        silence(("alertname", "=~", ".+"), state="pending"),
        silence(("alertname", "=~", ".+"), state="expired"),
        alerts=(held(0.0, "Disk", inhibitedBy=["Watchdog", "x"]), held(0.0)),
    )
    assert finding.status == "ok", finding.evidence
    named, ends = (
        'silence 5d1e of severity="critical", job="app" by anna (a move)',
        "until 2026-01-02 00:00 UTC",
    )
    assert finding.warnings == (
        f"{named} {ends} holds back TargetDown",
        f'silence 5d1e of alertname=~".+" by anna (a move) {ends} will hold back Watchdog, TargetDown, StackProof',
        "Disk fires and is inhibited by Watchdog, x",
    )


@pytest.mark.parametrize(
    ("status", "says"),
    [
        ({"inhibitedBy": ["TargetDown"]}, "Watchdog is inhibited by TargetDown"),
        ({"mutedBy": ["nights"]}, "Watchdog is muted by the time interval nights"),
    ],
)
def test_what_holds_back_the_watchdog_just_now_is_a_fault(status: dict[str, Any], says: str) -> None:
    finding = held_back(alerts=(held(0.0, **status), held(0.0, "TargetDown")))
    assert (finding.status, finding.evidence) == ("failed", says)


def asked_for_files(ran: Ran) -> Finding:
    with FakeStack().running() as expected:
        return finding_of(SECRETS, expected, run_in=lambda component, argv: ran)


def test_a_file_that_a_receiver_reads_and_that_is_not_there_is_named() -> None:
    finding = asked_for_files(Ran(0, "lacks /etc/stack/token\nall\n"))
    assert finding.evidence == (
        "alertmanager.yml: receivers[default].webhook_configs[0].http_config.authorization.credentials_file names "
        "/etc/stack/token, which is missing, empty or unreadable in the container"
    )
    assert finding.hint


def test_a_container_that_does_not_say_is_no_proof() -> None:
    finding = asked_for_files(Ran(127, "sh: not found"))
    assert finding.evidence == "its container does not say which files it has: sh: not found"


def test_the_loaded_file_is_compared_with_the_rendered_one() -> None:
    check = next(c for c in all_checks() if c.name == "alertmanager.config")
    fake = FakeStack()
    other = (
        "route: {receiver: default, repeat_interval: 60s, group_interval: 5s}\nreceivers: [{name: default}]\n"
    )
    reply: Reply = (200, {"config": {"original": other}})
    fake.products["alertmanager"]["GET /api/v2/status"] = reply
    fake.products["alertmanager"]["GET /metrics"] = (
        200,
        "alertmanager_config_last_reload_successful 1\nalertmanager_config_hash 7\n",
    )
    with fake.running() as expected:
        finding = finding_of(check, expected)
    assert "is not the rendered one: receivers[0].webhook_configs is nothing instead of [" in finding.evidence
