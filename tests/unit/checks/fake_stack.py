"""A healthy stack made of tables: what each product answers when all is well, and what is expected of it.

A test changes one answer and sees the check that notices.
"""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from stack.checks.alertmanager import LACKING
from stack.checks.batches import MARK
from stack.checks.model import Dashboard, DataSource, Expected, Job, Rule
from stack.clients.alertmanager import published_hash
from stack.engine.interface import Ran
from stack.telemetry.catalogue import METRICS
from tests.loopback import Asked, Reply, Routes, serve

PASSWORD = "right-password"
DIGEST = "0123456789abcdef"
CONFIG = """
route:
  receiver: default
  repeat_interval: 1m
  group_interval: 5s
receivers:
  - name: default
    webhook_configs:
      - url: http://app:8000/alerts
        http_config: {authorization: {credentials_file: /etc/stack/token}}
"""
BOARD: dict[str, Any] = {
    "uid": "gates",
    "title": "Gates",
    "panels": [
        {
            "id": 1,
            "title": "Rate",
            "datasource": {"type": "prometheus", "uid": "${datasource}"},
            "targets": [{"refId": "A", "expr": 'rate(gate_total{job=~"$job"}[$__rate_interval])'}],
        },
        {
            "id": 2,
            "title": "Now",
            "datasource": {"type": "prometheus", "uid": "${datasource}"},
            "targets": [{"refId": "A", "expr": "gate_now", "instant": True}],
        },
    ],
    "templating": {
        "list": [
            {"name": "datasource", "type": "datasource", "query": "prometheus"},
            {"name": "job", "type": "query", "query": {"query": "label_values(up, job)"}, "includeAll": True},
        ]
    },
}
REFUSED: Reply = (401, {"messageId": "password-auth.failed", "message": "Invalid username or password"})
RULES = (
    Rule("alerts", "Watchdog", "alerting", "vector(1)", "rules/prometheus.yml", 4),
    Rule(
        "stack_digest",
        "stack:config_digest:info",
        "recording",
        "vector(1)",
        "rules/stack-digest.yml",
        5,
        labels=(("digest", DIGEST),),
    ),
)
JOBS = (
    Job("app", "scrape/app.yml", 2, "app", addresses=("app:1",)),
    Job("prometheus", "scrape/prometheus.yml", 2, "prometheus", addresses=("prometheus:1",)),
)
MAIN = "global:\n  scrape_interval: 60s\nrule_files: [rules/*.yml]\n"
LOADED_MAIN = (
    "global:\n  scrape_interval: 1m\n  scrape_timeout: 10s\n  evaluation_interval: 1m\n"
    "rule_files:\n- /etc/stack/current/rules/*.yml\n"
)


PUBLIC_HOST = "ops.example.com"
PUBLIC = tuple((c, f"https://{PUBLIC_HOST}/{c}") for c in ("prometheus", "alertmanager", "grafana", "app"))
"""What each product says of its address for people."""


def loaded(
    name: str = "Watchdog", group: str = "alerts", file: str = "prometheus", **changes: Any
) -> dict[str, Any]:
    """A rule group with one rule as Prometheus shows it."""
    rule = {
        "name": name,
        "type": "alerting",
        "health": "ok",
        "lastError": "",
        "labels": {},
        "query": "vector(1)",
        "duration": 0,
        "keepFiringFor": 0,
        "annotations": {},
    }
    return {
        "name": group,
        "file": f"/etc/stack/current/rules/{file}.yml",
        "interval": 60,
        "limit": 0,
        "rules": [{**rule, **changes}],
    }


def digest_group(digest: str = DIGEST) -> dict[str, Any]:
    """The group that carries the digest."""
    labels = {"digest": digest}
    return loaded("stack:config_digest:info", "stack_digest", "stack-digest", type="recording", labels=labels)


def data(value: Any) -> Reply:
    """A success of Prometheus."""
    return 200, {"status": "success", "data": value}


def target(job: str, health: str = "up", error: str = "", **found: str) -> dict[str, Any]:
    """A scrape target as Prometheus shows it; ``found``: labels before relabelling, without their underscores."""
    labels = {
        "address": f"{job}:1",
        "metrics_path": "/metrics",
        "scheme": "http",
        "scrape_interval": "1m",
        "scrape_timeout": "10s",
        **found,
    }
    return {
        "discoveredLabels": {f"__{name}__": value for name, value in labels.items()},
        "labels": {"job": job, "instance": labels["address"]},
        "scrapePool": job,
        "scrapeUrl": f"http://{labels['address']}/metrics",
        "health": health,
        "lastError": error,
    }


def targets(*states: tuple[str, str]) -> Reply:
    """Scrape targets by job and health."""
    said = "connect: connection refused"
    return data({"activeTargets": [target(job, health, said) for job, health in states]})


def vector(*values: str) -> Reply:
    """An instant query's result."""
    return data({"resultType": "vector", "result": [{"metric": {}, "value": [1, v]} for v in values]})


def runtime(*, succeeded: bool = True, loaded_for: float = 3600.0) -> Reply:
    """What Prometheus says of its own run."""
    now = datetime.now(UTC)
    return data(
        {
            "startTime": (now - timedelta(seconds=loaded_for)).isoformat(),
            "lastConfigTime": (now - timedelta(seconds=loaded_for)).isoformat(),
            "serverTime": now.isoformat(),
            "reloadConfigSuccess": succeeded,
        }
    )


FAULTS_SOUGHT = ("== 0", "node_scrape_collector_success", "offset 2m", "offset 30s")
"""Parts of queries that look for faults."""


def answer_query(asked: Asked) -> Reply:
    """Each of many questions has its answer; whatever must not be is not."""
    query = asked.params["query"]
    marks = re.findall(rf'"{MARK}", "(\d+)"', query)
    if marks:
        value = "0" if "increase(" in query else "1"
        found = [{"metric": {MARK: mark}, "value": [1, value]} for mark in marks]
        return data({"resultType": "vector", "result": found})
    return vector() if any(sign in query for sign in FAULTS_SOUGHT) else vector("1")


def kept_nothing(job: str) -> Reply:
    """The series of a target of which no sample is kept."""
    metric = {"job": job, "instance": f"{job}:1"}
    return data({"resultType": "vector", "result": [{"metric": metric, "value": [1, "0"]}]})


def frames(*columns: list[float | None], error: str = "") -> dict[str, Any]:
    """One query's result as Grafana gives it; no column: nothing found."""
    fields = [{"name": "Time", "type": "time"}, {"name": "Value", "type": "number"}]
    found = [{"schema": {"fields": fields}, "data": {"values": [[1] * len(c), c]}} for c in columns]
    nothing: list[dict[str, Any]] = [{"schema": {"fields": []}, "data": {"values": []}}]
    return {"status": 200, "frames": found or nothing, **({"error": error} if error else {})}


def answered(**results: dict[str, Any]) -> Reply:
    """A batch's results."""
    return 200, {"results": {"p1_A": frames([1.0, 2.0]), "p2_A": frames([3.0])} | results}


def source(uid: str, kind: str, **changes: Any) -> dict[str, Any]:
    """A data source as Grafana lists it."""
    return {
        "uid": uid,
        "name": uid.title(),
        "type": kind,
        "url": f"http://{uid}",
        "readOnly": True,
        **changes,
    }


@dataclass
class FakeStack:
    """The tables of the five products and the state that joins them."""

    alerts: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=lambda: {"calls": 0})
    packets: dict[str, str] = field(default_factory=dict)
    products: dict[str, Routes] = field(default_factory=dict)
    commands: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    heard: tuple[str, str] = ("firing", "resolved")

    def __post_init__(self) -> None:
        self.products = {
            "prometheus": self._prometheus(),
            "alertmanager": self._alertmanager(),
            "app": self._app(),
            "grafana": self._grafana(),
            "node_exporter": {
                "GET /metrics": (200, 'node_exporter_build_info{branch="b",version="1.11"} 1\n')
            },
        }

    def _prometheus(self) -> Routes:
        return {
            "GET /-/ready": (200, "Prometheus Server is Ready."),
            "GET /metrics": (200, "prometheus_config_last_reload_successful 1\n"),
            "GET /api/v1/status/runtimeinfo": runtime(),
            "GET /api/v1/status/config": data({"yaml": LOADED_MAIN}),
            "GET /api/v1/status/flags": data({"web.external-url": f"https://{PUBLIC_HOST}/prometheus"}),
            "GET /api/v1/rules": data({"groups": [loaded(), digest_group()]}),
            "GET /api/v1/targets": targets(("app", "up"), ("prometheus", "up")),
            "GET /api/v1/alertmanagers": data(
                {"activeAlertmanagers": [{"url": "http://alertmanager:9093/api/v2/alerts"}]}
            ),
            "POST /api/v1/query": answer_query,
            "POST /api/v1/query_range": data({"result": [{"metric": {}, "values": [[1, "1"], [2, "NaN"]]}]}),
            "GET /api/v1/label/job/values": data(["app"]),
            "GET /api/v1/labels": data(["job", "instance", "team"]),
        }

    def _alertmanager(self) -> Routes:
        return {
            "GET /-/ready": (200, "OK"),
            "GET /metrics": (200, am_metrics(CONFIG)),
            "GET /debug/pprof/cmdline": (
                200,
                f"/bin/alertmanager\0--web.external-url=https://{PUBLIC_HOST}/alertmanager\0--web.route-prefix=/",
            ),
            "POST /api/v2/alerts": self._take_alert,
            "GET /api/v2/alerts": (200, [held(time.time())]),
            "GET /api/v2/silences": (200, []),
            "GET /api/v2/status": (200, {"config": {"original": CONFIG}}),
        }

    def run_in(self, component: str, argv: tuple[str, ...]) -> Ran:
        """A command in a component's container: the receiver there hears of each alert in turn."""
        self.commands.append((component, argv))
        if argv[2] == LACKING:
            return Ran(0, "all\n")
        return Ran(0, "\n".join(delivery(body, s) for body, s in zip(argv[-2:], self.heard, strict=True)))

    def _take_alert(self, asked: Asked) -> Reply:
        alert = json.loads(asked.body)[0]
        over = alert["endsAt"] < time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
        self.alerts[alert["labels"]["proof_id"]] = "resolved" if over else "firing"
        return 200, ""

    def _app(self) -> Routes:
        return {
            "GET /health": (200, {"status": "ok"}),
            "GET /metrics": lambda asked: (200, app_metrics(self.counts["calls"])),
            "POST /gates/path": self._judge,
            "GET /alerts": self._show_alerts,
            "GET /health/detailed": kept_in("PostgreSQL packets on postgres:5432"),
            "POST /memory/session_context": self._remember,
            "GET /memory/session_context/search": self._recall,
        }

    def _judge(self, asked: Asked) -> Reply:
        self.counts["calls"] += 1
        return 200, {"gate": "filesystem_gate", "outcome": "ok"}

    def _remember(self, asked: Asked) -> Reply:
        self.packets[json.loads(asked.body)["payload"]["proof"]] = "packet-1"
        return 201, {"packet_id": "packet-1"}

    def _recall(self, asked: Asked) -> Reply:
        found = self.packets.get(asked.params["query"])
        return 200, {"packets": [{"packet_id": found}] if found else []}

    def _show_alerts(self, asked: Asked) -> Reply:
        label, _, value = asked.params["label"].partition("=")
        status = self.alerts.get(value)
        return 200, {"alerts": [received(status, time.time(), **{label: value})] if status else []}

    def _grafana(self) -> Routes:
        return {
            "GET /api/health": (200, {"database": "ok"}),
            "GET /api/org": lambda asked: (200, {"id": 1}) if _ours(asked) else REFUSED,
            "GET /api/user": (200, {"login": "admin", "isGrafanaAdmin": True}),
            "GET /api/frontend/settings": (200, {"appUrl": f"https://{PUBLIC_HOST}/grafana/"}),
            "GET /api/datasources": (
                200,
                [source("prometheus", "prometheus"), source("alertmanager", "alertmanager")],
            ),
            "GET /api/datasources/uid/prometheus/health": (200, {"status": "OK", "message": ""}),
            "GET /api/datasources/proxy/uid/alertmanager/api/v2/status": (200, {"versionInfo": {}}),
            "GET /api/datasources/uid/prometheus/resources/api/v1/label/job/values": data(["app"]),
            "GET /api/search": (200, [{"uid": "gates"}]),
            "GET /api/dashboards/uid/gates": (200, stored(BOARD)),
            "POST /api/ds/query": answered(),
        }

    @contextmanager
    def running(self, **changes: Any) -> Iterator[Expected]:
        """Serves all products; the expectation of this stack with ``changes``."""
        with ExitStack() as servers:
            addresses = tuple(
                (name, servers.enter_context(serve(routes))) for name, routes in self.products.items()
            )
            yield replace(expectation(), addresses=addresses, **changes)


def expectation() -> Expected:
    """What the healthy stack promises."""
    return Expected(
        stack="fake",
        addresses=(),
        jobs=JOBS,
        prometheus_config=MAIN,
        digest=DIGEST,
        rules=RULES,
        alertmanager_config=CONFIG,
        dashboards=(Dashboard("gates", json.dumps(BOARD)),),
        data_sources=(
            DataSource("prometheus", "Prometheus", "prometheus", "http://prometheus"),
            DataSource("alertmanager", "Alertmanager", "alertmanager", "http://alertmanager"),
        ),
        grafana_password=PASSWORD,
        database=True,
    )


def delivery(body: str, status: str) -> str:
    """The body with which Alertmanager delivers a posted alert; none where ``status`` is empty."""
    (alert,) = json.loads(body)
    told = {"receiver": "stack-test", "status": status, "alerts": [{**alert, "status": status}]}
    return json.dumps(told, separators=(",", ":")) if status else ""


def held(moment: float, name: str = "Watchdog", **changes: Any) -> dict[str, Any]:
    """An alert as Alertmanager lists it."""
    at = datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z")
    status = {"state": "active", "silencedBy": [], "inhibitedBy": [], "mutedBy": []}
    return {"fingerprint": name, "labels": {"alertname": name}, "updatedAt": at, "status": status | changes}


def silence(*matchers: tuple[str, str, str], state: str = "active", **changes: Any) -> dict[str, Any]:
    """A silence as Alertmanager lists it; its matchers by name, operator and value."""
    found = [
        {"name": n, "value": value, "isRegex": "~" in op, "isEqual": not op.startswith("!")}
        for n, op, value in matchers
    ]
    return {
        "id": "5d1e",
        "status": {"state": state},
        "matchers": found,
        "createdBy": "anna",
        "comment": "a move",
        "startsAt": "2026-01-01T00:00:00.000Z",
        "endsAt": "2026-01-02T00:00:00.000Z",
        **changes,
    }


def kept_in(store: str) -> Reply:
    """What the application says of its packet store."""
    return health(packet_store={"name": store, "probe_ms": 1.0, "detail": ""})


def health(**parts: dict[str, Any]) -> Reply:
    """What the application says of its parts; each is well unless its ``status`` says otherwise."""
    usual: dict[str, dict[str, Any]] = {"packet_store": {"name": "SQLite /data/packets.db", "detail": ""}}
    return 200, {"parts": {name: {"status": "ok"} | part for name, part in {**usual, **parts}.items()}}


def received(status: str, moment: float, **labels: str) -> dict[str, Any]:
    """An alert as the application shows it."""
    at = datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z")
    return {"status": status, "labels": labels, "receivedAt": at}


def stored(board: dict[str, Any], *, provisioned: bool = True) -> dict[str, Any]:
    """A dashboard as Grafana returns it."""
    return {"meta": {"provisioned": provisioned}, "dashboard": {**board, "id": 7, "version": 3}}


def am_metrics(config: str, *, success: int = 1) -> str:
    """Alertmanager's own gauges for a file."""
    return (
        f"alertmanager_config_last_reload_successful {success}\n"
        f"alertmanager_config_hash {published_hash(config)!r}\n"
        'alertmanager_notifications_total{integration="webhook",receiver_name="default"} 3\n'
    )


def app_metrics(calls: int, seen: float | None = None, *, without: str = "") -> str:
    """A page with every metric of the catalogue; ``calls`` is what the two counters of a call show."""
    lines = [f"{m.series[-1]} 1" for m in METRICS if not m.labels and m.name != without]
    lines += [f'{m.series[-1]}{{x="y"}} 1' for m in METRICS if m.labels and m.name != without]
    lines = [line for line in lines if not line.startswith("alert_watchdog")]
    seen = time.time() if seen is None else seen
    lines.append(f"alert_watchdog_last_seen_timestamp_seconds {seen}" if without != "watchdog" else "")
    lines.append(f'gate_invocations_total{{gate="filesystem_gate",outcome="ok"}} {calls}')
    lines.append(f'http_requests_total{{method="POST",route="/gates/path",status="200"}} {calls}')
    return "\n".join(lines) + "\n"


def _ours(asked: Asked) -> bool:
    token = base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
    return asked.headers.get("authorization") == f"Basic {token}"
