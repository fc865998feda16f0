"""Alertmanager's notifications: counted, remembered, and handed on to be stored as packets.

The newest are kept in memory, so that a proof finds its alert at once and a notification arrives even while the
packet store is down; storing is the sink's affair and never delays the answer to Alertmanager.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from threading import Lock
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from stack.app.jsontext import json_text
from stack.app.memory.packet import Packet, new_packet
from stack.telemetry import recorders

SEGMENT = "governance_meta"
PACKET_TYPE = "alert"
KEPT = 1000
KEPT_BYTES = 4 << 20
TAKEN = 2000
"""Alerts of one notification that are taken; Alertmanager's ``max_alerts`` keeps it from sending more."""
TTL_SECONDS = 7 * 24 * 3600.0
WATCHDOG = "Watchdog"
_MAX_TEXT = 2000
_MAX_NAMES = 100


def _showable(texts: dict[str, str]) -> dict[str, str]:
    json_text(texts)
    return texts


AlertStatus = Literal["firing", "resolved"]
Texts = Annotated[dict[str, str], AfterValidator(_showable)]


class AlertIn(BaseModel):
    """One alert of Alertmanager's webhook, version 4, or of Grafana's, version 1: the members are the same."""

    model_config = ConfigDict(strict=True)

    status: AlertStatus
    labels: Texts
    annotations: Texts = {}
    startsAt: str = Field(default="", max_length=64)  # noqa: N815 - Alertmanager's spelling
    endsAt: str = Field(default="", max_length=64)  # noqa: N815
    fingerprint: str = Field(default="", max_length=64)


class AlertOut(AlertIn):
    """An alert as it was received; ``receivedAt`` is RFC 3339."""

    receivedAt: str = Field(default="", max_length=64)  # noqa: N815

    @property
    def size(self) -> int:
        """About how many bytes it has as JSON."""
        texts = (*self.labels.items(), *self.annotations.items())
        return 200 + sum(len(name) + len(text) + 6 for name, text in texts)

    def matches(self, status: str | None, labels: Mapping[str, str]) -> bool:
        """Whether it has this status (any, when None) and all of these labels."""
        return status in (None, self.status) and labels.items() <= self.labels.items()


class AlertLog:
    """The newest notifications, bounded in number and size. ``store`` takes each as a packet and must not block.

    Thread safe.
    """

    def __init__(self, store: Callable[[Packet], object], clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        self._kept: deque[AlertOut] = deque()
        self._bytes = 0
        self._lock = Lock()

    def remember(self, packets: Iterable[Packet]) -> None:
        """Takes up alerts stored by an earlier process; ``packets`` newest first, others than alerts are ignored."""
        known = [alert for packet in packets if (alert := _from_packet(packet)) is not None]
        with self._lock:
            for alert in known:
                if len(self._kept) == KEPT or self._bytes + alert.size > KEPT_BYTES:
                    return
                self._kept.appendleft(alert)
                self._bytes += alert.size

    def receive(self, alerts: Sequence[AlertIn]) -> int:
        """Takes the alerts of one notification, in their order, up to ``TAKEN``; how many."""
        now = self._clock()
        moment = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        received = [_short(alert, moment) for alert in alerts[:TAKEN]]
        with self._lock:
            self._kept.extend(received)
            self._bytes += sum(alert.size for alert in received)
            while len(self._kept) > KEPT or self._bytes > KEPT_BYTES:
                self._bytes -= self._kept.popleft().size
        for alert in received:
            recorders.record_alert_notification(alert.status)
            if alert.labels.get("alertname") == WATCHDOG and alert.status == "firing":
                recorders.record_watchdog(now)
            self._store(_packet(alert))
        return len(received)

    def newest(
        self, limit: int, status: str | None = None, labels: Mapping[str, str] | None = None
    ) -> list[AlertOut]:
        """At most ``limit`` alerts, newest first."""
        with self._lock:
            kept = list(self._kept)
        found = (alert for alert in reversed(kept) if alert.matches(status, labels or {}))
        return [alert for alert, _ in zip(found, range(limit), strict=False)]


def _short(alert: AlertIn, moment: str) -> AlertOut:
    """Bounded, so that a packet (64 KiB at most) always holds it."""
    labels, annotations = _fitting(alert.labels), _fitting(alert.annotations)
    return AlertOut.model_construct(
        **{**dict(alert), "labels": labels, "annotations": annotations, "receivedAt": moment}
    )


def _fitting(texts: Mapping[str, str]) -> dict[str, str]:
    room = 28_000
    kept: dict[str, str] = {}
    for name, text in list(texts.items())[:_MAX_NAMES]:
        room -= len(json.dumps([name, text[:_MAX_TEXT]]))
        if room < 0:
            break
        kept[name] = text[:_MAX_TEXT]
    return kept


def _packet(alert: AlertOut) -> Packet:
    tags = ("alert", f"status:{alert.status}")
    return new_packet(SEGMENT, PACKET_TYPE, dict(alert), tags=tags, ttl=TTL_SECONDS)


def _from_packet(packet: Packet) -> AlertOut | None:
    """The alert, if it is one of ours: anybody may write packets of that type."""
    if packet.packet_type != PACKET_TYPE:
        return None
    try:
        return AlertOut.model_validate(packet.payload)
    except ValidationError:
        return None
