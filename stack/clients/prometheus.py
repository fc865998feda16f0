"""Prometheus' HTTP API v1: readiness, what is loaded, what is scraped, and queries.

It must never write: no admin or lifecycle calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stack.clients.exposition import sample
from stack.clients.http import Answer, Http
from stack.clients.shape import Typed, shaped, text, texts, yaml_object


@dataclass(frozen=True, slots=True)
class LoadedRule(Typed):
    """A rule as Prometheus holds it. ``health``: ok, unknown (not evaluated yet) or err."""

    group: str
    name: str
    kind: str
    health: str
    last_error: str
    labels: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Target(Typed):
    """One scrape target. ``health``: up, down or unknown (not scraped yet)."""

    job: str
    instance: str
    health: str
    last_error: str


@dataclass(frozen=True, slots=True)
class Sample(Typed):
    """One series of an instant query."""

    labels: tuple[tuple[str, str], ...]
    value: float


@dataclass(frozen=True)
class Prometheus:
    """One server at ``http.base``; every method raises ``HttpFailure`` where there is no usable answer."""

    http: Http

    def ready(self) -> str:
        """The readiness text."""
        return self.http.get("/-/ready").text.strip()

    def reload_succeeded(self) -> bool:
        """Whether the latest load of the configuration succeeded; a failed one leaves the old set active."""
        return sample(self.http.get("/metrics"), "prometheus_config_last_reload_successful") == 1

    def rules(self) -> tuple[LoadedRule, ...]:
        """All loaded rules in file order."""
        answer = self.http.get("/api/v1/rules", params={"exclude_alerts": "true"})
        with shaped(answer):
            return tuple(
                _rule(group["name"], rule) for group in _data(answer)["groups"] for rule in group["rules"]
            )

    def targets(self) -> tuple[Target, ...]:
        """All active scrape targets."""
        answer = self.http.get("/api/v1/targets", params={"state": "active"})
        with shaped(answer):
            return tuple(
                Target(t["labels"]["job"], t["labels"].get("instance", ""), t["health"], t["lastError"])
                for t in _data(answer)["activeTargets"]
            )

    def alertmanagers(self) -> tuple[str, ...]:
        """Addresses to which alerts are sent."""
        answer = self.http.get("/api/v1/alertmanagers")
        with shaped(answer):
            return tuple(str(a["url"]) for a in _data(answer)["activeAlertmanagers"])

    def query(self, expr: str) -> tuple[Sample, ...]:
        """An instant query now; a scalar comes back as one series without labels."""
        answer = self.http.post("/api/v1/query", data={"query": expr})
        with shaped(answer):
            data = _data(answer)
            if data["resultType"] == "scalar":
                return (Sample((), float(data["result"][1])),)
            return tuple(Sample(_labels(s["metric"]), float(s["value"][1])) for s in data["result"])

    def query_range(self, expr: str, start: float, end: float, step: float) -> tuple[tuple[float, ...], ...]:
        """The values of each series between two Unix times."""
        times = {"start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step:g}"}
        answer = self.http.post("/api/v1/query_range", data={"query": expr, **times})
        with shaped(answer):
            return tuple(tuple(float(v) for _, v in s["values"]) for s in _data(answer)["result"])

    def label_values(self, label: str, selector: str) -> tuple[str, ...]:
        """Values of ``label`` among the series that ``selector`` picks (empty: among all)."""
        params = {"match[]": selector} if selector else {}
        answer = self.http.get(f"/api/v1/label/{label}/values", params=params)
        with shaped(answer):
            return texts(_data(answer))

    def label_names(self) -> tuple[str, ...]:
        """The names of all labels that any series has."""
        answer = self.http.get("/api/v1/labels")
        with shaped(answer):
            return texts(_data(answer))

    def external_labels(self) -> dict[str, str]:
        """The labels that it adds to each alert which has none of that name."""
        answer = self.http.get("/api/v1/status/config")
        with shaped(answer):
            configured = yaml_object(text(_data(answer)["yaml"])).get("global") or {}
            return {
                text(name): str(value) for name, value in (configured.get("external_labels") or {}).items()
            }


def _data(answer: Answer) -> Any:
    return answer.json()["data"]


def _labels(labels: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(labels.items()))


def _rule(group: str, rule: dict[str, Any]) -> LoadedRule:
    return LoadedRule(
        group,
        rule["name"],
        rule["type"],
        rule["health"],
        rule.get("lastError", ""),
        _labels(rule.get("labels", {})),
    )
