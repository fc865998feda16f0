"""No kind of work waits behind another, and what is limited stays limited when nobody waits for it any more."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from stack.app.assembly import open_context
from stack.app.cancel import CURRENT, Cancel, Cancelled
from stack.app.context import AppContext
from stack.app.gates import lookup
from stack.app.gates.extraction import Extraction, inspect
from stack.app.gates.policy import DEFAULT_POLICY
from stack.app.gates.types import Accepted
from stack.app.http.app import create_app
from stack.app.http.routes import metrics
from stack.app.settings import AppSettings
from stack.telemetry.exposition import content_type, expose
from tests.unit.app.http.test_http_routes import zipped

PATIENCE = 30
ARCHIVE = zipped({"a.txt": b"hello"})


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.005)


@pytest.fixture
def context(tmp_path: Path) -> AppContext:
    return open_context(AppSettings(data=tmp_path, request_timeout=PATIENCE))


@pytest.fixture
def client(context: AppContext) -> Iterator[TestClient]:
    with TestClient(create_app(context)) as client:
        yield client


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A name server that never answers, and for which everybody waits."""
    monkeypatch.setattr(lookup, "SECONDS", PATIENCE)
    monkeypatch.setattr(lookup, "_FIRST_TRY_SECONDS", PATIENCE)
    monkeypatch.setattr(lookup, "_TRIES", 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{server.getsockname()[1]}"
        monkeypatch.setattr(lookup, "LOOKUPS", lookup.Lookups([address]))
        yield server


def given_up(server: socket.socket, waiting: list[Future[Any]]) -> bool:
    """What was asked so far is answered, the server has failed; whether nobody waits any more."""
    server.setblocking(False)
    with suppress(BlockingIOError):
        while True:
            query, client = server.recvfrom(2048)
            server.sendto(query[:2] + b"\x81\x82" + query[4:], client)
    return all(each.done() for each in waiting)


def asked(client: TestClient, url: str) -> dict[str, Any]:
    answer = client.post("/gates/url", json={"url": url})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_silent_name_server_holds_up_nobody_but_who_asks_it(
    client: TestClient, silent: socket.socket
) -> None:
    with ThreadPoolExecutor(100) as pool:
        waiting = [pool.submit(asked, client, f"http://n{number}.example.com/") for number in range(100)]
        until(lambda: lookup.LOOKUPS._under_way == 100)
        for path in ("/metrics", "/alerts", "/health", "/health/gates", "/health/detailed"):
            assert client.get(path).status_code == 200
        assert client.post("/gates/path", json={"path": "a"}).json()["outcome"] == "ok"
        assert asked(client, "http://93.184.215.14/")["outcome"] == "ok"
        assert not any(each.done() for each in waiting)
        until(lambda: given_up(silent, waiting))
        assert {each.result(PATIENCE)["error_code"] for each in waiting} == {"E_DNS_FAIL"}


def test_alerts_are_shown_while_all_turns_for_other_large_answers_are_taken(tmp_path: Path) -> None:
    """By ingests at work, or by clients that do not read what they have asked for."""
    app = create_app(open_context(AppSettings(data=tmp_path, request_timeout=0.3)))
    app.state.answers = asyncio.Semaphore(0)
    with TestClient(app) as client:
        assert client.get("/alerts").status_code == 200
        assert client.get("/memory/tool_audit/search").status_code == 503


def test_more_look_ups_than_there_is_room_for_say_nothing_about_the_name(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "LOOKUPS", lookup.Lookups(["127.0.0.1:9"], at_once=0))
    answer = client.post("/gates/url", json={"url": "http://good.example.com/"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


def test_a_resolver_of_its_own_may_hang_as_long_as_it_likes(client: TestClient, context: AppContext) -> None:
    begun, end = threading.Event(), threading.Event()

    def hang(host: str) -> list[str]:
        if host.startswith("good"):
            return ["93.184.215.14"]
        begun.set()
        end.wait(PATIENCE)
        return []

    context.gates = context.gates.with_resolver(hang)
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(asked, client, f"http://n{number}.example.com/") for number in range(8)]
        assert begun.wait(PATIENCE)
        assert asked(client, "http://good.example.com/")["outcome"] == "ok"
        assert client.get("/metrics").status_code == 200
        end.set()
        assert [each.result(PATIENCE)["outcome"] for each in waiting] == ["reject"] * 8


class Inspecting:
    """Inspections that last until they are let go, and how many there are at most."""

    def __init__(self) -> None:
        self.end = threading.Event()
        self.now = self.most = 0
        self._lock = threading.Lock()

    def __call__(self, archive: Path) -> Accepted[Extraction]:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        self.end.wait(PATIENCE)
        with self._lock:
            self.now -= 1
        return Accepted("extraction_gate", Extraction((), 0))


def test_the_limit_of_archives_holds_for_requests_that_were_given_up_and_for_tools(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inspecting = Inspecting()
    context = open_context(AppSettings(data=tmp_path, request_timeout=3.0))
    monkeypatch.setattr(type(context.gates), "inspect", lambda _, archive: inspecting(archive))
    upload = {"file": ("a.zip", ARCHIVE)}
    arguments = {"data": base64.b64encode(ARCHIVE).decode()}
    # Long before its request is given up, so that the tool's own answer is heard on the slowest machine.
    call = {"tool_id": "archive-inspect", "arguments": arguments, "timeout_ms": 500}
    with TestClient(create_app(context)) as client, ThreadPoolExecutor(10) as pool:
        for begun in range(2):
            # A machine so slow that one is given up before it has begun gets another.
            while inspecting.now == begun:
                first = pool.submit(client.post, "/gates/archive", files=upload)
                until(lambda begun=begun, first=first: inspecting.now > begun or first.done())  # type: ignore[misc]
        asks = [pool.submit(client.post, "/gates/archive", files=upload) for _ in range(4)]
        asks += [pool.submit(client.post, "/tools/execute", json=call) for _ in range(4)]
        assert [each.result(PATIENCE).status_code for each in asks] == [503] * 4 + [200] * 4
        assert {each.result().json()["status"] for each in asks[4:]} == {"timeout"}
        assert (inspecting.now, inspecting.most) == (2, 2)
        inspecting.end.set()
        until(lambda: not inspecting.now)
        assert client.post("/gates/archive", files=upload).json()["outcome"] == "ok"
        assert inspecting.most == 2


def test_an_inspection_that_nobody_waits_for_stops(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    archive.write_bytes(zipped({"a.txt": bytes(1_000_000)}))
    cancel = Cancel()
    token = CURRENT.set(cancel)
    try:
        assert inspect(archive, DEFAULT_POLICY.archive, DEFAULT_POLICY.path).value.total_bytes == 1_000_000
        cancel.request()
        with pytest.raises(Cancelled):
            inspect(archive, DEFAULT_POLICY.archive, DEFAULT_POLICY.path)
    finally:
        CURRENT.reset(token)


def test_a_tool_is_answered_before_its_request_is_out_of_time(tmp_path: Path) -> None:
    context = open_context(AppSettings(data=tmp_path, request_timeout=3.0))
    with TestClient(create_app(context)) as client:
        call = {"tool_id": "wait", "arguments": {"seconds": 30}, "timeout_ms": 60_000}
        answer = client.post("/tools/execute", json=call)
        assert (answer.status_code, answer.json()["status"]) == (200, "timeout")


def test_scrapes_at_once_share_what_is_made(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    begun, end = threading.Event(), threading.Event()

    def slow(accept: str = "", registry: Any = None) -> Any:
        if registry is None:
            made.append(accept)
            begun.set()
            end.wait(PATIENCE)
        return expose(accept, registry)

    asked: list[str] = []

    def noted(accept: str) -> str:
        asked.append(accept)
        return content_type(accept)

    monkeypatch.setattr(metrics, "expose", slow)
    monkeypatch.setattr(metrics, "content_type", noted)
    with ThreadPoolExecutor(20) as pool:
        first = pool.submit(client.get, "/metrics")
        assert begun.wait(PATIENCE)
        others = [pool.submit(client.get, "/metrics", headers={"Accept": f"x/{n}"}) for n in range(19)]
        until(lambda: len(asked) == 20)
        end.set()
        assert {each.result(PATIENCE).status_code for each in (first, *others)} == {200}
    assert len(made) <= 3  # the first, one for the others, and one for who was just too late for that


def test_the_store_that_hangs_is_told_of_in_the_health_of_all(
    client: TestClient, context: AppContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = threading.Event()
    monkeypatch.setattr(context.store, "probe", lambda: end.wait(PATIENCE))
    try:
        found = client.get("/health/detailed").json()
    finally:
        end.set()
    assert found["status"] == "degraded"
    assert "no answer within" in found["parts"]["packet_store"]["detail"]


def test_a_body_of_too_many_values_is_refused_before_anything_is_made_of_it(client: TestClient) -> None:
    body = b'{"tool_id": "hash", "arguments": {"data": [' + b"[]," * 300_000 + b"[]]}}"
    answer = client.post("/tools/execute", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert "values" in json.loads(answer.content)["detail"]
