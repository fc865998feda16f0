"""Alertmanager's counts by receiver, and the reasons in its log."""

from __future__ import annotations

from stack.clients.notifications import Tally, reasons, tallies

PAGE = """\
# HELP alertmanager_notifications_total The total number of attempted notifications.
alertmanager_notifications_total{integration="slack",receiver_name="on \\"call"} 5
alertmanager_notifications_failed_total{integration="slack",reason="other",receiver_name="on \\"call"} 1
alertmanager_notifications_failed_total{integration="slack",reason="clientError",receiver_name="on \\"call"} 2
alertmanager_notification_requests_total{integration="slack",receiver_name="on \\"call"} 9e+00
alertmanager_notification_requests_failed_total{integration="slack",receiver_name="on \\"call"} 4
alertmanager_notifications_total{integration="email"} 7
"""
GROUP = 'aggrGroup="{}/{a=\\"b\\"}:{proof_id=\\"%s\\"}" attempts=1'
LATER = f'level=WARN msg="Notify attempt failed" receiver=a integration=webhook[0] {GROUP % "p1"} '
FAILED = 'level=ERROR msg="Notify for alerts failed" '
GIVEN_UP = "notify retry canceled due to unrecoverable error after 1 attempts: "
LOG = [
    "",
    LATER + 'err="Post \\"<redacted>\\": no such host"',
    FAILED + GROUP % "p2" + f' err="a/slack[1]: {GIVEN_UP}unexpected status code 403: {{\\"e\\":\\n 1}}"',
    FAILED + GROUP % "p3" + ' err="a/email[0]: notify retry canceled after 3 attempts: timeout"',
    FAILED + GROUP % "p4" + " err=EOF",
]


def test_counts_are_told_by_receiver_and_integration() -> None:
    assert tallies(PAGE) == {
        ('on "call', "slack"): Tally(begun=5, given_up=3, requests=9, refused=4),
        ("", "email"): Tally(begun=7),
    }
    assert Tally(5, 3, 9, 4).since(Tally(4, 3, 7, 3)) == Tally(1, 0, 2, 1)
    assert tallies("") == {}


def test_the_reason_is_the_last_one_of_each_integration_with_the_mark() -> None:
    assert reasons(LOG, "p1") == {"webhook": 'Post "<redacted>": no such host'}
    assert reasons(LOG, "p2") == {"slack": 'unexpected status code 403: {"e": 1}'}
    assert reasons(LOG, "p3") == {"email": "timeout"}
    assert reasons(LOG, "p4") == {"": "EOF"}
    assert reasons(LOG, "p5") == {}
