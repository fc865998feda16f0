"""smoke sees every receiver: one that takes nothing is a fault, a notification that was lost a remark."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from stack.checks.context import CheckContext
from stack.checks.model import Broken, Evidence
from stack.checks.notifications import arriving

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


def asked(begun: int, given_up: int, requests: int, refused: int, file: str = FILE) -> Evidence:
    page = ""
    for name in ("oncall", "app"):
        labels = f'{{integration="slack",receiver_name="{name}"}}'
        page += f"alertmanager_notifications_total{labels} {begun}\n"
        page += f"alertmanager_notifications_failed_total{labels} {given_up}\n"
        page += f"alertmanager_notification_requests_total{labels} {requests}\n"
        page += f"alertmanager_notification_requests_failed_total{labels} {refused}\n"
    http = SimpleNamespace(get=lambda path: SimpleNamespace(text=page))
    context = SimpleNamespace(
        expected=SimpleNamespace(alertmanager_config=file),
        alertmanager=SimpleNamespace(http=http),
        log_of=lambda component, lines: LOG,
    )
    return arriving(cast(CheckContext, context))


def test_receivers_that_take_what_they_are_sent_are_fine() -> None:
    found = asked(3, 0, 3, 0)
    assert found.text == "3 notifications taken by 1 receivers" and not found.warnings
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
