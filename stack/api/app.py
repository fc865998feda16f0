"""The instrumented application's HTTP API as the checks use it: health, metrics, received alerts, one gate.

It must never ask for anything that leaves data behind.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from stack.api.shape import shaped
from stack.http import Http


@dataclass(frozen=True, slots=True)
class ReceivedAlert:
    """One alert that the webhook has stored. ``status``: firing or resolved; ``received`` in Unix seconds."""

    status: str
    name: str
    received: float


@dataclass(frozen=True)
class App:
    """The application at ``http.base``; every method raises ``HttpFailure`` where there is no usable answer."""

    http: Http

    def health(self) -> str:
        """The ``status`` that /health names."""
        answer = self.http.get("/health")
        with shaped(answer):
            return str(answer.json()["status"])

    def metrics(self) -> str:
        """The metrics page in the text format."""
        return self.http.get("/metrics", headers={"Accept": "text/plain"}).text

    def alerts(self, label: str, value: str) -> tuple[ReceivedAlert, ...]:
        """Received alerts whose ``label`` has ``value``."""
        answer = self.http.get("/alerts", params={"label": f"{label}={value}"})
        with shaped(answer):
            return tuple(
                ReceivedAlert(
                    a["status"],
                    a["labels"].get("alertname", ""),
                    datetime.fromisoformat(a["receivedAt"]).timestamp(),
                )
                for a in answer.json()["alerts"]
            )

    def judge_path(self, path: str) -> str:
        """The outcome of filesystem_gate for ``path``."""
        answer = self.http.post("/gates/path", json={"path": path})
        with shaped(answer):
            return str(answer.json()["outcome"])
