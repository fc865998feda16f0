"""Alertmanager's notifications: counted, remembered, and handed on to be stored as packets.

The newest are kept in memory, so that a proof finds its alert at once and a notification arrives even while the
packet store is down; storing is the sink's affair and never delays the answer to Alertmanager.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import islice
from threading import Lock
from typing import Any

from stack.app.memory.packet import Packet, new_packet
from stack.telemetry import recorders
from stack.telemetry.catalogue import ALERT_STATUSES

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


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert as Alertmanager sent it; ``receivedAt`` is ours, RFC 3339. The field names are Alertmanager's."""

    status: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str] = field(default_factory=dict)
    startsAt: str = ""  # noqa: N815
    endsAt: str = ""  # noqa: N815
    fingerprint: str = ""
    receivedAt: str = ""  # noqa: N815

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
        self._kept: deque[Alert] = deque()
        self._bytes = 0
        self._lock = Lock()

    def remember(self, packets: Iterable[Packet]) -> None:
        """Takes up alerts stored by an earlier process; ``packets`` newest first, others than alerts are ignored."""
        known = [_from_packet(packet) for packet in packets if _is_alert(packet)]
        with self._lock:
            for alert in known:
                if len(self._kept) == KEPT or self._bytes + alert.size > KEPT_BYTES:
                    return
                self._kept.appendleft(alert)
                self._bytes += alert.size

    def receive(self, alerts: Iterable[Mapping[str, Any]]) -> int:
        """Takes the alerts of one notification, in their order, up to ``TAKEN``; how many."""
        now = self._clock()
        moment = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        received = [_alert(alert, moment) for alert in islice(alerts, TAKEN)]
        with self._lock:
            self._kept.extend(received)
            self._bytes += sum(alert.size for alert in received)
            while len(self._kept) > KEPT or self._bytes > KEPT_BYTES:
                self._bytes -= self._kept.popleft().size
        for alert in received:
            recorders.record_alert_notification(alert.status)
            if alert.labels.get("alertname") == WATCHDOG and alert.status == "firing":
                recorders.record_watchdog(now)
            self._store(_packet(alert, self._clock))
        return len(received)

    def newest(
        self, limit: int, status: str | None = None, labels: Mapping[str, str] | None = None
    ) -> list[Alert]:
        """At most ``limit`` alerts, newest first."""
        with self._lock:
            kept = list(self._kept)
        found = (alert for alert in reversed(kept) if alert.matches(status, labels or {}))
        return [alert for alert, _ in zip(found, range(limit), strict=False)]


def _alert(given: Mapping[str, Any], moment: str) -> Alert:
    return Alert(
        status=given["status"],
        labels=_short(given["labels"]),
        annotations=_short(given.get("annotations") or {}),
        startsAt=given.get("startsAt", ""),
        endsAt=given.get("endsAt", ""),
        fingerprint=given.get("fingerprint", ""),
        receivedAt=moment,
    )


def _short(texts: Mapping[str, str]) -> dict[str, str]:
    """Bounded, so that a packet (64 KiB at most) always holds it."""
    room = 28_000
    kept: dict[str, str] = {}
    for name, text in list(texts.items())[:_MAX_NAMES]:
        room -= len(json.dumps([name, text[:_MAX_TEXT]]))
        if room < 0:
            break
        kept[name] = text[:_MAX_TEXT]
    return kept


def _packet(alert: Alert, clock: Callable[[], float]) -> Packet:
    tags = ("alert", f"status:{alert.status}")
    return new_packet(SEGMENT, PACKET_TYPE, asdict(alert), tags=tags, ttl=TTL_SECONDS, clock=clock)


def _is_alert(packet: Packet) -> bool:
    """Whether it is one of ours: anybody may write packets of that type."""
    given = packet.payload
    texts = (given.get(name, "") for name in ("startsAt", "endsAt", "fingerprint", "receivedAt"))
    maps = given.get("labels"), given.get("annotations", {})
    return (
        packet.packet_type == PACKET_TYPE
        and given.get("status") in ALERT_STATUSES
        and all(isinstance(text, str) for text in texts)
        and all(isinstance(each, Mapping) and _holds_text(each) for each in maps)
    )


def _holds_text(texts: Mapping[str, Any]) -> bool:
    return all(isinstance(text, str) for text in texts.values())


def _from_packet(packet: Packet) -> Alert:
    names = Alert.__dataclass_fields__
    return Alert(**{name: value for name, value in packet.payload.items() if name in names})
