"""Who says that an alert was told: the application, which is sent it, or else what receivers have taken of it.

Either is told what to listen for, and asked whether it has come.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from stack.checks.context import CheckContext
from stack.checks.drills import Drill, routes
from stack.checks.receiver_trial import tells_ends
from stack.checks.routing import INTEGRATIONS
from stack.clients.notifications import ELSEWHERE, tallies
from stack.common.moments import wall_clock
from stack.common.yaml_text import load_yaml
from stack.model.receivers import HEARTBEAT
from stack.model.spec import TEST_RECEIVER

APART = 1.0
"""Seconds by which the clock of the application may be behind."""
Status = Literal["firing", "resolved"]


class Hearing(Protocol):
    """What is heard of the alerts of drills."""

    def obstacle(self, drill: Drill) -> str:
        """Why nothing would be heard of it; empty where something would."""

    def listen(self, drill: Drill, status: Status) -> None:
        """From now on for this notification of its alert."""

    def heard(self, drill: Drill) -> bool:
        """Whether it has come; ``HttpFailure`` where nobody answers."""


@dataclass
class OfApplication:
    """It keeps each notification, with its status.

    An alert is the drill's own where it fires since the fault: of an earlier drill, another group may still be told.
    The end of one of them is enough: that of one which another alert inhibits meanwhile is never told.
    """

    context: CheckContext
    _status: dict[str, Status] = field(default_factory=dict)
    _since: dict[str, float] = field(default_factory=dict)

    def obstacle(self, drill: Drill) -> str:
        """None: it hears of all."""
        del drill
        return ""

    def listen(self, drill: Drill, status: Status) -> None:
        """See ``Hearing``."""
        self._status[drill.alert] = status
        if status == "firing":
            self._since[drill.alert] = wall_clock() - APART

    def heard(self, drill: Drill) -> bool:
        """See ``Hearing``."""
        status, since = self._status[drill.alert], self._since[drill.alert]
        return any(
            one.status == status and one.starts >= since
            for one in self.context.app.alerts("alertname", drill.alert)
        )


@dataclass
class OfReceivers:
    """Alertmanager counts what each receiver has taken, but not of which alert: one that hears of it took one more."""

    context: CheckContext
    _before: dict[str, int] = field(default_factory=dict)
    _status: dict[str, Status] = field(default_factory=dict)

    def obstacle(self, drill: Drill) -> str:
        """It is told to somebody."""
        return (
            "" if self._listeners(drill) else f"nobody hears of {drill.alert}: monitoring-stack receiver add"
        )

    def listen(self, drill: Drill, status: Status) -> None:
        """See ``Hearing``."""
        self._before[drill.alert] = self._taken(drill)
        self._status[drill.alert] = status

    def heard(self, drill: Drill) -> bool:
        """Also where none of them wants to hear of ends."""
        if self._status[drill.alert] == "resolved" and not any(map(tells_ends, self._listeners(drill))):
            return True
        return self._taken(drill) > self._before[drill.alert]

    def _listeners(self, drill: Drill) -> list[dict[str, Any]]:
        led = {route.receiver for route in routes(drill, self.context.expected)} - {HEARTBEAT, TEST_RECEIVER}
        listed = (load_yaml(self.context.expected.alertmanager_config) or {}).get("receivers") or ()
        return [
            one
            for one in listed
            if one["name"] in led and any(v for k, v in one.items() if k.endswith(INTEGRATIONS))
        ]

    def _taken(self, drill: Drill) -> int:
        names = {ELSEWHERE, *(str(one["name"]) for one in self._listeners(drill))}
        counted = tallies(self.context.alertmanager.http.get("/metrics").text)
        return sum(t.requests - t.refused for (name, _), t in counted.items() if name in names)


def hearing_of(context: CheckContext) -> Hearing:
    """The application where it is part of the stack."""
    return OfApplication(context) if context.expected.has("app") else OfReceivers(context)
