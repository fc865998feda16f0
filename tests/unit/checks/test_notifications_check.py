"""smoke sees every receiver: one that takes nothing is a fault, a notification that was lost a remark."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from stack.checks.context import CheckContext
from stack.checks.model import Broken, Evidence
from stack.checks.notifications import arriving
from stack.clients.http import HttpFailure
from stack.clients.prometheus import Sample

FILE = """
route:
  receiver: app
  routes:
    - {receiver: oncall, matchers: ['stack_test="true"', 'stack_receiver="oncall"']}
receivers:
  - name: app
    webhook_configs: [{url: http://app:8000/alerts}]
  - name: oncall
    slack_configs: [{api_url_file: /etc/stack/current/secrets/slack}]
"""
LOG = (
    'time=x err="other/slack[0]: notify retry canceled due to unrecoverable error after 1 attempts: 404"',
    'time=x err="oncall/slack[0]: notify retry canceled due to unrecoverable error after 1 attempts: '
    'unexpected status code 403: invalid_token"',
)


NOW = 10_000.0


def asked(
    begun: int,
    given_up: int,
    requests: int,
    refused: int,
    file: str = FILE,
    *,
    proven: float = 0.0,
    started: float = 100.0,
    loaded: float = 101.0,
    known: dict[str, float] | HttpFailure | None = None,
) -> Evidence:
    """The check's answer; ``known`` is what Prometheus says, by metric."""
    page = f"alertmanager_config_last_reload_success_timestamp_seconds {loaded:g}\n"
    page += f"process_start_time_seconds {started:g}\n"
    for name in ("oncall", "app"):
        labels = f'{{integration="slack",receiver_name="{name}"}}'
        page += f"alertmanager_notifications_total{labels} {begun}\n"
        page += f"alertmanager_notifications_failed_total{labels} {given_up}\n"
        page += f"alertmanager_notification_requests_total{labels} {requests}\n"
        page += f"alertmanager_notification_requests_failed_total{labels} {refused}\n"
    http = SimpleNamespace(get=lambda path: SimpleNamespace(text=page))
    context = SimpleNamespace(
        expected=SimpleNamespace(alertmanager_config=file, proven=proven),
        prometheus=SimpleNamespace(query=lambda expr: answers(expr, known)),
        alertmanager=SimpleNamespace(http=http),
        log_of=lambda component, lines: LOG,
    )
    return arriving(cast(CheckContext, context))


def answers(expr: str, known: dict[str, float] | HttpFailure | None) -> tuple[Sample, ...]:
    if isinstance(known, HttpFailure):
        raise known
    assert known is not None, f"nobody should ask: {expr}"
    asked_for = "@ 500.000" if "@" in expr else "[9500s]"
    assert expr.count(asked_for) == 4, expr
    labels = (("integration", "slack"), ("receiver_name", "oncall"))
    return tuple(
        Sample((*labels, ("count", f"alertmanager_{name}_total")), value) for name, value in known.items()
    )


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stack.checks.notifications.wall_clock", lambda: NOW)


def test_receivers_that_take_what_they_are_sent_are_fine() -> None:
    found = asked(3, 0, 3, 0)
    assert (
        found.text == "3 notifications taken by 1 receivers since its start or reload" and not found.warnings
    )
    assert not asked(0, 0, 0, 0).warnings


def test_one_that_takes_nothing_is_a_fault_with_the_answer_and_the_remedy() -> None:
    with pytest.raises(Broken) as caught:
        asked(2, 1, 5, 5)
    assert str(caught.value) == (
        "receiver oncall (slack) took none of 2 notifications with 403: unexpected status code 403: invalid_token"
    )
    assert "own/secrets/slack; then monitoring-stack receiver test oncall" in caught.value.hint


def test_a_notification_that_was_lost_is_a_remark() -> None:
    (remark,) = asked(4, 1, 4, 1).warnings
    assert remark.startswith("receiver oncall (slack): 1 of 4 notifications failed")


def test_where_nobody_but_the_application_is_told_nobody_is_asked() -> None:
    assert asked(1, 1, 1, 1, FILE.replace("stack_receiver", "x")).text.startswith(
        "no receiver tells anybody but"
    )


ALL_LOST = {
    "notifications": 2.0,
    "notifications_failed": 2.02,
    "notification_requests": 2.01,
    "notification_requests_failed": 1.98,
}


def test_what_was_lost_before_the_last_proof_is_over() -> None:
    found = asked(2, 2, 2, 2, proven=500.0, known=ALL_LOST)
    assert not found.warnings
    assert found.text == "0 notifications taken by 1 receivers since the last proof"
    with pytest.raises(Broken, match="took none of 1 notifications"):
        asked(3, 3, 3, 3, proven=500.0, known=ALL_LOST)


def test_what_was_lost_before_alertmanager_was_started_anew_still_counts() -> None:
    with pytest.raises(Broken, match="took none of 2 notifications"):
        asked(0, 0, 0, 0, proven=500.0, started=800.0, loaded=800.5, known=ALL_LOST)
    (remark,) = asked(
        1,
        0,
        1,
        0,
        proven=500.0,
        started=800.0,
        loaded=800.5,
        known={
            "notifications": 3.0,
            "notifications_failed": 2.0,
            "notification_requests": 3.0,
            "notification_requests_failed": 2.0,
        },
    ).warnings
    assert remark == "receiver oncall (slack): 2 of 3 notifications failed since the last proof"


def test_what_a_receiver_lost_before_it_was_changed_is_over() -> None:
    found = asked(0, 0, 0, 0, proven=500.0, loaded=800.0)
    assert found.text.endswith("since its start or reload")


def test_a_prometheus_that_is_silent_leaves_alertmanagers_own_counts() -> None:
    with pytest.raises(Broken, match="took none of 2 notifications"):
        asked(2, 2, 2, 2, proven=500.0, known=HttpFailure("connection refused"))
