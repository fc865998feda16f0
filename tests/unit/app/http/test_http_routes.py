"""The addresses, over everything that is behind them for real: gates, stores, tools, in one folder."""

from __future__ import annotations

import errno
import io
import json
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from stack.app.alerts import AlertIn
from stack.app.assembly import open_context
from stack.app.context import AppContext
from stack.app.faults import FAULTS
from stack.app.http.app import create_app
from stack.app.http.problems import MEDIA_TYPE
from stack.app.settings import AppSettings
from stack.telemetry.catalogue import GATES, SEGMENTS, TOOLS


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> AppContext:
    return open_context(AppSettings(data=tmp_path_factory.mktemp("data"), faults=True))


@pytest.fixture(scope="module")
def client(context: AppContext) -> Iterator[TestClient]:
    with TestClient(create_app(context)) as client:
        yield client


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def problem(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == MEDIA_TYPE
    found: dict[str, Any] = answer.json()
    return found


def decided(answer: Any) -> tuple[str, str, str | None, Any]:
    assert answer.status_code == 200, answer.text
    decision = answer.json()
    assert set(decision) == {"gate", "outcome", "error_code", "value", "detail", "duration_ms"}
    return decision["gate"], decision["outcome"], decision["error_code"], decision["value"]


def sample(client: TestClient, name: str, **labels: str) -> float:
    families = text_string_to_metric_families(client.get("/metrics").text)
    (value,) = [
        s.value for family in families for s in family.samples if s.name == name and s.labels == labels
    ]
    return float(value)


def test_health_needs_nothing_and_says_ok(client: TestClient) -> None:
    assert client.get("/health").json()["status"] == "ok"


def test_the_gates_report_each_of_them(client: TestClient) -> None:
    found = client.get("/health/gates").json()
    assert set(found["gates"]) == set(GATES)


def test_the_parts_report_a_real_probe(client: TestClient) -> None:
    found = client.get("/health/detailed").json()
    assert found["parts"]["packet_store"]["status"] == "ok"
    assert found["parts"]["packet_store"]["probe_ms"] > 0
    assert {"audit", "ingest", "load", "faults", "telemetry"} <= set(found["parts"])


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        (
            "/gates/url",
            {"url": "https://93.184.215.14:443/a#b"},
            ("url_gate", "ok", None, "https://93.184.215.14/a"),
        ),
        ("/gates/url", {"url": "file:///etc/passwd"}, ("url_gate", "reject", "E_SCHEME", None)),
        (
            "/gates/url",
            {"url": "http://example.com/" + "a" * 9000},
            ("url_gate", "reject", "E_HOST_DENY", None),
        ),
        ("/gates/url", {"url": "http://a\ud800.example/"}, ("url_gate", "reject", "E_HOST_DENY", None)),
        ("/gates/path", {"path": "a\udc80"}, ("filesystem_gate", "reject", "E_PORTABILITY", None)),
        ("/gates/path", {"path": "a", "siblings": ["\ud800"]}, ("filesystem_gate", "ok", None, "a")),
        ("/gates/config", {"document": "\ud800"}, ("config_gate", "reject", "E_CONFIG_INVALID", None)),
        ("/gates/path", {"path": "a" * 70_000}, ("filesystem_gate", "reject", "E_PATH_LEN", None)),
        ("/gates/path", {"path": "a/./b.txt"}, ("filesystem_gate", "ok", None, "a/b.txt")),
        ("/gates/path", {"path": "../b.txt"}, ("filesystem_gate", "reject", "E_TRAVERSAL", None)),
        (
            "/gates/path",
            {"path": "A.txt", "siblings": ["a.txt"]},
            ("filesystem_gate", "reject", "E_CASEFOLD_COLLISION", None),
        ),
        ("/gates/config", {"document": "url: 5"}, ("config_gate", "reject", "E_CONFIG_INVALID", None)),
    ],
)
def test_a_gate_answers_with_its_decision(
    client: TestClient, path: str, body: dict[str, Any], expected: tuple[str, str, str | None, Any]
) -> None:
    gate, outcome, code, value = expected
    before = sample(client, "gate_invocations_total", gate=gate, outcome=outcome)
    sent = json.dumps(body)  # escapes lone surrogates, which httpx's own encoder cannot send
    answer = client.post(path, content=sent, headers={"content-type": "application/json"})
    assert decided(answer) == (gate, outcome, code, value)
    assert sample(client, "gate_invocations_total", gate=gate, outcome=outcome) == before + 1


def test_a_rejection_has_a_hint_and_shows_the_value_escaped(client: TestClient) -> None:
    found = client.post("/gates/path", json={"path": "a\u202e\x1b.txt"}).json()
    assert found["outcome"] == "reject"
    assert "\x1b" not in found["detail"]


def test_a_valid_policy_comes_back_whole(client: TestClient) -> None:
    *_, value = decided(client.post("/gates/config", json={"document": "url:\n  allowed_ports: [443]\n"}))
    assert value["url"]["allowed_ports"] == [443]
    assert value["archive"]["max_entries"] == 10_000


def test_an_archive_is_inspected_and_nothing_is_kept(client: TestClient, context: AppContext) -> None:
    upload = {"file": ("a.zip", zipped({"docs/a.txt": b"hello"}))}
    gate, outcome, _, value = decided(client.post("/gates/archive", files=upload))
    assert (gate, outcome) == ("extraction_gate", "ok")
    assert value == {"entries": [{"path": "docs/a.txt", "size": 5}], "total_bytes": 5}
    assert list(context.scratch.iterdir()) == []


def test_a_hostile_member_name_is_the_filesystem_gates_rejection(client: TestClient) -> None:
    upload = {"file": ("a.zip", zipped({"../../x": b"hello"}))}
    gate, outcome, code, _ = decided(client.post("/gates/archive", files=upload))
    assert (gate, outcome, code) == ("filesystem_gate", "reject", "E_TRAVERSAL")


def test_ingest_keeps_an_archive_and_finds_it_again(client: TestClient) -> None:
    answer = client.post("/ingest", files={"file": ("a.zip", zipped({"a.txt": b"alpha", "b.txt": b"beta"}))})
    assert answer.status_code == 201, answer.text
    done = answer.json()
    assert [entry["path"] for entry in done["entries"]] == ["a.txt", "b.txt"]
    found = client.get("/memory/project_history/search", params={"query": done["ingest_id"]}).json()
    assert [packet["packet_id"] for packet in found["packets"]] == [done["ingest_id"]]


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/gates/archive", "stack.app.http.uploads.NamedTemporaryFile"),
        ("/ingest", "stack.app.http.uploads.NamedTemporaryFile"),
        ("/ingest", "shutil.copyfileobj"),
    ],
)
def test_a_full_disk_is_told_as_such(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, path: str, place: str
) -> None:
    def full(*_: object, **options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(place, full)
    answer = client.post(path, files={"file": ("a.zip", zipped({"a.txt": b"alpha"}))})
    assert "No space left on device" in problem(answer, 507)["detail"]


def test_an_ingest_can_be_asked_for_again(client: TestClient) -> None:
    def ask(content: bytes, key: str) -> Any:
        return client.post("/ingest", files={"file": ("a.zip", content)}, headers={"Idempotency-Key": key})

    archive = zipped({"again.txt": b"once"})  # made once: it holds the time of day
    first = ask(archive, "key-1")
    assert first.status_code == 201
    assert ask(archive, "key-1").json() == first.json()
    problem(ask(zipped({"other.txt": b"x"}), "key-1"), 422)
    assert ask(archive, "key-2").json()["ingest_id"] != first.json()["ingest_id"]


def test_an_answer_has_the_entries_that_fit_and_tells_of_the_others(client: TestClient) -> None:
    content = zipped({f"{'folder' * 30}/{number}.txt": b"" for number in range(3000)})
    for path in ("/gates/archive", "/ingest"):
        answer = client.post(path, files={"file": ("a.zip", content)})
        assert len(answer.content) < 600_000
        found = answer.json().get("value", answer.json())
        assert len(found["entries"]) + found["entries_left_out"] == 3000
        assert found["entries_left_out"]


def test_a_page_of_packets_has_as_many_as_fit(client: TestClient) -> None:
    for _ in range(8):
        assert (
            client.post("/memory/session_context", json={"payload": {"t": "x" * 60_000}}).status_code == 201
        )
    answer = client.get("/memory/session_context/search?limit=200")
    assert len(answer.json()["packets"]) == 4
    assert len(answer.content) < 300_000


def test_a_notification_of_too_many_alerts_is_taken_in_part(client: TestClient) -> None:
    body = webhook("firing") | {"alerts": [{"status": "firing", "labels": {}}] * 2500}
    assert client.post("/alerts", json=body).json() == {"received": 2000, "left_out": 500}


def test_ingest_says_which_gate_refused(client: TestClient) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo("pipe")
        member.type = tarfile.FIFOTYPE
        archive.addfile(member)
    found = problem(client.post("/ingest", files={"file": ("a.tar", buffer.getvalue())}), 422)
    assert (found["gate"], found["error_code"]) == ("extraction_gate", "E_SPECIAL_TYPE")
    upload = {"file": ("a.zip", zipped({"a": b"a"}))}
    found = problem(client.post("/ingest", files=upload, data={"source_url": "http://10.0.0.1/"}), 422)
    assert found["error_code"] == "E_PRIVATE_NET"


def test_the_tools_are_listed(client: TestClient) -> None:
    assert {tool["tool_id"] for tool in client.get("/tools").json()["tools"]} == set(TOOLS)


def test_a_tool_runs_and_is_measured(client: TestClient, context: AppContext) -> None:
    before = sample(client, "l9_tool_invocation_total", tool_id="hash", status="success")
    call = {"tool_id": "hash", "arguments": {"data": "abc"}, "agent_id": "a1", "task_id": "t1"}
    done = client.post("/tools/execute", json=call).json()
    assert (done["tool_id"], done["status"], done["error"]) == ("hash", "success", None)
    assert sample(client, "l9_tool_invocation_total", tool_id="hash", status="success") == before + 1
    assert context.audit.flush(10)
    found = client.get("/memory/tool_audit/search", params={"query": done["call_id"]}).json()["packets"]
    assert [packet["payload"]["agent_id"] for packet in found] == ["a1"]


def test_a_call_that_cannot_be_done_is_an_answer_too(client: TestClient) -> None:
    late = client.post(
        "/tools/execute", json={"tool_id": "wait", "arguments": {"seconds": 5}, "timeout_ms": 20}
    ).json()
    assert (late["status"], bool(late["error"])) == ("timeout", True)
    strange = client.post("/tools/execute", json={"tool_id": "rm -rf"}).json()
    assert strange["status"] != "success"
    assert "rm -rf" not in client.get("/metrics").text


def test_memory_is_written_and_found_by_word_or_as_newest(client: TestClient) -> None:
    body = {"packet_type": "note", "payload": {"text": "zebra crossing"}, "tags": ["t1"], "ttl_seconds": 60}
    answer = client.post("/memory/session_context", json=body)
    assert answer.status_code == 201, answer.text
    written = answer.json()
    by_word = client.get("/memory/session_context/search?query=zebra").json()
    newest = client.get("/memory/session_context/search?limit=1").json()
    assert by_word["packets"][0] == newest["packets"][0] == written
    assert (by_word["search_type"], newest["search_type"]) == ("keyword", "recent")
    assert newest["latest"] == written["packet_id"]


def test_a_stale_read_is_a_conflict(client: TestClient) -> None:
    latest = client.get("/memory/governance_meta/search").json()["latest"]
    body = {"payload": {"n": 1}, "expected_latest": latest}
    assert client.post("/memory/governance_meta", json=body).status_code == 201
    found = problem(client.post("/memory/governance_meta", json=body), 409)
    assert (found["gate"], found["error_code"]) == ("db_boundary_gate", "E_LATEST_MISMATCH")


def test_a_payload_that_is_too_large_for_a_packet_is_refused(client: TestClient) -> None:
    problem(client.post("/memory/session_context", json={"payload": {"text": "x" * 70_000}}), 422)


def webhook(status: str, **labels: str) -> dict[str, Any]:
    alert = {
        "status": status,
        "labels": {"alertname": "Proof", **labels},
        "annotations": {"summary": "s"},
        "startsAt": "2026-01-01T00:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus:9090/graph",
        "fingerprint": "abc",
    }
    return {
        "version": "4",
        "groupKey": "{}",
        "truncatedAlerts": 0,
        "status": status,
        "receiver": "app",
        "alerts": [alert],
    }


def test_a_notification_is_counted_stored_and_found_by_label(client: TestClient, context: AppContext) -> None:
    before = sample(client, "alert_notifications_received_total", status="firing")
    assert client.post("/alerts", json=webhook("firing", proof_id="p1")).json() == {"received": 1}
    assert client.post("/alerts", json=webhook("resolved", proof_id="p1")).json() == {"received": 1}
    client.post("/alerts", json=webhook("firing", proof_id="p2"))
    assert sample(client, "alert_notifications_received_total", status="firing") == before + 2
    found = client.get("/alerts?label=proof_id=p1").json()["alerts"]
    assert [alert["status"] for alert in found] == ["resolved", "firing"]
    assert found[0]["receivedAt"] > "2026"
    assert found[0]["fingerprint"] == "abc"
    assert (
        client.get("/alerts?label=proof_id=p1&status=firing&alertname=Proof&limit=1").json()["alerts"]
        == found[1:]
    )
    assert client.get("/alerts?label=proof_id=p1&label=alertname=Other").json()["alerts"] == []
    assert context.notices.flush(10)
    stored = client.get("/memory/governance_meta/search?query=p1").json()["packets"]
    assert [packet["packet_type"] for packet in stored] == ["alert", "alert"]


GRAFANA = {
    "receiver": "demo",
    "status": "firing",
    "orgId": 1,
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "DiskFull", "grafana_folder": "host"},
            "annotations": {"summary": "disk is nearly full"},
            "startsAt": "2026-01-02T03:04:05.157076+02:00",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://grafana:3000/alerting/grafana/a1/view?orgId=1",
            "fingerprint": "c6eadffa33fcdf37",
            "silenceURL": "http://grafana:3000/alerting/silence/new?alertmanager=grafana",
            "dashboardURL": "",
            "panelURL": "",
            "values": {"B": 44.25, "C": 1},
            "valueString": "[ var='B' labels={} value=44.25 ]",
        },
        {"status": "resolved", "labels": {"alertname": "Other"}, "annotations": {}, "values": None},
    ],
    "groupLabels": {"alertname": "DiskFull"},
    "commonLabels": {},
    "commonAnnotations": {},
    "externalURL": "http://grafana:3000/",
    "appVersion": "12.3.0",
    "version": "1",
    "groupKey": "{}:{}",
    "truncatedAlerts": 0,
    "title": "[FIRING:1] DiskFull",
    "state": "alerting",
    "message": "**Firing**",
}
"""A notification in the shape that Grafana's alerting documents for its webhook."""


def test_a_notification_of_grafana_is_taken_as_well(client: TestClient) -> None:
    assert client.post("/alerts", json=GRAFANA).json() == {"received": 2}
    (found,) = client.get("/alerts?alertname=DiskFull").json()["alerts"]
    assert (found["status"], found["labels"]["grafana_folder"]) == ("firing", "host")
    assert found["startsAt"] == "2026-01-02T03:04:05.157076+02:00"
    assert client.post("/alerts", json=GRAFANA | {"version": "2"}).status_code == 422


def test_the_watchdog_is_timed(client: TestClient) -> None:
    client.post(
        "/alerts",
        json=webhook("firing") | {"alerts": [{"status": "firing", "labels": {"alertname": "Watchdog"}}]},
    )
    assert sample(client, "alert_watchdog_last_seen_timestamp_seconds") > 1.6e9


def test_requests_are_counted_by_template(client: TestClient) -> None:
    labels = {"method": "GET", "route": "/memory/{segment}/search", "status": "200"}
    client.get("/memory/session_context/search")
    before = sample(client, "http_requests_total", **labels)
    client.get("/memory/tool_audit/search")
    assert sample(client, "http_requests_total", **labels) == before + 1


def test_metrics_speak_text_or_openmetrics(client: TestClient) -> None:
    assert client.get("/metrics").headers["content-type"].startswith("text/plain")
    asked = client.get(
        "/metrics", headers={"Accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"}
    )
    assert asked.headers["content-type"].startswith("application/openmetrics-text")
    assert asked.text.endswith("# EOF\n")


def test_an_exemplar_leads_to_the_request(client: TestClient) -> None:
    client.post("/gates/path", json={"path": "../x"}, headers={"X-Request-ID": "seek-me-1"})
    text = client.get("/metrics", headers={"Accept": "application/openmetrics-text"}).text
    assert 'request_id="seek-me-1"' in text


@pytest.mark.parametrize(
    ("method", "path", "options", "status"),
    [
        ("GET", "/nowhere", {}, 404),
        ("DELETE", "/alerts", {}, 405),
        ("POST", "/gates/url", {"content": b"{"}, 422),
        ("POST", "/gates/url", {"json": {"url": 5}}, 422),
        ("POST", "/gates/url", {"json": {"url": "x", "more": 1}}, 422),
        ("POST", "/gates/url", {"content": b"x" * (2 << 20)}, 413),
        (
            "POST",
            "/gates/url",
            {"content": b"[" * 100_000, "headers": {"Content-Type": "application/json"}},
            400,
        ),
        (
            "POST",
            "/gates/archive",
            {"content": b"x", "headers": {"Content-Type": "multipart/form-data"}},
            400,
        ),
        ("POST", "/memory/elsewhere", {"json": {"payload": {}}}, 422),
        ("POST", "/faults/earthquake", {"json": {"state": "on"}}, 404),
        ("GET", "/alerts?label=nonsense", {}, 422),
    ],
)
def test_every_error_is_a_problem(
    client: TestClient, method: str, path: str, options: dict[str, Any], status: int
) -> None:
    found = problem(client.request(method, path, **options), status)
    assert found["status"] == status
    assert found["request_id"]


def test_a_wrong_method_is_told_the_right_ones(client: TestClient) -> None:
    assert client.delete("/alerts").headers["allow"] == "GET, POST"


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_every_fault_goes_on_and_off(client: TestClient, fault: str) -> None:
    on = client.post(f"/faults/{fault}", json={"state": "on", "seconds": 60}).json()
    assert on["state"] == "on"
    assert 0 < on["seconds_left"] <= 60
    assert fault in client.get("/health/detailed").json()["parts"]["faults"]["active"]
    assert client.post(f"/faults/{fault}", json={"state": "off"}).json()["state"] == "off"


@pytest.mark.parametrize(
    ("fault", "path", "body", "status", "code"),
    [
        ("storage-put", "/ingest", None, 422, "E_STORAGE_PUT"),
        ("storage-move", "/ingest", None, 422, "E_STORAGE_MOVE"),
        ("storage-marker", "/ingest", None, 422, "E_STORAGE_MARKER"),
        ("no-transaction", "/memory/session_context", {"payload": {}}, 409, "E_DB_TX"),
        ("old-migration", "/memory/session_context", {"payload": {}}, 409, "E_DB_MIGRATION"),
        ("substrate-down", "/memory/session_context", {"payload": {}}, 503, None),
    ],
)
def test_a_fault_shows_in_the_answer(
    client: TestClient, fault: str, path: str, body: dict[str, Any] | None, status: int, code: str | None
) -> None:
    client.post(f"/faults/{fault}", json={"state": "on"})
    try:
        upload = None if body is not None else {"file": ("a.zip", zipped({"new.txt": fault.encode()}))}
        found = problem(client.post(path, json=body, files=upload), status)
        assert found.get("error_code") == code
    finally:
        client.post(f"/faults/{fault}", json={"state": "off"})


def test_a_slow_gate_is_slow_and_a_rejecting_one_rejects(client: TestClient) -> None:
    for fault in ("slow-gate", "reject-all"):
        client.post(f"/faults/{fault}", json={"state": "on"})
    found = client.post("/gates/path", json={"path": "a.txt"}).json()
    for fault in ("slow-gate", "reject-all"):
        client.post(f"/faults/{fault}", json={"state": "off"})
    assert (found["outcome"], found["error_code"]) == ("reject", "E_PORTABILITY")
    assert found["duration_ms"] >= 25
    assert client.post("/gates/path", json={"path": "a.txt"}).json()["outcome"] == "ok"


def test_tools_and_alerts_work_while_the_store_is_down(client: TestClient, context: AppContext) -> None:
    client.post("/faults/substrate-down", json={"state": "on"})
    try:
        call_id = client.post("/tools/execute", json={"tool_id": "hash", "arguments": {"data": "x"}}).json()[
            "call_id"
        ]
        assert client.post("/alerts", json=webhook("firing", proof_id="down")).status_code == 200
        assert client.get("/alerts?label=proof_id=down").json()["alerts"]
        assert client.get("/health").status_code == 200
        assert client.get("/health/detailed").json()["status"] == "degraded"
    finally:
        client.post("/faults/substrate-down", json={"state": "off"})
    assert context.audit.flush(10)
    found = client.get("/memory/tool_audit/search", params={"query": call_id}).json()["packets"]
    assert len(found) == 1


def test_without_the_setting_there_are_no_faults(tmp_path: Path) -> None:
    with TestClient(create_app(open_context(AppSettings(data=tmp_path)))) as client:
        problem(client.get("/faults"), 404)
        problem(client.post("/faults/quiet", json={"state": "on"}), 404)


def test_with_a_token_only_health_is_open(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("t0ken\n")
    settings = AppSettings(data=tmp_path / "data", token_file=file)
    with TestClient(create_app(open_context(settings))) as client:
        assert client.get("/health").status_code == 200
        for path in ("/metrics", "/docs", "/openapi.json", "/health/detailed", "/nowhere"):
            problem(client.get(path), 401)
            assert client.get(path, headers={"Authorization": "Bearer t0ken"}).status_code in (200, 404)


def test_alerts_survive_a_restart(tmp_path: Path) -> None:
    for expected in (0, 1):
        context = open_context(AppSettings(data=tmp_path))
        context.alerts.remember(context.store.search("governance_meta", "alert", 100))
        assert len(context.alerts.newest(10)) == expected
        context.notices.start()
        if not expected:
            context.alerts.receive([AlertIn(**each) for each in webhook("firing")["alerts"]])
        context.audit.close()
        context.notices.close()
        context.store.close()


@pytest.mark.parametrize("segment", SEGMENTS)
def test_every_segment_can_be_searched(client: TestClient, segment: str) -> None:
    assert client.get(f"/memory/{segment}/search?query=nothing-like-it").json()["packets"] == []
