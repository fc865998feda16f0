"""Alerts that somebody keeps quiet while the stack runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from tests.breakage.breakage import Act, Breakage
from tests.e2e.stack_command import Stack


def silenced(name: str, value: str, regex: bool = False) -> Act:
    """A silence of an hour with one matcher."""

    def act(stack: Stack) -> None:
        now = datetime.now(UTC)
        body: dict[str, Any] = {
            "matchers": [{"name": name, "value": value, "isRegex": regex, "isEqual": True}],
            "startsAt": (now - timedelta(seconds=5)).isoformat(),
            "endsAt": (now + timedelta(hours=1)).isoformat(),
            "createdBy": "somebody",
            "comment": "by a test of breakages",
        }
        requests.post(
            f"{stack.url('alertmanager')}/api/v2/silences", json=body, timeout=10
        ).raise_for_status()

    return act


def heard_again(stack: Stack) -> None:
    """All silences expired."""
    base = f"{stack.url('alertmanager')}/api/v2"
    for silence in requests.get(f"{base}/silences", timeout=10).json():
        if silence["status"]["state"] == "active":
            requests.delete(f"{base}/silence/{silence['id']}", timeout=10).raise_for_status()


def _silence(name: str, act: Act, what: str) -> Breakage:
    return Breakage(
        name,
        act,
        rf"alertmanager\.silences: silence \S+ of .* by somebody .* holds back {what}",
        r"monitoring-stack silence expire ",
        "alertmanager.silences: silence ID of MATCHERS by SOMEBODY ... holds back ...",
        start="refuses",
        undo=heard_again,
    )


ROWS = (
    _silence("silence-of-everything", silenced("alertname", ".+", regex=True), "every alert"),
    _silence("silence-of-watchdog", silenced("alertname", "Watchdog"), "Watchdog"),
    Breakage(
        "silence-of-one-alert",
        silenced("alertname", "TargetDown"),
        warns=r"silence \S+ of .* holds back TargetDown",
        entry="silence ID of MATCHERS by SOMEBODY ... holds back ...",
        start="accepts",
        undo=heard_again,
    ),
)
