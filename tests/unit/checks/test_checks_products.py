"""Every check passes against a healthy stack and fails against each fault that it is there to notice."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from msgspec.structs import replace

from stack.checks import alert_path, app
from stack.checks.check import Check
from stack.checks.context import Execute
from stack.checks.model import Dashboard, DataSource, Expected, Finding, Rule
from stack.checks.runner import run
from stack.components import COMPONENTS, after_change, all_checks
from stack.engine.interface import Ran
from tests.loopback import Asked, Reply, Route, dead_address
from tests.unit.checks.fake_stack import (
    BOARD,
    CONFIG,
    LOADED_MAIN,
    REFUSED,
    FakeStack,
    am_metrics,
    answered,
    app_metrics,
    data,
    digest_group,
    frames,
    health,
    held,
    kept_in,
    kept_nothing,
    loaded,
    received,
    runtime,
    silence,
    source,
    stored,
    target,
    targets,
    vector,
)

CHECKS = tuple(
    check
    for check in all_checks()
    if not (check.scraped or check.sending or check.addressed) and check.component != "gateway"
)
"""Without those about what runs where it is needed or asked for, which the usual stack does not have."""
BY_NAME = {check.name: check for check in CHECKS if check.unless != "app"}
WITHOUT_APP = {check.name: check for check in CHECKS if check.unless == "app"}
WITHOUT_GRAFANA = {check.name for check in CHECKS if check.unless == "grafana"}
BY_COMMAND = {"alertmanager.secrets"}
"""Asked by a command in a container: ``test_checks_alerts`` has their faults."""
NAMES = [f"{check.name}, no {check.unless}" if check.unless else check.name for check in CHECKS]


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alert_path, "DELIVERY_SECONDS", 0.05)
    monkeypatch.setattr(app, "GROWS_WITHIN", 0.0)


def only_default(asked: Asked) -> Reply:
    """A Grafana whose administrator has the password that everybody knows."""
    return (200, {}) if asked.headers.get("authorization") == "Basic YWRtaW46YWRtaW4=" else REFUSED


def refused(component: str, argv: tuple[str, ...]) -> Ran:
    """A command in a container whose product does not listen."""
    return Ran(1, "wget: can't connect to remote host (127.0.0.1): Connection refused")


def finding_of(
    check: Check, expected: Expected, seconds: float = 0.02, run_in: Execute | None = None
) -> Finding:
    """The one finding of a check that gives up early."""
    if check.unless:
        kept = tuple(pair for pair in expected.addresses if pair[0] != check.unless)
        expected = replace(expected, addresses=kept, absent=((check.unless, "no image"),))
    if check.own_boards:
        expected = replace(expected, dashboards=tuple(replace(one, own=True) for one in expected.dashboards))
    (finding,) = run([replace(check, seconds=seconds)], expected, run_in=run_in).findings
    return finding


@pytest.mark.parametrize("check", CHECKS, ids=NAMES)
def test_a_healthy_stack_passes(check: Check) -> None:
    fake = FakeStack()
    with fake.running() as expected:
        finding = finding_of(check, expected, seconds=3.0, run_in=fake.run_in)
    assert finding.status == "ok", finding.evidence
    assert finding.hint == ""


@pytest.mark.parametrize("check", CHECKS, ids=NAMES)
def test_nobody_listens(check: Check) -> None:
    with FakeStack().running() as expected:
        gone = replace(expected, addresses=tuple((name, dead_address()) for name, _ in expected.addresses))
        finding = finding_of(check, gone, run_in=refused)
    assert finding.status == "failed"
    assert "refused" in finding.evidence


@pytest.mark.parametrize("check", CHECKS, ids=NAMES)
@pytest.mark.parametrize("reply", [(500, "broken"), (200, ""), (200, {}), (200, [])], ids=str)
def test_every_answer_is_useless(check: Check, reply: tuple[int, Any]) -> None:
    fake = FakeStack()
    for routes in fake.products.values():
        for key in routes:
            routes[key] = reply
    said = reply[1] if isinstance(reply[1], str) else json.dumps(reply[1])
    with fake.running() as expected:
        finding = finding_of(check, expected, run_in=lambda component, argv: Ran(0, said))
    if check.name in ("prometheus.ready", "alertmanager.ready") and reply[0] == 200 and reply[1] != "":
        return  # readiness is the status; the text is only shown
    assert finding.status == "failed", finding.evidence
    assert finding.evidence


FAULTS: list[tuple[str, str, str, Route, str]] = [
    ("app.ready", "app", "GET /health", (200, {"status": "degraded"}), "/health says degraded"),
    (
        "app.metrics",
        "app",
        "GET /metrics",
        (200, app_metrics(0, without="gate_execution_ms")),
        "lacks gate_exec",
    ),
    ("app.metrics", "app", "GET /metrics", (200, 'broken{a="b" 1\n'), "does not parse"),
    ("app.counter", "app", "GET /metrics", (200, app_metrics(4)), "did not move gate_invocations_total"),
    ("app.counter", "app", "POST /gates/path", (200, {"outcome": "reject"}), "rejected an ordinary path"),
    (
        "app.store",
        "app",
        "GET /health/detailed",
        kept_in("/data/packets.db"),
        "kept in /data/packets.db, not in Post",
    ),
    (
        "app.store",
        "app",
        "POST /memory/session_context",
        (503, {"detail": "PostgreSQL: cannot connect"}),
        "503",
    ),
    ("app.store", "app", "GET /memory/session_context/search", (200, {"packets": []}), "found nothing"),
    (
        "app.health",
        "app",
        "GET /health/detailed",
        health(
            packet_store={
                "name": "SQLite /data/packets.db",
                "status": "degraded",
                "detail": "SQLite /data/packets.db: disk image is malformed",
            },
            load={"status": "degraded", "operations": 5, "surprises": {"memory-search": 2}},
        ),
        "the application is degraded: packet_store: SQLite /data/packets.db: disk image is malformed",
    ),
    ("app.health", "app", "GET /health/detailed", (200, {"parts": {}}), "names no part"),
    (
        "prometheus.storage",
        "prometheus",
        "POST /api/v1/query",
        vector(),
        "Prometheus stores nothing: no sample of the last 5 minutes",
    ),
    ("prometheus.storage", "prometheus", "POST /api/v1/query", vector("77"), "newest sample is 77 s old"),
    (
        "prometheus.storage",
        "prometheus",
        "POST /api/v1/query",
        vector("3"),
        "Prometheus fails to store: a counter grew to 3",
    ),
    (
        "prometheus.reports",
        "prometheus",
        "POST /api/v1/query",
        vector("0"),
        "node_exporter cannot read a file of its textfile folder",
    ),
    (
        "alertmanager.routes",
        "prometheus",
        "GET /api/v1/rules",
        (503, "starting"),
        "answered 503: starting",
    ),
    (
        "alertmanager.notifications",
        "alertmanager",
        "GET /metrics",
        (200, "alertmanager_notifications_sum 1\n"),
        "/metrics has no alertmanager_notifications_total",
    ),
    (
        "alertmanager.silences",
        "alertmanager",
        "GET /api/v2/silences",
        (200, [silence(("alertname", "=~", ".+"))]),
        'silence 5d1e of alertname=~".+" by anna (a move) until 2026-01-02 00:00 UTC holds back',
    ),
    ("prometheus.ready", "prometheus", "GET /-/ready", (503, "Service Unavailable"), "503"),
    (
        "prometheus.config",
        "prometheus",
        "GET /api/v1/status/runtimeinfo",
        runtime(succeeded=False),
        "previous configuration is still active",
    ),
    (
        "prometheus.config",
        "prometheus",
        "GET /api/v1/rules",
        data({"groups": [loaded(), digest_group("feedfeedfeedfeed")]}),
        "digest feedfeedfeedfeed, rendered ones 0123456789abcdef",
    ),
    ("prometheus.config", "prometheus", "GET /api/v1/rules", data({"groups": [loaded()]}), "digest none"),
    (
        "prometheus.rules",
        "prometheus",
        "GET /api/v1/rules",
        data({"groups": []}),
        "prometheus/rules/prometheus.yml alerts/Watchdog is not loaded",
    ),
    (
        "prometheus.rules",
        "prometheus",
        "GET /api/v1/rules",
        data({"groups": [loaded(), digest_group(), loaded("Foreign")]}),
        "alerts/Foreign is loaded but in no file",
    ),
    (
        "prometheus.rules",
        "prometheus",
        "GET /api/v1/rules",
        data({"groups": [loaded(health="err", lastError="many-to-many"), digest_group()]}),
        "prometheus/rules/prometheus.yml:4 alerts/Watchdog is in error: many-to-many",
    ),
    (
        "prometheus.rules",
        "prometheus",
        "GET /api/v1/rules",
        data(
            {
                "groups": [
                    loaded(health="err", lastError="write to WAL: no space left on device"),
                    digest_group(),
                ]
            }
        ),
        "the disk of Prometheus' data volume is full: write to WAL: no space left on device",
    ),
    (
        "prometheus.expressions",
        "prometheus",
        "POST /api/v1/query",
        (422, {"status": "error", "error": "many-to-many matching"}),
        "alerts/Watchdog fails when it is evaluated: many-to-many matching",
    ),
    (
        "prometheus.samples",
        "prometheus",
        "POST /api/v1/query",
        kept_nothing("app"),
        "none of its samples is kept",
    ),
    ("prometheus.series", "prometheus", "POST /api/v1/query", vector(), "records nothing"),
    (
        "prometheus.config",
        "prometheus",
        "GET /api/v1/status/config",
        data({"yaml": LOADED_MAIN.replace("1m", "30s")}),
        "global.scrape_interval is 30s in Prometheus, 60s in prometheus/prometheus.yml",
    ),
    (
        "prometheus.rules",
        "prometheus",
        "GET /api/v1/rules",
        data({"groups": [loaded(query="vector(2)"), digest_group()]}),
        "prometheus.yml:4 alerts/Watchdog: expr is vector(2) in Prometheus, vector(1) in the file",
    ),
    (
        "prometheus.targets",
        "prometheus",
        "GET /api/v1/targets",
        data({"activeTargets": [target("app", scrape_interval="15s"), target("prometheus")]}),
        "job app (prometheus/scrape/app.yml:2): scrape_interval is 15s in Prometheus, 1m in the file",
    ),
    (
        "prometheus.alertmanagers",
        "prometheus",
        "GET /api/v1/alertmanagers",
        data({"activeAlertmanagers": []}),
        "no Alertmanager discovered",
    ),
    (
        "prometheus.alertmanagers",
        "prometheus",
        "GET /api/v1/alertmanagers",
        data({"activeAlertmanagers": [{"url": "http://alertmanager:9999/api/v2/alerts"}]}),
        "sends alerts to http://alertmanager:9999/api/v2/alerts, not to this stack's Alertmanager",
    ),
    (
        "prometheus.targets",
        "prometheus",
        "GET /api/v1/targets",
        targets(("app", "up")),
        "job prometheus (prometheus/scrape/prometheus.yml:2): 0 targets, expected 1",
    ),
    (
        "prometheus.targets",
        "prometheus",
        "GET /api/v1/targets",
        targets(("app", "up"), ("prometheus", "up"), ("foreign", "up")),
        "job foreign is scraped but in no file",
    ),
    (
        "prometheus.targets",
        "prometheus",
        "GET /api/v1/targets",
        targets(("app", "down"), ("prometheus", "up")),
        "app app:1 is down: nobody listens on app:1",
    ),
    (
        "node_exporter.ready",
        "node_exporter",
        "GET /metrics",
        (200, "other_build_info 1\n"),
        "lacks node_exporter",
    ),
    ("alertmanager.ready", "alertmanager", "GET /-/ready", (503, ""), "503"),
    (
        "alertmanager.config",
        "alertmanager",
        "GET /metrics",
        (200, am_metrics("other: file\n")),
        "is not the rendered one",
    ),
    (
        "alertmanager.config",
        "alertmanager",
        "GET /metrics",
        (200, am_metrics(CONFIG, success=0)),
        "previous file is still active",
    ),
    (
        "alertmanager.config",
        "alertmanager",
        "GET /metrics",
        (200, "up 1\n"),
        "has no alertmanager_config_last",
    ),
    (
        "alertmanager.receivers",
        "alertmanager",
        "GET /metrics",
        (200, am_metrics(CONFIG, success=0)),
        "has refused the latest load",
    ),
    ("path.alert", "alertmanager", "POST /api/v2/alerts", (200, ""), "did not arrive as firing"),
    ("path.alert", "alertmanager", "POST /api/v2/alerts", (400, "bad alert"), "400: bad alert"),
    (
        "path.alert",
        "app",
        "GET /alerts",
        (200, {"alerts": [received("firing", 0.0)]}),
        "did not arrive as resolved: the application has it as firing",
    ),
    ("path.watchdog", "app", "GET /metrics", (200, app_metrics(0, seen=0.0)), "not received the Watchdog"),
    ("path.watchdog", "app", "GET /metrics", (200, app_metrics(0, seen=9.0)), "it should come each minute"),
    (
        "path.watchdog",
        "app",
        "GET /metrics",
        (200, app_metrics(0, without="watchdog")),
        "not received the Watch",
    ),
    ("grafana.ready", "grafana", "GET /api/health", (503, {"database": "failing"}), "503"),
    ("grafana.ready", "grafana", "GET /api/health", (200, {"database": "failing"}), "database failing"),
    ("grafana.login", "grafana", "GET /api/org", REFUSED, "refused with 401"),
    (
        "grafana.login",
        "grafana",
        "GET /api/user",
        (200, {"login": "admin", "isGrafanaAdmin": False}),
        "False",
    ),
    ("grafana.default_login", "grafana", "GET /api/org", only_default, "admin/admin is let in"),
    ("grafana.anonymous", "grafana", "GET /api/org", (200, {}), "without login is let in"),
    ("grafana.anonymous", "grafana", "GET /api/org", (302, ""), "got 302, expected 401"),
    (
        "grafana.data_sources",
        "grafana",
        "GET /api/datasources",
        (200, [source("prometheus", "prometheus")]),
        "data source alertmanager is missing; there are prometheus",
    ),
    (
        "grafana.data_sources",
        "grafana",
        "GET /api/datasources",
        (200, [source("prometheus", "prometheus", url="http://elsewhere")]),
        "http://elsewhere",
    ),
    (
        "grafana.data_sources",
        "grafana",
        "GET /api/datasources",
        (200, [source("prometheus", "prometheus", readOnly=False)]),
        "does not come from a file",
    ),
    (
        "grafana.data_source_health",
        "grafana",
        "GET /api/datasources/uid/prometheus/health",
        (400, {"status": "ERROR", "message": "connection refused"}),
        "connection refused",
    ),
    (
        "grafana.data_source_health",
        "grafana",
        "GET /api/datasources/proxy/uid/alertmanager/api/v2/status",
        (502, ""),
        "502",
    ),
    ("grafana.dashboards", "grafana", "GET /api/search", (200, []), "dashboards missing: gates"),
    (
        "grafana.dashboards",
        "grafana",
        "GET /api/dashboards/uid/gates",
        (200, stored({**BOARD, "title": "Other"})),
        "gates differs from its file: title",
    ),
    (
        "grafana.dashboards",
        "grafana",
        "GET /api/dashboards/uid/gates",
        (200, stored(BOARD, provisioned=False)),
        "does not come from its file",
    ),
    ("grafana.panels", "grafana", "POST /api/ds/query", answered(p1_A=frames()), "gates / Rate / A is empty"),
    ("grafana.panels", "grafana", "POST /api/ds/query", answered(p1_A=frames([None])), "has only NaN"),
    ("grafana.panels", "grafana", "POST /api/ds/query", answered(p2_A=frames(error="bad_data")), "bad_data"),
    (
        "grafana.panels",
        "grafana",
        "POST /api/ds/query",
        (200, {"results": {"p1_A": frames([1.0])}}),
        "gates / Now / A failed: no result came back",
    ),
    (
        "grafana.variables",
        "grafana",
        "GET /api/datasources/uid/prometheus/resources/api/v1/label/job/values",
        data([]),
        "gates / $job has no value",
    ),
    ("prometheus.panels", "prometheus", "POST /api/v1/query", vector(), "gates / Now / A is empty"),
    ("prometheus.panels", "prometheus", "POST /api/v1/query", vector("NaN"), "has only NaN"),
    ("prometheus.panels", "prometheus", "POST /api/v1/query_range", (400, "parse error"), "parse error"),
    (
        "prometheus.variables",
        "prometheus",
        "GET /api/v1/label/job/values",
        data([]),
        "gates / $job has no value",
    ),
    (
        "prometheus.own_panels",
        "prometheus",
        "GET /api/v1/status/runtimeinfo",
        (500, "broken"),
        "answered 500: broken",
    ),
]


@pytest.mark.parametrize(("name", "product", "key", "reply", "says"), FAULTS)
def test_the_fault_is_noticed(name: str, product: str, key: str, reply: Route, says: str) -> None:
    fake = FakeStack()
    assert key in fake.products[product]
    fake.products[product][key] = reply
    with fake.running() as expected:
        finding = finding_of(BY_NAME[name], expected)
    assert finding.status == "failed"
    assert says in finding.evidence


def test_every_check_has_a_fault_of_its_own() -> None:
    assert {name for name, *_ in FAULTS} | BY_COMMAND == set(BY_NAME)


NOTHING_EXPECTED: list[tuple[str, dict[str, Any]]] = [
    ("prometheus.expressions", {"rules": ()}),
    ("prometheus.targets", {"jobs": ()}),
    ("alertmanager.config", {"alertmanager_config": ""}),
    ("grafana.data_sources", {"data_sources": ()}),
    ("grafana.data_source_health", {"data_sources": ()}),
    ("grafana.dashboards", {"dashboards": ()}),
    ("grafana.panels", {"dashboards": ()}),
    ("grafana.variables", {"dashboards": ()}),
    ("prometheus.panels", {"dashboards": ()}),
    ("prometheus.variables", {"dashboards": ()}),
]


@pytest.mark.parametrize(("name", "changes"), NOTHING_EXPECTED)
def test_expecting_nothing_proves_nothing(name: str, changes: dict[str, Any]) -> None:
    with FakeStack().running(**changes) as expected:
        finding = finding_of(BY_NAME[name], expected)
    assert finding.status == "failed"
    assert finding.hint


def test_a_grafana_with_a_leftover_dashboard_is_not_as_expected() -> None:
    fake = FakeStack()
    fake.products["grafana"]["GET /api/search"] = (200, [{"uid": "gates"}, {"uid": "old"}])
    fake.products["grafana"]["GET /api/dashboards/uid/old"] = (200, stored({"uid": "old"}))
    with fake.running() as expected:
        finding = finding_of(BY_NAME["grafana.dashboards"], expected)
    assert finding.status == "failed"
    assert "old is provisioned but in no file" in finding.evidence


def test_a_leftover_data_source_is_told_and_one_made_by_hand_is_not() -> None:
    fake = FakeStack()
    theirs = [source("prometheus", "prometheus"), source("alertmanager", "alertmanager")]
    fake.products["grafana"]["GET /api/datasources"] = (
        200,
        [*theirs, source("mine", "loki", readOnly=False)],
    )
    with fake.running() as expected:
        assert finding_of(BY_NAME["grafana.data_sources"], expected).status == "ok"
    fake.products["grafana"]["GET /api/datasources"] = (200, [*theirs, source("old", "loki")])
    with fake.running() as expected:
        finding = finding_of(BY_NAME["grafana.data_sources"], expected)
    assert (finding.status, finding.final) == ("failed", True)
    assert "old is provisioned but in no file" in finding.evidence
    assert "deleteDatasources" in finding.hint


def test_a_data_source_whose_file_says_editable_is_as_its_file() -> None:
    fake = FakeStack()
    editable = source("prometheus", "prometheus", readOnly=False)
    fake.products["grafana"]["GET /api/datasources"] = (200, [editable])
    wanted = DataSource("prometheus", "Prometheus", "prometheus", "http://prometheus", read_only=False)
    with fake.running(data_sources=(wanted,)) as expected:
        assert finding_of(BY_NAME["grafana.data_sources"], expected).status == "ok"


def test_a_dashboard_that_may_be_changed_in_the_browser_comes_from_its_file_all_the_same() -> None:
    fake = FakeStack()
    answer = stored(BOARD, provisioned=False)
    answer["meta"]["provisionedExternalId"] = "gates.json"
    fake.products["grafana"]["GET /api/dashboards/uid/gates"] = (200, answer)
    with fake.running() as expected:
        assert finding_of(BY_NAME["grafana.dashboards"], expected).status == "ok"


def test_a_dashboard_made_by_hand_does_not_matter() -> None:
    fake = FakeStack()
    fake.products["grafana"]["GET /api/search"] = (200, [{"uid": "gates"}, {"uid": "mine"}])
    fake.products["grafana"]["GET /api/dashboards/uid/mine"] = (
        200,
        stored({"uid": "mine"}, provisioned=False),
    )
    with fake.running() as expected:
        assert finding_of(BY_NAME["grafana.dashboards"], expected).status == "ok"


def test_admin_admin_is_not_tried_where_it_could_lock_the_name() -> None:
    fake = FakeStack()
    tried: list[Asked] = []

    def only_ours(asked: Asked) -> Reply:
        if "authorization" not in asked.headers:
            return REFUSED
        tried.append(asked)
        return 200, {"id": 1}

    fake.products["grafana"]["GET /api/org"] = only_ours
    with fake.running() as expected:
        finding = finding_of(BY_NAME["grafana.default_login"], expected)
    assert finding.status == "ok"
    assert "not tried" in finding.evidence
    assert len(tried) == 1


def test_admin_admin_is_tried_where_our_own_login_is_refused_but_not_again_and_again() -> None:
    fake = FakeStack()
    fake.products["grafana"]["GET /api/org"] = REFUSED
    for probe, status in ((True, "ok"), (False, "failed")):
        with fake.running(probe_default_login=probe) as expected:
            assert finding_of(BY_NAME["grafana.default_login"], expected).status == status


def test_a_wrong_password_is_tried_once_by_all_checks_together() -> None:
    fake = FakeStack()
    tried: list[Asked] = []

    def refuse(asked: Asked) -> Reply:
        tried.append(asked)
        return REFUSED

    for key in fake.products["grafana"]:
        fake.products["grafana"][key] = refuse
    theirs = [
        c for c in CHECKS if c.component == "grafana" and c.name not in ("grafana.ready", "grafana.anonymous")
    ]
    with fake.running(probe_default_login=False) as expected:
        findings = run([replace(c, seconds=0.2) for c in theirs], expected).findings
    assert {f.status for f in findings} == {"failed"}
    assert len(tried) == 1


def test_a_grafana_whose_database_does_not_answer_is_asked_again_and_is_no_wrong_password() -> None:
    fake = FakeStack()
    answers = iter([(401, {"message": "Unauthorized", "traceID": ""})])
    fake.products["grafana"]["GET /api/org"] = lambda asked: next(answers, (200, {"id": 1}))
    with fake.running() as expected:
        assert finding_of(BY_NAME["grafana.login"], expected, seconds=1.0).status == "ok"
    fake.products["grafana"]["GET /api/org"] = (401, {"message": "Unauthorized", "traceID": ""})
    with fake.running() as expected:
        finding = finding_of(BY_NAME["grafana.login"], expected)
    assert (finding.status, finding.final) == ("failed", False)


def test_a_watchdog_that_was_stored_outlives_the_process_that_received_it() -> None:
    fake = FakeStack()
    fake.products["app"]["GET /metrics"] = (200, app_metrics(0, seen=0.0))
    fake.products["app"]["GET /alerts"] = (200, {"alerts": [received("firing", time.time() - 30)]})
    with fake.running() as expected:
        finding = finding_of(BY_NAME["path.watchdog"], expected)
    assert finding.status == "ok"
    assert "received the Watchdog 3" in finding.evidence


def test_a_password_of_admin_is_refused_without_asking() -> None:
    with FakeStack().running(grafana_password="admin") as expected:
        finding = finding_of(BY_NAME["grafana.default_login"], expected)
    assert finding.status == "failed"
    assert "the administrator's password is admin" in finding.evidence


def test_nan_is_data_where_nobody_calls_the_application() -> None:
    fake = FakeStack()
    fake.products["grafana"]["POST /api/ds/query"] = answered(p1_A=frames([None]))
    with fake.running(makes_load=False) as expected:
        assert finding_of(BY_NAME["grafana.panels"], expected).status == "ok"


def test_an_empty_panel_is_a_remark_where_nobody_calls_the_application() -> None:
    fake = FakeStack()
    fake.products["grafana"]["POST /api/ds/query"] = answered(p1_A=frames(), p2_A=frames(), p3_A=frames())
    asked = ("rate(gate_invocations_total[5m])", "node_load1", "1 + gate:invocations:rate5m")
    data = {"type": "prometheus", "uid": "prometheus"}
    panels = [
        {"id": n, "title": f"p{n}", "datasource": data, "targets": [{"refId": "A", "expr": expr}]}
        for n, expr in enumerate(asked, 1)
    ]
    board = Dashboard("gates", json.dumps({**BOARD, "panels": panels}))
    recorded = Rule("g", "gate:invocations:rate5m", "recording", "rate(gate_invocations_total[5m])")
    with fake.running(makes_load=False, dashboards=(board,), rules=(recorded,)) as expected:
        finding = finding_of(BY_NAME["grafana.panels"], expected)
    assert finding.status == "ok"
    assert finding.warnings == (
        "2 panel queries are empty, the application's load being off: gates / p1 / A; gates / p3 / A",
        "1 panel queries are empty, which the application's load does not explain: gates / p2 / A",
    )
    with fake.running() as expected:
        assert "is empty" in finding_of(BY_NAME["grafana.panels"], expected).evidence


def test_a_dashboard_without_queries_is_not_sent_as_an_empty_batch() -> None:
    fake = FakeStack()

    def ask(asked: Asked) -> Reply:
        if json.loads(asked.body)["queries"]:
            return answered()
        return 400, {"messageId": "query.noQueries", "message": "No queries found"}

    fake.products["grafana"]["POST /api/ds/query"] = ask
    words = Dashboard("words", json.dumps({"uid": "words", "panels": [{"id": 1, "type": "text"}]}))
    with fake.running(dashboards=(Dashboard("gates", json.dumps(BOARD)), words)) as expected:
        finding = finding_of(BY_NAME["grafana.panels"], expected)
    assert finding.status == "ok", finding.evidence


def test_a_refused_batch_names_its_dashboard_and_panel() -> None:
    fake = FakeStack()
    fake.products["grafana"]["POST /api/ds/query"] = (404, {"message": "Data source not found"})
    with fake.running() as expected:
        finding = finding_of(BY_NAME["grafana.panels"], expected)
    assert "gates / Rate / A failed: POST" in finding.evidence
    assert "Data source not found" in finding.evidence


def test_two_panels_of_one_number_are_both_asked() -> None:
    fake = FakeStack()
    twice = {**BOARD, "panels": [panel | {"id": 1} for panel in BOARD["panels"]]}
    fake.products["grafana"]["POST /api/ds/query"] = (200, {"results": {"p1_A": frames([1.0])}})
    with fake.running(dashboards=(Dashboard("gates", json.dumps(twice)),)) as expected:
        finding = finding_of(BY_NAME["grafana.panels"], expected)
    assert "gates / Now / A failed: no result came back" in finding.evidence


def test_the_checks_against_prometheus_say_why_grafana_is_not_asked() -> None:
    with FakeStack().running() as expected:
        for name in sorted(WITHOUT_GRAFANA):
            evidence = finding_of(BY_NAME[name], expected).evidence
            assert "asked of Prometheus; Grafana is absent: no image" in evidence


@pytest.mark.parametrize("gone", [(), ("app",), ("grafana",), ("app", "grafana")], ids=str)
def test_a_name_stands_for_one_check_of_a_stack(gone: tuple[str, ...]) -> None:
    present = tuple((c.name, "http://x") for c in COMPONENTS if c.name not in gone)
    expected = Expected(
        "s", present, absent=tuple((name, "off") for name in gone), database="app" not in gone
    )
    names = [check.name for check in CHECKS if check.concerns(expected)]
    assert len(set(names)) == len(names)
    assert {"path.alert", "path.watchdog"} <= set(names), "the alert path is proven in every stack"


def test_what_proves_a_change_is_a_check_of_the_table() -> None:
    asked = {name for c in COMPONENTS if c.publish is not None for name in after_change(c.name)}
    assert asked <= {check.name for check in all_checks()}
    assert after_change("unheard of") == ()


WITHOUT_APP_FAULTS: list[tuple[str, str, Route, str]] = [
    ("path.watchdog", "GET /api/v2/alerts", (200, []), "has not received the Watchdog yet"),
    ("path.watchdog", "GET /api/v2/alerts", (200, [held(1.0)]), "should repeat it each minute"),
    ("path.watchdog", "GET /api/v2/alerts", (503, "starting"), "503"),
]


@pytest.mark.parametrize(("name", "key", "reply", "says"), WITHOUT_APP_FAULTS)
def test_a_fault_is_noticed_without_the_application(name: str, key: str, reply: Route, says: str) -> None:
    fake = FakeStack()
    assert key in fake.products["alertmanager"]
    fake.products["alertmanager"][key] = reply
    with fake.running() as expected:
        finding = finding_of(WITHOUT_APP[name], expected, run_in=fake.run_in)
    assert finding.status == "failed"
    assert says in finding.evidence


@pytest.mark.parametrize(
    ("heard", "says"),
    [
        (("", ""), "did not arrive as firing: the receiver got nothing"),
        (("resolved", "resolved"), "did not arrive as firing"),
        (("firing", ""), "did not arrive as resolved"),
        (("firing", "firing"), "did not arrive as resolved"),
    ],
)
def test_an_alert_that_the_receiver_in_the_container_misses_is_noticed(
    heard: tuple[str, str], says: str
) -> None:
    fake = FakeStack(heard=heard)
    with fake.running() as expected:
        finding = finding_of(WITHOUT_APP["path.alert"], expected, run_in=fake.run_in)
    assert finding.status == "failed"
    assert says in finding.evidence
    assert "stack-test" in finding.hint


def test_the_test_alert_of_another_run_proves_nothing() -> None:
    fake = FakeStack()
    with fake.running() as expected:
        finding_of(WITHOUT_APP["path.alert"], expected, run_in=fake.run_in)
        ((component, argv),) = fake.commands
        replay = fake.run_in(component, argv)
        finding = finding_of(WITHOUT_APP["path.alert"], expected, run_in=lambda c, a: replay)
    assert component == "alertmanager"
    assert finding.status == "failed"


def test_where_the_engine_is_not_at_hand_its_commands_are_left_to_those_who_have_it() -> None:
    with FakeStack().running() as expected:
        alone = replace(expected, addresses=tuple(p for p in expected.addresses if p[0] != "app"))
        report = run([WITHOUT_APP["path.alert"], BY_NAME["prometheus.ready"]], alone)
    assert [f.check for f in report.findings] == ["prometheus.ready"]
