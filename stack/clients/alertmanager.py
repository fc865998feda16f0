"""Alertmanager's HTTP API v2 and its own gauges: readiness, what is loaded, and the posting of a test alert.

It must never silence or change anything but the alert that a check has posted itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from stack.clients.exposition import sample
from stack.clients.http import Http
from stack.clients.shape import shaped


@dataclass(frozen=True)
class Alertmanager:
    """One server at ``http.base``; every method raises ``HttpFailure`` where there is no usable answer."""

    http: Http

    def ready(self) -> str:
        """The readiness text."""
        return self.http.get("/-/ready").text.strip()

    def reload_succeeded(self) -> bool:
        """Whether the latest load of the configuration succeeded."""
        return sample(self.http.get("/metrics"), "alertmanager_config_last_reload_successful") == 1

    def config_hash(self) -> float:
        """The hash of the file in use, as the server publishes it; compare with ``published_hash``."""
        return sample(self.http.get("/metrics"), "alertmanager_config_hash")

    def active(self, name: str) -> tuple[float, ...]:
        """When each active alert of this name was last heard of, in Unix seconds."""
        answer = self.http.get("/api/v2/alerts", params={"filter": f'alertname="{name}"', "active": "true"})
        with shaped(answer):
            return tuple(datetime.fromisoformat(alert["updatedAt"]).timestamp() for alert in answer.json())

    def post_alert(
        self, labels: Mapping[str, str], annotations: Mapping[str, str], starts: float, ends: float
    ) -> None:
        """One alert between two Unix times; an end that has passed resolves it."""
        alert = {
            "labels": dict(labels),
            "annotations": dict(annotations),
            "startsAt": _rfc3339(starts),
            "endsAt": _rfc3339(ends),
        }
        self.http.post("/api/v2/alerts", json=[alert])


def published_hash(config: str) -> float:
    """What ``alertmanager_config_hash`` shows for a file: the first six bytes of its MD5, little-endian."""
    digest = hashlib.md5(config.encode(), usedforsecurity=False).digest()
    return float(int.from_bytes(digest[:6], "little"))


def _rfc3339(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()
