"""The alert path where the application does not run: a test alert reaches a receiver inside Alertmanager's container.

The receiver is the container's own ``nc``, there for two answers and gone. Everything is done by one shell command in
that container, so a remote engine needs no other way in. The Watchdog is looked for in Alertmanager itself.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from stack.checks.alert_path import ALERT, FRESH_SECONDS, HEAD_START, LIFETIME, SUMMARY, WATCHDOG
from stack.checks.check import Check
from stack.checks.context import Subject
from stack.checks.model import Broken
from stack.common.wait import NotYet
from stack.model.spec import TEST_RECEIVER, TEST_RECEIVER_PORT

ROUTE_HINT = (
    f'alertmanager.yml needs its route for stack_test="true" to the receiver {TEST_RECEIVER}, whose webhook is '
    "http://app:8000/alerts"
)
ANSWER = r"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
WAIT_SECONDS = 10
SCRIPT = rf"""
receive() {{ printf '{ANSWER}' | nc -l -p {TEST_RECEIVER_PORT} -w {WAIT_SECONDS}; }}
post() {{
    wget -q -O /dev/null --header 'Content-Type: application/json' --post-data "$1" \
        http://127.0.0.1:9093/api/v2/alerts
}}
receive > /tmp/fired & post "$1"; wait; receive > /tmp/ended & post "$2"; wait
cat /tmp/fired; printf '\n----\n'; cat /tmp/ended
"""


def alert(subject: Subject) -> str:
    """A posted alert is delivered to the receiver as firing and, ended, as resolved."""
    proof = uuid4().hex
    began = datetime.now(UTC) - timedelta(seconds=HEAD_START)
    bodies = [_body(proof, began, began + timedelta(seconds=ends)) for ends in (LIFETIME, HEAD_START - 1)]
    started = time.monotonic()
    ran = subject.execute("alertmanager", ("sh", "-c", SCRIPT, "sh", *bodies))
    fired, _, ended = ran.output.partition("\n----\n")
    for status, heard in (("firing", fired), ("resolved", ended)):
        if proof not in heard or f'"status":"{status}"' not in heard:
            said = heard.strip()[:120] or ran.output.strip()[:120] or "nothing"
            raise Broken(f"the test alert did not arrive as {status}: the receiver got {said!r}", ROUTE_HINT)
    seconds = time.monotonic() - started
    return f"alert delivered and resolved in {seconds:.1f} s, to a receiver in Alertmanager's container"


def _body(proof: str, starts: datetime, ends: datetime) -> str:
    labels = {"alertname": ALERT, "stack_test": "true", "proof_id": proof, "severity": "info"}
    times = {"startsAt": starts.isoformat(), "endsAt": ends.isoformat()}
    return json.dumps([{"labels": labels, "annotations": {"summary": SUMMARY}, **times}])


def watchdog(subject: Subject) -> str:
    """Alertmanager holds the alert that always fires, and Prometheus has sent it just now."""
    found = subject.alertmanager.active(WATCHDOG)
    if not found:
        raise NotYet("Alertmanager has not received the Watchdog yet")
    ago = max(0.0, time.time() - max(found))
    if ago > FRESH_SECONDS:
        raise NotYet(
            f"Alertmanager heard of the Watchdog {ago:.0f} s ago, Prometheus should repeat it each minute"
        )
    return f"Alertmanager received the Watchdog {ago:.0f} s ago"


CHECKS = (
    Check(
        "path.alert",
        "an alert and its end reach a receiver",
        "alertmanager",
        "checked",
        alert,
        ROUTE_HINT,
        seconds=30,
        unless="app",
        by_engine=True,
    ),
    Check(
        "path.watchdog",
        "the alert that always fires has come through",
        "alertmanager",
        "proven",
        watchdog,
        "is the rule Watchdog loaded, and has Prometheus an address of Alertmanager?",
        75,
        every=0.1,
        needs=("prometheus",),
        unless="app",
    ),
)
