"""The alert path where the application does not run: a test alert reaches a receiver inside Alertmanager's container.

The receiver is the container's own ``nc``, there for a few answers and gone. Everything is done by one shell command in
that container, so a remote engine needs no other way in. The Watchdog is looked for in Alertmanager itself.
"""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime, timedelta

from stack.checks.alert_path import BEFORE_IT, FOLLOWS, HEAD_START, LIFETIME, SUMMARY
from stack.checks.alert_rules import FRESH_SECONDS, PROOF_LABELS, WATCHDOG, heartbeat
from stack.checks.check import Check
from stack.checks.context import CheckContext
from stack.checks.model import Pending
from stack.common.moments import wall_clock
from stack.common.wait import NotYet
from stack.model.spec import TEST_RECEIVER, TEST_RECEIVER_PORT

ROUTE_HINT = (
    f'alertmanager.yml needs its route for stack_test="true" to the receiver {TEST_RECEIVER}, whose webhook is '
    "http://app:8000/alerts"
)
ALERTMANAGER_PORT = 9093
TURNS, TURN_SECONDS = 200, 0.05
SHOWN = 200
ANSWER = r"""
CR=$(printf '\r')
length=0
while read -r header && [ "$header" != "$CR" ]; do
    case $header in Content-Length:*) length=${header#*: } ;; esac
done
read -r -n "${length%"$CR"}" body
printf 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'
printf '%s\n' "$body" >> "$1"
"""
"""Takes one request: its body goes into a file, once it has been answered."""
SCRIPT = rf"""
heard=/tmp/heard-$1; answer=/tmp/answer-$1
printf '%s' "$2" > "$answer"; : > "$heard"
while [ -e "$answer" ]; do nc -l -p {TEST_RECEIVER_PORT} -e sh "$answer" "$heard" || sleep 0.1; done &
post() {{
    wget -q -O /dev/null --header 'Content-Type: application/json' --post-data "$1" \
        http://127.0.0.1:{ALERTMANAGER_PORT}/api/v2/alerts
}}
until_heard() {{
    turns=0
    while [ $turns -lt {TURNS} ]; do
        case $(cat "$heard") in *"\"status\":\"$1\""*) return 0 ;; esac
        turns=$((turns + 1)); sleep {TURN_SECONDS}
    done
    return 1
}}
post "$3" && until_heard firing && post "$4" && until_heard resolved
code=$?
rm "$answer"; wget -q -T 1 -O /dev/null http://127.0.0.1:{TEST_RECEIVER_PORT}/ 2>/dev/null
cat "$heard"; rm "$heard"
exit $code
"""
"""The receiver takes whatever comes, as Alertmanager may send one notification twice, until both states were heard."""


def alert(context: CheckContext) -> str:
    """A posted alert is delivered to the receiver as firing and, ended, as resolved."""
    proof = os.urandom(16).hex()
    began = datetime.now(UTC) - timedelta(seconds=HEAD_START)
    bodies = [_body(proof, began, began + timedelta(seconds=ends)) for ends in (LIFETIME, HEAD_START - 1)]
    started = time.monotonic()
    ran = context.execute("alertmanager", ("sh", "-c", SCRIPT, "sh", proof, ANSWER, *bodies))
    mine = [line for line in ran.output.splitlines() if proof in line]
    for status in ("firing", "resolved"):
        if not any(f'"status":"{status}"' in line for line in mine):
            said = " ".join(ran.output.split())[:SHOWN] or "nothing"
            raise NotYet(f"the test alert did not arrive as {status}: the receiver got {said}")
    seconds = time.monotonic() - started
    return f"alert delivered and resolved in {seconds:.1f} s, to a receiver in Alertmanager's container"


def _body(proof: str, starts: datetime, ends: datetime) -> str:
    labels = {**PROOF_LABELS, "proof_id": proof}
    times = {"startsAt": starts.isoformat(), "endsAt": ends.isoformat()}
    return json.dumps([{"labels": labels, "annotations": {"summary": SUMMARY}, **times}])


def watchdog(context: CheckContext) -> str:
    """Alertmanager holds the alert that always fires, and Prometheus has sent it just now."""
    heartbeat(context)
    found = context.alertmanager.alerts(WATCHDOG)
    if not found:
        raise Pending("Alertmanager has not received the Watchdog yet")
    ago = max(0.0, wall_clock() - max(alert.updated for alert in found))
    if ago > FRESH_SECONDS:
        raise Pending(
            f"Alertmanager heard of the Watchdog {ago:.0f} s ago, Prometheus should repeat it each minute"
        )
    return f"Alertmanager received the Watchdog {ago:.0f} s ago"


CHECKS = (
    Check(
        "path.alert",
        "an alert and its end reach a receiver, app being off",
        "alertmanager",
        "checked",
        alert,
        ROUTE_HINT,
        seconds=30,
        unless="app",
        by_engine=True,
        after=FOLLOWS,
    ),
    Check(
        "path.watchdog",
        "the alert that always fires has come through, app being off",
        "alertmanager",
        "proven",
        watchdog,
        "is the rule Watchdog loaded, and has Prometheus an address of Alertmanager?",
        75,
        every=0.1,
        needs=("prometheus",),
        unless="app",
        after=(*FOLLOWS, *BEFORE_IT),
        recurring=True,
    ),
)
