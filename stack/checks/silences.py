"""The check that nothing in Alertmanager holds back what must be heard: silences, and what inhibits the Watchdog.

A silence over some alerts is somebody's decision and a remark; one over everything, or over what proves the alert path,
is a fault.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from stack.checks.alert_rules import PROOF_ALERT, WATCHDOG, alerts_of
from stack.checks.check import Check
from stack.checks.context import CheckContext
from stack.checks.model import Broken, Evidence
from stack.checks.routing import Alert, matches_all
from stack.checks.words import some_names
from stack.clients.alertmanager import HeldAlert, Silence
from stack.common.matchers import Matcher, match


def silences(context: CheckContext) -> Evidence:
    """No silence covers everything, the Watchdog or the test alert, and nothing inhibits or mutes the Watchdog."""
    alerts = (*alerts_of(context), PROOF_ALERT)
    found = context.alertmanager.silences()
    for silence in found:
        if silence.state == "active" and (what := too_much(silence.matchers, alerts)):
            raise Broken(
                f"{_named(silence)} holds back {what}", f"monitoring-stack silence expire {silence.id}"
            )
    held = context.alertmanager.alerts()
    _none_hold_back_the_watchdog(held)
    remarks = (*(_remark(silence, alerts) for silence in found), *_inhibited(held))
    many = f"{len(found)} silences, none over" if found else "no silence over"
    return Evidence(f"{many} what must be heard; {len(held)} alerts held", remarks)


def too_much(matchers: tuple[Matcher, ...], alerts: tuple[Alert, ...]) -> str:
    """What a silence of these matchers covers and must not; empty where it may stay."""
    if matches_all(matchers, [alert for alert in alerts if not alert.constant]):
        return "every alert"
    vital = [a.name for a in alerts if a.constant and match(matchers, a.labels) is True]
    return f"{some_names(vital)}, which proves that alerts arrive" if vital else ""


def _named(silence: Silence) -> str:
    matchers = ", ".join(map(str, silence.matchers))
    ends = datetime.fromtimestamp(silence.ends, UTC)
    comment = f" ({silence.comment})" if silence.comment else ""
    return f"silence {silence.id} of {matchers} by {silence.author}{comment} until {ends:%Y-%m-%d %H:%M} UTC"


def covered(matchers: tuple[Matcher, ...], alerts: Iterable[Alert]) -> str:
    """Which alerts a silence of these matchers may hold back, in words."""
    names = (alert.name for alert in alerts if match(matchers, alert.labels) is not False)
    return some_names(names) or "no alert of these rules"


def _remark(silence: Silence, alerts: Iterable[Alert]) -> str:
    verb = "holds back" if silence.state == "active" else "will hold back"
    return f"{_named(silence)} {verb} {covered(silence.matchers, alerts)}"


def _none_hold_back_the_watchdog(held: Iterable[HeldAlert]) -> None:
    names = {alert.fingerprint: alert.name for alert in held}
    for alert in held:
        if alert.name == WATCHDOG and alert.inhibited:
            sources = some_names(names.get(print_, print_) for print_ in alert.inhibited)
            message = f"{WATCHDOG} is inhibited by {sources}"
            raise Broken(message, "narrow that entry of inhibit_rules in alertmanager.yml, then reload")
        if alert.name == WATCHDOG and alert.muted:
            message = f"{WATCHDOG} is muted by the time interval {some_names(alert.muted)}"
            raise Broken(message, "take it from the Watchdog's route in alertmanager.yml, then reload")


def _inhibited(held: Iterable[HeldAlert]) -> Iterator[str]:
    names = {alert.fingerprint: alert.name for alert in held}
    for alert in held:
        if alert.inhibited and alert.name != WATCHDOG:
            sources = some_names(names.get(print_, print_) for print_ in alert.inhibited)
            yield f"{alert.name} fires and is inhibited by {sources}"


CHECKS = (
    Check(
        "alertmanager.silences",
        "nothing silences what must be heard",
        "alertmanager",
        "checked",
        silences,
        "",
        10,
        needs=("prometheus",),
        recurring=True,
    ),
)
