"""Checks of paths that cross components: an alert reaches the receiver and so does its end; the Watchdog arrives.

The one alert that is posted carries a mark of its own, ends by itself and is routed past all real receivers.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from stack.checks.alert_rules import FRESH_SECONDS, PROOF_LABELS, WATCHDOG, heartbeat
from stack.checks.app import watchdog_seen
from stack.checks.check import Check
from stack.checks.context import CheckContext
from stack.checks.model import Pending
from stack.clients.http import HttpFailure
from stack.common.moments import wall_clock
from stack.common.wait import NotYet, TimedOut, until

ROUTE_HINT = (
    'alertmanager.yml needs its route for stack_test="true" and a receiver that reaches the application'
)
SUMMARY = "Posted by the bundle to prove the alert path; it ends by itself."
DELIVERY_SECONDS = 10.0
FOLLOWS = ("alertmanager.config", "alertmanager.routes", "alertmanager.silences")
"""What swallows alerts is named by these; then the path says nothing new."""
BEFORE_IT = ("prometheus.rules", "prometheus.alertmanagers")
LIFETIME = 60.0
"""Seconds after which the alert ends by itself if we never end it."""
HEAD_START = 5.0
SKEW = 1.0
"""The alert begins and ends this much in the past, so that clocks a little apart do not matter."""


def alert(context: CheckContext) -> str:
    """A posted alert reaches the application as firing and, ended, as resolved."""
    proof = os.urandom(16).hex()
    labels = {**PROOF_LABELS, "proof_id": proof}
    began = wall_clock()
    _post(context, labels, began - HEAD_START, began + LIFETIME)
    fired = _arrival(context, proof, "firing", began)
    _post(context, labels, began - HEAD_START, wall_clock() - SKEW)
    resolved = _arrival(context, proof, "resolved", began)
    return f"alert delivered in {fired:.2f} s and resolved in {resolved:.1f} s"


def _post(context: CheckContext, labels: Mapping[str, str], starts: float, ends: float) -> None:
    context.alertmanager.post_alert(labels, {"summary": SUMMARY}, starts, ends)


def _arrival(context: CheckContext, proof: str, status: str, since: float) -> float:
    def ask() -> float:
        got = [a.status for a in context.app.alerts("proof_id", proof)]
        if status not in got:
            raise NotYet(f"the application has it as {', '.join(got) or 'nothing'}")
        return wall_clock() - since

    try:
        return until(ask, seconds=DELIVERY_SECONDS, retry=(NotYet, HttpFailure))
    except TimedOut as failure:
        # Worth another alert: after a change of network Alertmanager first waits 10 s for its old connection.
        raise NotYet(f"the test alert did not arrive as {status}: {failure.last}", ROUTE_HINT) from failure


def watchdog(context: CheckContext) -> str:
    """The alert that always fires comes through, and still does: Prometheus > Alertmanager > application.

    The application's gauge begins anew with its process; what it has stored outlives that.
    """
    heartbeat(context)
    stored = [a.received for a in context.app.alerts("alertname", WATCHDOG) if a.status == "firing"]
    seen = max(stored, default=0.0)
    if wall_clock() - seen > FRESH_SECONDS:
        seen = max(seen, watchdog_seen(context))
    if seen <= 0:
        raise Pending("the application has not received the Watchdog yet")
    ago = max(0.0, wall_clock() - seen)
    if ago > FRESH_SECONDS:
        raise Pending(f"the last Watchdog was received {ago:.0f} s ago, it should come each minute")
    return f"the application received the Watchdog {ago:.0f} s ago"


CHECKS = (
    Check(
        "path.alert",
        "an alert and its end reach the receiver",
        "alertmanager",
        "checked",
        alert,
        ROUTE_HINT,
        needs=("app",),
        after=FOLLOWS,
    ),
    Check(
        "path.watchdog",
        "the alert that always fires has come through",
        "app",
        "proven",
        watchdog,
        "is the rule Watchdog loaded, and has Alertmanager a route for it to the application?",
        75,
        every=0.1,
        needs=("prometheus", "alertmanager"),
        after=(*FOLLOWS, *BEFORE_IT),
        recurring=True,
    ),
)
