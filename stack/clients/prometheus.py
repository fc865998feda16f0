"""Prometheus' HTTP API v1: readiness, what is loaded, what is scraped, and queries.

It must never write: no admin or lifecycle calls.
"""

from __future__ import annotations

import json
from typing import Any

from msgspec import Struct

from stack.clients.exposition import samples
from stack.clients.http import Answer, Http, HttpFailure, snippet
from stack.clients.shape import Typed, shaped, span, text, texts, yaml_object
from stack.common.moments import instant, wall_clock


class LoadedRule(Typed, frozen=True):
    """A rule as Prometheus holds it. ``health``: ok, unknown (not evaluated yet) or err. Durations are in seconds.

    ``file`` is its path inside the container; ``interval`` and ``limit`` are its group's. ``state`` of an alert is
    inactive, pending or firing, ``evaluated`` the Unix time of its latest turn, 0 before the first.
    """

    group: str
    name: str
    kind: str
    health: str
    last_error: str
    labels: tuple[tuple[str, str], ...]
    file: str = ""
    expr: str = ""
    duration: float = 0.0
    keep_firing_for: float = 0.0
    annotations: tuple[tuple[str, str], ...] = ()
    interval: float = 0.0
    limit: int = 0
    state: str = ""
    evaluated: float = 0.0


class Target(Typed, frozen=True):
    """One scrape target. ``health``: up, down or unknown (not scraped yet).

    ``job`` is its scrape job, ``instance`` its label, ``found`` its labels before relabelling. ``last_scrape``: when it
    was asked last, as Go writes a moment. ``label``: its label job.
    """

    job: str
    instance: str
    health: str
    last_error: str
    url: str = ""
    found: tuple[tuple[str, str], ...] = ()
    last_scrape: str = ""
    label: str = ""

    @property
    def job_label(self) -> str:
        """The label job of its series: the name of its job, unless that gives it another."""
        return self.label or dict(self.found).get("job", self.job)


class Sample(Typed, frozen=True):
    """One series of an instant query."""

    labels: tuple[tuple[str, str], ...]
    value: float


class Metadata(Typed, frozen=True):
    """What a target says of one of its metrics, each empty where it does not."""

    metric: str
    kind: str
    help: str
    unit: str


REJECTIONS = {
    why: f"prometheus_target_scrapes_sample_{why}_total"
    for why in ("out_of_order", "out_of_bounds", "duplicate_timestamp")
}
"""Its counters of samples that it was given and did not store, by the reason."""
Labels = tuple[tuple[str, str], ...]
Values = tuple[float, ...]


class Refused(HttpFailure):
    """Prometheus understood the question and cannot answer it; the text is its own word on why."""


class Prometheus(Struct, frozen=True):
    """One server at ``http.base``; every method raises ``HttpFailure`` where there is no usable answer."""

    http: Http

    def ready(self) -> str:
        """The readiness text."""
        return self.http.readily().get("/-/ready").text.strip()

    def rules(self) -> tuple[LoadedRule, ...]:
        """All loaded rules in file order."""
        answer = self.http.get("/api/v1/rules", params={"exclude_alerts": "true"})
        with shaped(answer):
            return tuple(_rule(group, rule) for group in _data(answer)["groups"] for rule in group["rules"])

    def configuration(self) -> str:
        """The main file as it is loaded: defaults filled in, secrets masked."""
        answer = self.http.get("/api/v1/status/config")
        with shaped(answer):
            return text(_data(answer)["yaml"])

    def flags(self) -> dict[str, str]:
        """The flags that it runs with, by name without dashes."""
        answer = self.http.get("/api/v1/status/flags")
        with shaped(answer):
            return {name: text(value) for name, value in _data(answer).items()}

    def targets(self) -> tuple[Target, ...]:
        """All active scrape targets."""
        answer = self.http.get("/api/v1/targets", params={"state": "active"})
        with shaped(answer):
            return tuple(_target(target) for target in _data(answer)["activeTargets"])

    def rejected(self) -> int:
        """How many samples it was given and did not store since it started, as it says now."""
        return int(sum(samples(self.http.get("/metrics"), REJECTIONS.values())))

    def reload_succeeded(self) -> bool:
        """Whether the latest load of the configuration succeeded; a failed one leaves the old set active."""
        answer = self.http.get("/api/v1/status/runtimeinfo")
        with shaped(answer):
            return bool(_data(answer)["reloadConfigSuccess"])

    def loaded_for(self) -> float:
        """Seconds since the start or the latest successful load, whichever is later, by the server's own clock."""
        answer = self.http.get("/api/v1/status/runtimeinfo")
        with shaped(answer):
            data = _data(answer)
            now = instant(data["serverTime"]) if "serverTime" in data else wall_clock()
            return now - max(instant(data["startTime"]), instant(data["lastConfigTime"]))

    def formatted(self, expr: str) -> str:
        """The expression as Prometheus itself writes it down."""
        answer = self.http.post("/api/v1/format_query", data={"query": expr})
        with shaped(answer):
            return str(_data(answer))

    def alertmanagers(self) -> tuple[str, ...]:
        """Addresses to which alerts are sent."""
        answer = self.http.get("/api/v1/alertmanagers")
        with shaped(answer):
            return tuple(str(a["url"]) for a in _data(answer)["activeAlertmanagers"])

    def query(self, expr: str) -> tuple[Sample, ...]:
        """An instant query now; a scalar is one series without labels. ``Refused`` with Prometheus' reason."""
        answer = self.http.post("/api/v1/query", data={"query": expr}, expect=(200, 400, 422, 503))
        _refuse(answer)
        with shaped(answer):
            data = _data(answer)
            if data["resultType"] not in ("scalar", "vector"):
                raise Refused(f"a rule needs a vector or a scalar, this is a {data['resultType']}")
            if data["resultType"] == "scalar":
                return (Sample((), float(data["result"][1])),)
            return tuple(Sample(_labels(s["metric"]), _value(s)) for s in data["result"])

    def query_range(self, expr: str, start: float, end: float, step: float) -> tuple[tuple[float, ...], ...]:
        """The values of each series between two Unix times."""
        times = {"start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step:g}"}
        answer = self.http.post("/api/v1/query_range", data={"query": expr, **times})
        with shaped(answer):
            return tuple(tuple(float(v) for _, v in s["values"]) for s in _data(answer)["result"])

    def lines(self, expr: str, start: float, end: float, step: float) -> tuple[tuple[Labels, Values], ...]:
        """The series of a range with their labels; a native histogram counts as its observations."""
        times = {"start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step:g}"}
        answer = self.http.post(
            "/api/v1/query_range", data={"query": expr, **times}, expect=(200, 400, 422, 503)
        )
        _refuse(answer)
        with shaped(answer):
            return tuple((_labels(s["metric"]), _values(s)) for s in _data(answer)["result"])

    def label_values(self, label: str, selector: str, since: float = 0.0) -> tuple[str, ...]:
        """Values of ``label`` among the series that ``selector`` picks (empty: among all), from a Unix time on."""
        params = _chosen(selector) | ({"start": f"{since:.3f}"} if since else {})
        answer = self.http.get(f"/api/v1/label/{label}/values", params=params, expect=(200, 400, 422))
        _refuse(answer)
        with shaped(answer):
            return texts(_data(answer))

    def label_names(self, selector: str = "") -> tuple[str, ...]:
        """The names of all labels that any series has, or any that ``selector`` picks."""
        answer = self.http.get("/api/v1/labels", params=_chosen(selector), expect=(200, 400, 422))
        _refuse(answer)
        with shaped(answer):
            return texts(_data(answer))

    def series(self, selector: str, since: float, most: int) -> tuple[Labels, ...]:
        """The labels of the series that ``selector`` picks, seen since a Unix time; at most so many."""
        params = {**_chosen(selector), "start": f"{since:.3f}", "limit": str(most)}
        answer = self.http.get("/api/v1/series", params=params, expect=(200, 400, 422))
        _refuse(answer)
        with shaped(answer):
            return tuple(_labels({name: text(value) for name, value in one.items()}) for one in _data(answer))

    def metadata(self, job: str, targets: int = 10) -> tuple[Metadata, ...]:
        """What the targets of a job say of their metrics; at most so many targets are asked."""
        params = {"match_target": f"{{job={json.dumps(job)}}}", "limit": str(targets)}
        answer = self.http.get("/api/v1/targets/metadata", params=params, expect=(200, 404))
        with shaped(answer):
            found = _data(answer) if answer.status == 200 else []
            return tuple(
                Metadata(one["metric"], one["type"], one.get("help", ""), one.get("unit", ""))
                for one in found
            )

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


def _value(series: dict[str, Any]) -> float:
    """The sample's value; of a native histogram the count of its observations."""
    return float(series["value"][1] if "value" in series else series["histogram"][1]["count"])


def _values(series: dict[str, Any]) -> Values:
    plain = [float(value) for _, value in series.get("values", ())]
    return (*plain, *(float(histogram["count"]) for _, histogram in series.get("histograms", ())))


def _chosen(selector: str) -> dict[str, str]:
    return {"match[]": selector} if selector else {}


def _refuse(answer: Answer) -> None:
    if answer.status == 200:
        return
    try:
        said = str(json.loads(answer.text)["error"])
    except (ValueError, TypeError, KeyError):
        raise HttpFailure(
            f"POST {answer.url} answered {answer.status}: {snippet(answer.text)}", answer.status
        ) from None
    raise Refused(said, answer.status)


def _target(target: dict[str, Any]) -> Target:
    labels = target["labels"]
    return Target(
        target.get("scrapePool") or labels["job"],
        labels.get("instance", ""),
        target["health"],
        target["lastError"],
        target.get("scrapeUrl", ""),
        _labels(target.get("discoveredLabels", {})),
        target.get("lastScrape", ""),
        labels.get("job", ""),
    )


def _rule(group: dict[str, Any], rule: dict[str, Any]) -> LoadedRule:
    return LoadedRule(
        group["name"],
        rule["name"],
        rule["type"],
        rule["health"],
        rule.get("lastError", ""),
        _labels(rule.get("labels") or {}),
        group.get("file", ""),
        rule["query"],
        span(rule.get("duration", 0)),
        span(rule.get("keepFiringFor", 0)),
        _labels(rule.get("annotations") or {}),
        span(group.get("interval", 0)),
        int(group.get("limit", 0)),
        str(rule.get("state", "")),
        instant(rule["lastEvaluation"]) if "lastEvaluation" in rule else 0.0,
    )
