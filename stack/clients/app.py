"""The instrumented application's HTTP API as the checks use it: health, metrics, received alerts, one gate, packets.

It must never leave anything behind that does not expire by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from stack.clients.http import Http
from stack.clients.shape import Typed, shaped, text
from stack.common.moments import moment


class ReceivedAlert(Typed, frozen=True):
    """One alert that the webhook has stored. ``status``: firing or resolved; ``received`` in Unix seconds.

    ``starts``: since when it fires, to the second.
    """

    status: str
    name: str
    received: float
    starts: float = 0.0


class App(Struct, frozen=True):
    """The application at ``http.base``; every method raises ``HttpFailure`` where there is no usable answer."""

    http: Http

    def health(self) -> str:
        """The ``status`` that /health names."""
        answer = self.http.readily().get("/health")
        with shaped(answer):
            return str(answer.json()["status"])

    def answers_as(self, host: str) -> bool:
        """Whether it may be asked under this name; others are refused with 400."""
        answer = self.http.get("/health", headers={"Host": host}, expect=(200, 400))
        with shaped(answer):
            return answer.status == 200 and text(answer.json()["status"]) == "ok"

    def metrics(self) -> str:
        """The metrics page in the text format."""
        return self.http.get("/metrics", headers={"Accept": "text/plain"}).text

    def alerts(self, label: str = "", value: str = "") -> tuple[ReceivedAlert, ...]:
        """Received alerts whose ``label`` has ``value``, or the newest of all."""
        answer = self.http.get("/alerts", params={"label": f"{label}={value}"} if label else {})
        with shaped(answer):
            return tuple(
                ReceivedAlert(
                    a["status"],
                    a["labels"].get("alertname", ""),
                    datetime.fromisoformat(a["receivedAt"]).timestamp(),
                    moment(a.get("startsAt", "")),
                )
                for a in answer.json()["alerts"]
            )

    def throw(self, fault: str, seconds: float) -> None:
        """Switches a fault on, which ends by itself after ``seconds``; 0 ends it now. Status 404: no switches here."""
        asked = {"state": "on", "seconds": seconds} if seconds else {"state": "off"}
        self.http.post(f"/faults/{fault}", json=asked)

    def may_throw(self) -> bool:
        """Whether its fault switches can be used."""
        return self.http.get("/faults", expect=(200, 404)).status == 200

    def judge_path(self, path: str) -> str:
        """The outcome of filesystem_gate for ``path``."""
        answer = self.http.post("/gates/path", json={"path": path})
        with shaped(answer):
            return str(answer.json()["outcome"])

    def parts(self) -> dict[str, dict[str, Any]]:
        """What each part of the application says of itself, with at least its ``status``."""
        answer = self.http.get("/health/detailed")
        with shaped(answer):
            found = answer.json()["parts"]
            return {text(name): {**part, "status": text(part["status"])} for name, part in found.items()}

    def store_name(self) -> str:
        """Where the packets are kept, in the application's own words."""
        answer = self.http.get("/health/detailed")
        with shaped(answer):
            return text(answer.json()["parts"]["packet_store"]["name"])

    def write_packet(self, segment: str, payload: Mapping[str, str], seconds: float) -> str:
        """The id of a new packet that expires after ``seconds``."""
        packet = {"payload": payload, "ttl_seconds": seconds}
        answer = self.http.post(f"/memory/{segment}", expect=(201,), json=packet)
        with shaped(answer):
            return str(answer.json()["packet_id"])

    def search_packets(self, segment: str, query: str) -> tuple[str, ...]:
        """The ids of the packets that hold all words of ``query``."""
        answer = self.http.get(f"/memory/{segment}/search", params={"query": query})
        with shaped(answer):
            return tuple(str(packet["packet_id"]) for packet in answer.json()["packets"])
