"""The application's image alone, as the stack runs it: read-only, nobody's user, one volume; all of it answers."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from stack.common.wait import NotYet, until
from stack.telemetry.catalogue import GATES, METRICS, SEGMENTS, TOOLS

pytestmark = pytest.mark.e2e
COMMAND = ["--host", "0.0.0.0", "--port", "8000", "--data", "/data"]
ALERT = {
    "version": "4",
    "status": "firing",
    "receiver": "default",
    "alerts": [{"status": "firing", "labels": {"alertname": "FromATest", "severity": "warning"}}],
}


@dataclass(frozen=True)
class App:
    """The running application; its port changes with each start."""

    container: DockerContainer

    @property
    def url(self) -> str:
        """Where it is published now."""
        return f"http://127.0.0.1:{self.container.get_exposed_port(8000)}"

    def get(self, path: str, **params: Any) -> Any:
        """The document of a 200."""
        answer = requests.get(f"{self.url}{path}", params=params, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, document: Any, status: int = 200) -> Any:
        """The document of the answer with this status."""
        answer = requests.post(f"{self.url}{path}", json=document, timeout=10)
        assert answer.status_code == status, answer.text
        return answer.json()

    def upload(self, path: str, content: bytes, status: int = 200) -> Any:
        """The same for an archive."""
        answer = requests.post(f"{self.url}{path}", files={"file": ("a.zip", content)}, timeout=10)
        assert answer.status_code == status, answer.text
        return answer.json()

    def sample(self, name: str, **labels: str) -> float:
        """One sample of its metrics."""
        text = requests.get(f"{self.url}/metrics", timeout=10).text
        samples = [s for family in text_string_to_metric_families(text) for s in family.samples]
        (value,) = [s.value for s in samples if s.name == name and s.labels == labels]
        return value


@pytest.fixture(scope="module")
def app(image_of: Callable[[str], str]) -> Iterator[App]:
    """The application, without load; its image's own volume holds what it stores."""
    testcontainers_config.ryuk_disabled = True
    container = DockerContainer(image_of("app")).with_env("STACK_APP_LOAD", "off").with_command(COMMAND)
    container.ports["8000/tcp"] = ("127.0.0.1",)  # type: ignore[assignment]  # the SDK takes an address too
    closed = container.with_kwargs(
        user="65534:65534",
        read_only=True,
        cap_drop=["ALL"],
        security_opt=["no-new-privileges:true"],
        mounts=[{"Type": "volume", "Target": "/data", "Source": None}],
    ).with_tmpfs_mount("/tmp", "size=64m")
    with closed as running:
        made = App(running)
        until(lambda: healthy(made), seconds=30)
        yield made


def healthy(app: App) -> None:
    try:
        app.get("/health")
    except requests.ConnectionError as error:
        raise NotYet(str(error)) from error


def archive(**files: bytes) -> bytes:
    """A zip file of these files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return out.getvalue()


BOMB = archive(zeros=bytes(5_000_000))
GOOD = archive(one=b"first", two=b"second")


def test_health_has_three_depths(app: App) -> None:
    assert app.get("/health")["status"] == "ok"
    assert set(app.get("/health/gates")["gates"]) == set(GATES)
    assert app.get("/health/detailed")["status"] == "ok"


def test_every_metric_of_the_catalogue_is_exposed(app: App) -> None:
    text = requests.get(f"{app.url}/metrics", timeout=10).text
    exposed = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE ")}
    assert {metric.name for metric in METRICS} <= exposed


@pytest.mark.parametrize(
    ("path", "document", "gate", "code"),
    [
        ("/gates/path", {"path": "reports/./a.txt"}, "filesystem_gate", None),
        ("/gates/path", {"path": "../etc/passwd"}, "filesystem_gate", "E_TRAVERSAL"),
        ("/gates/path", {"path": "A", "siblings": ["a"]}, "filesystem_gate", "E_CASEFOLD_COLLISION"),
        ("/gates/url", {"url": "https://1.1.1.1/a"}, "url_gate", None),
        ("/gates/url", {"url": "ftp://example.com/"}, "url_gate", "E_SCHEME"),
        ("/gates/url", {"url": "http://0x7f000001/"}, "url_gate", "E_PRIVATE_NET"),
        ("/gates/config", {"document": "{}"}, "config_gate", None),
        ("/gates/config", {"document": "a: [b"}, "config_gate", "E_CONFIG_INVALID"),
    ],
)
def test_a_gate_answers_with_its_decision_and_counts_it(
    app: App, path: str, document: dict[str, Any], gate: str, code: str | None
) -> None:
    outcome = "reject" if code else "ok"
    before = app.sample("gate_invocations_total", gate=gate, outcome=outcome)
    decision = app.post(path, document)
    assert set(decision) == {"gate", "outcome", "error_code", "value", "detail", "duration_ms"}
    assert (decision["gate"], decision["outcome"], decision["error_code"]) == (gate, outcome, code)
    assert (decision["value"] is None, decision["detail"] is None) == (bool(code), not code)
    assert app.sample("gate_invocations_total", gate=gate, outcome=outcome) == before + 1


@pytest.mark.parametrize(("content", "codes"), [(GOOD, {None}), (BOMB, {"E_BOMB_RATIO", "E_ENTRY_RATIO"})])
def test_an_archive_is_looked_into(app: App, content: bytes, codes: set[str | None]) -> None:
    decision = app.upload("/gates/archive", content)
    assert decision["gate"] == "extraction_gate"
    assert decision["error_code"] in codes


def test_the_tools_are_listed(app: App) -> None:
    assert {tool["tool_id"] for tool in app.get("/tools")["tools"]} <= set(TOOLS)


@pytest.mark.parametrize(
    ("call", "status", "label"),
    [
        ({"tool_id": "hash", "arguments": {"data": "abc"}}, "success", "hash"),
        ({"tool_id": "hash", "arguments": {}}, "failure", "hash"),
        ({"tool_id": "wait", "arguments": {"seconds": 5}, "timeout_ms": 50}, "timeout", "wait"),
        ({"tool_id": "no-such-tool"}, "failure", "unknown"),
    ],
)
def test_a_tool_call_is_answered_counted_and_audited(
    app: App, call: dict[str, Any], status: str, label: str
) -> None:
    before = app.sample("l9_tool_invocation_total", tool_id=label, status=status)
    answer = app.post("/tools/execute", {**call, "agent_id": "tester"})
    assert answer["status"] == status
    assert app.sample("l9_tool_invocation_total", tool_id=label, status=status) == before + 1
    until(lambda: audited(app, answer["call_id"]), seconds=10)


def audited(app: App, call_id: str) -> None:
    found = app.get("/memory/tool_audit/search", limit=200)["packets"]
    packets = [p for p in found if p["payload"].get("call_id") == call_id]
    if not packets:
        raise NotYet(f"no audit packet of call {call_id}")
    (packet,) = packets
    assert packet["packet_type"] == "tool_audit" and packet["confidence"] == 1.0
    assert packet["expires_at"] - packet["created_at"] == pytest.approx(24 * 3600)


@pytest.mark.parametrize("segment", SEGMENTS)
def test_what_is_remembered_is_found(app: App, segment: str) -> None:
    packet = app.post(f"/memory/{segment}", {"payload": {"text": "a heliotrope sentence"}}, status=201)
    found = app.get(f"/memory/{segment}/search", query="heliotrope")
    assert [p["packet_id"] for p in found["packets"]] == [packet["packet_id"]]


def test_an_unknown_segment_is_a_problem(app: App) -> None:
    answer = requests.post(f"{app.url}/memory/nowhere", json={"payload": {}}, timeout=10)
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_an_archive_goes_through_all_gates_into_the_store(app: App) -> None:
    before = {gate: app.sample("gate_invocations_total", gate=gate, outcome="ok") for gate in GATES}
    answer = app.upload("/ingest", GOOD, status=201)
    assert [entry["path"] for entry in answer["entries"]] == ["one", "two"]
    passed = {g for g in GATES if app.sample("gate_invocations_total", gate=g, outcome="ok") > before[g]}
    assert passed == set(GATES)


def test_a_bomb_is_not_ingested(app: App) -> None:
    problem = app.upload("/ingest", BOMB, status=422)
    assert problem["error_code"] in ("E_BOMB_RATIO", "E_ENTRY_RATIO")


def test_an_alert_arrives_and_is_shown(app: App) -> None:
    before = app.sample("alert_notifications_received_total", status="firing")
    assert app.post("/alerts", ALERT) == {"received": 1}
    (alert,) = app.get("/alerts", alertname="FromATest")["alerts"]
    assert alert["status"] == "firing"
    assert app.sample("alert_notifications_received_total", status="firing") == before + 1


def test_a_search_is_counted_and_without_load_nobody_else_searches(app: App) -> None:
    labels = {"segment": "project_history", "search_type": "keyword"}
    before = app.sample("l9_memory_search_total", **labels)
    app.get("/memory/project_history/search", query="nothing")
    assert app.sample("l9_memory_search_total", **labels) == before + 1


def test_what_it_holds_survives_a_restart(app: App) -> None:
    packet = app.post("/memory/session_context", {"payload": {"text": "a perennial sentence"}}, status=201)
    wrapped = app.container.get_wrapped_container()
    wrapped.stop(timeout=10)
    assert wrapped.wait()["StatusCode"] == 0
    wrapped.start()
    until(lambda: healthy(app), seconds=30)
    found = app.get("/memory/session_context/search", query="perennial")
    assert [p["packet_id"] for p in found["packets"]] == [packet["packet_id"]]
