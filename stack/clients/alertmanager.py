"""Alertmanager's HTTP API v2 and its own gauges: readiness, what is loaded, what is held back, a test alert.

It must never silence or change anything but the alert that a check has posted itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from stack.clients.exposition import sample
from stack.clients.http import Http
from stack.clients.shape import Typed, objects, shaped, text, texts
from stack.common.matchers import Matcher

OPERATORS = {(True, False): "=", (False, False): "!=", (True, True): "=~", (False, True): "!~"}
"""By whether it must be equal and whether it is a regular expression."""

SHOWN_ID = 8
"""Characters of a silence's id that people are shown, and that name it."""


class Silence(Typed, frozen=True):
    """A silence that holds or will hold. ``state``: active or pending; times in Unix seconds."""

    id: str
    state: str
    matchers: tuple[Matcher, ...]
    author: str
    comment: str
    starts: float
    ends: float


class HeldAlert(Typed, frozen=True):
    """An alert that Alertmanager holds; ``updated`` and ``starts`` in Unix seconds. ``receivers``: by its routes.

    ``silenced`` and ``inhibited`` name what holds it back: silences, and other alerts by fingerprint. ``muted`` names
    time intervals.
    """

    fingerprint: str
    labels: Mapping[str, str]
    updated: float
    silenced: tuple[str, ...] = ()
    inhibited: tuple[str, ...] = ()
    muted: tuple[str, ...] = ()
    starts: float = 0.0
    receivers: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its ``alertname``."""
        return self.labels.get("alertname", "")


class Alertmanager(Struct, frozen=True):
    """One server at ``http.base``; every method raises ``HttpFailure`` where there is no usable answer."""

    http: Http

    def ready(self) -> str:
        """The readiness text."""
        return self.http.readily().get("/-/ready").text.strip()

    def reload_succeeded(self) -> bool:
        """Whether the latest load of the configuration succeeded."""
        return sample(self.http.get("/metrics"), "alertmanager_config_last_reload_successful") == 1

    def config_hash(self) -> float:
        """The hash of the file in use, as the server publishes it; compare with ``published_hash``."""
        return sample(self.http.get("/metrics"), "alertmanager_config_hash")

    def config(self) -> str:
        """The configuration in use as the server shows it: defaults filled in, secrets masked, as YAML."""
        answer = self.http.get("/api/v2/status")
        with shaped(answer):
            return text(answer.json()["config"]["original"])

    def command_line(self) -> tuple[str, ...]:
        """The words that its process was started with."""
        return tuple(self.http.get("/debug/pprof/cmdline").text.rstrip("\0").split("\0"))

    def alerts(self, name: str = "") -> tuple[HeldAlert, ...]:
        """All alerts that it holds, or those of one name; also what is silenced, inhibited or muted."""
        params = {"filter": f'alertname="{name}"'} if name else {}
        answer = self.http.get("/api/v2/alerts", params=params)
        with shaped(answer):
            return tuple(_held(alert) for alert in objects(answer.json()))

    def silences(self) -> tuple[Silence, ...]:
        """The silences that hold or will hold; those that have ended are left out."""
        answer = self.http.get("/api/v2/silences")
        with shaped(answer):
            found = [_silence(one) for one in objects(answer.json())]
        return tuple(silence for silence in found if silence.state != "expired")

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


def _held(alert: dict[str, Any]) -> HeldAlert:
    status = alert["status"]
    return HeldAlert(
        alert["fingerprint"],
        {text(name): text(value) for name, value in alert["labels"].items()},
        _moment(alert["updatedAt"]),
        texts(status["silencedBy"]),
        texts(status["inhibitedBy"]),
        texts(status.get("mutedBy") or []),
        _moment(alert["startsAt"]) if "startsAt" in alert else 0.0,
        tuple(text(one["name"]) for one in objects(alert.get("receivers") or [])),
    )


def _silence(silence: dict[str, Any]) -> Silence:
    return Silence(
        silence["id"],
        silence["status"]["state"],
        tuple(_matcher(one) for one in objects(silence["matchers"])),
        silence["createdBy"],
        silence["comment"],
        _moment(silence["startsAt"]),
        _moment(silence["endsAt"]),
    )


def _matcher(one: dict[str, Any]) -> Matcher:
    operator = OPERATORS[one.get("isEqual", True), one["isRegex"]]
    return Matcher(text(one["name"]), operator, text(one["value"]))


def _moment(written: Any) -> float:
    return datetime.fromisoformat(text(written)).timestamp()


def published_hash(config: str) -> float:
    """What ``alertmanager_config_hash`` shows for a file: the first six bytes of its MD5, little-endian."""
    digest = hashlib.md5(config.encode(), usedforsecurity=False).digest()
    return float(int.from_bytes(digest[:6], "little"))


def _rfc3339(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()
