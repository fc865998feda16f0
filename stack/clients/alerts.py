"""The alerts that Prometheus has pending or firing, each with its value and since when."""

from __future__ import annotations

from collections.abc import Mapping

from stack.clients.http import Http
from stack.clients.shape import Typed, objects, shaped, text
from stack.common.moments import instant


class ActiveAlert(Typed, frozen=True):
    """One alert. ``state``: pending or firing; ``since``: Unix time from which its condition has held."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    state: str
    since: float
    value: float

    @property
    def name(self) -> str:
        """Its ``alertname``."""
        return self.labels.get("alertname", "")


def active_alerts(http: Http) -> tuple[ActiveAlert, ...]:
    """All of them; ``HttpFailure`` where there is no usable answer."""
    answer = http.get("/api/v1/alerts")
    with shaped(answer):
        return tuple(
            ActiveAlert(
                {text(name): text(value) for name, value in one["labels"].items()},
                {text(name): text(value) for name, value in (one.get("annotations") or {}).items()},
                one["state"],
                instant(one["activeAt"]),
                float(one["value"]),
            )
            for one in objects(answer.json()["data"]["alerts"])
        )
