"""Hostile requests to the real routes: each is refused as documented, and leaves nothing that breaks a later one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from stack.app.assembly import open_context
from stack.app.context import AppContext
from stack.app.http import bodies
from stack.app.http.app import create_app
from stack.app.http.wiring import STORE_CALLS_AT_ONCE
from stack.app.memory.answers import Written
from stack.app.memory.packet import Packet
from stack.app.settings import AppSettings

JSON = {"Content-Type": "application/json"}
PATIENCE = 30


@pytest.fixture
def context(tmp_path: Path) -> AppContext:
    return open_context(AppSettings(data=tmp_path))


@pytest.fixture
def client(context: AppContext) -> Iterator[TestClient]:
    with TestClient(create_app(context), follow_redirects=False) as client:
        yield client


def until(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.005)


def status(client: TestClient, path: str, body: str) -> int:
    return int(client.post(path, content=body, headers=JSON).status_code)


@pytest.mark.parametrize(
    "payload",
    [
        r'{"a": "\ud800"}',
        r'{"\udfff": 1}',
        r'{"a": [{"b": "x\ud83d"}]}',
        '{"a": ' + "[" * 300 + "]" * 300 + "}",
        '{"a": ' * 800 + "1" + "}" * 800,
        '{"a": NaN}',
        '{"a": 1e999}',
    ],
)
def test_what_no_reader_would_take_is_not_stored_and_breaks_no_search(
    client: TestClient, payload: str
) -> None:
    assert status(client, "/memory/session_context", f'{{"payload": {payload}}}') == 422
    assert client.get("/memory/session_context/search").json()["packets"] == []


@pytest.mark.parametrize("payload", [r'{"a": "\u0000\ud83d\ude00"}', '{"a": ' + "[" * 99 + "]" * 99 + "}"])
def test_what_is_strange_but_json_is_stored_and_found(client: TestClient, payload: str) -> None:
    answer = client.post("/memory/session_context", content=f'{{"payload": {payload}}}', headers=JSON)
    assert answer.status_code == 201
    assert client.get("/memory/session_context/search").json()["packets"] == [answer.json()]


def test_a_tool_is_not_given_text_that_no_answer_can_hold(client: TestClient) -> None:
    call = r'{"tool_id": "text-search", "arguments": {"text": "a\ud800", "query": "a"}}'
    assert status(client, "/tools/execute", call) == 422


@pytest.mark.parametrize("labels", [r'{"a": "\ud800"}', r'{"\ud800": "a"}'])
def test_an_alert_of_no_unicode_is_refused(client: TestClient, labels: str) -> None:
    body = f'{{"status": "firing", "alerts": [{{"status": "firing", "labels": {labels}}}]}}'
    assert status(client, "/alerts", body) == 422
    assert client.get("/alerts").json() == {"alerts": []}


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"status": 5, "labels": "x"},
        {"status": "firing", "labels": None},
        {"status": "firing", "labels": {"a": 1}},
        {"status": "firing", "labels": {}, "annotations": []},
        {"status": "firing", "labels": {}, "endsAt": 1},
    ],
)
def test_a_packet_that_only_claims_to_be_an_alert_is_not_shown_as_one(
    tmp_path: Path, payload: dict[str, Any]
) -> None:
    settings = AppSettings(data=tmp_path)
    with TestClient(create_app(open_context(settings))) as client:
        for content in ({"status": "firing", "labels": {"a": "b"}}, payload):
            body = {"packet_type": "alert", "payload": content}
            assert client.post("/memory/governance_meta", json=body).status_code == 201
    context = open_context(settings)
    context.alerts.remember(context.store.recent("governance_meta"))
    assert [alert.labels for alert in context.alerts.newest(10)] == [{"a": "b"}]


def test_no_address_redirects_to_a_host_of_the_callers_choice(client: TestClient) -> None:
    answer = client.get("/health/", headers={"Host": "evil"})
    assert (answer.status_code, "location" in answer.headers) == (404, False)


def test_a_problem_does_not_repeat_what_was_sent(client: TestClient) -> None:
    answer = client.post("/tools/execute", json={"tool_id": "hash", "x" * 10_000: 1})
    assert (answer.status_code, len(answer.content) < 1000) == (422, True)


def test_a_store_that_hangs_holds_up_nobody_else(
    client: TestClient, context: AppContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging, end = threading.Semaphore(0), threading.Event()

    def hang(*_: object) -> Written:
        hanging.release()
        assert end.wait(PATIENCE)
        return Written(1)

    monkeypatch.setattr(context.store, "write", hang)
    with ThreadPoolExecutor(60) as writers:
        for _ in range(60):
            writers.submit(status, client, "/memory/session_context", '{"payload": {}}')
        for _ in range(STORE_CALLS_AT_ONCE):
            assert hanging.acquire(timeout=PATIENCE)
        try:
            for path in ("/health", "/health/gates", "/metrics", "/alerts"):
                assert client.get(path).status_code == 200
            assert status(client, "/gates/path", '{"path": "a"}') == 200
            assert status(client, "/tools/execute", '{"tool_id": "hash", "arguments": {"data": ""}}') == 200
            assert not hanging.acquire(blocking=False)
        finally:
            end.set()


def test_few_large_bodies_are_values_at_once_and_small_ones_pass_them(
    client: TestClient, context: AppContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Values by the million, held by requests that wait, made Python's collector stop everything for seconds."""
    let_go, parsed, read = threading.Event(), [0], bodies._parsed

    def counting(body: bytes) -> Any:
        parsed[0] += len(body) > 16_384
        return read(body)

    def waits(packet: Packet, expected_latest: object) -> Written:
        assert let_go.wait(PATIENCE)
        return Written(1)

    monkeypatch.setattr(bodies, "_parsed", counting)
    monkeypatch.setattr(context.store, "write", waits)
    large = '{"payload": {"a": [' + "[]," * 10_000 + "0]}}"
    with ThreadPoolExecutor(10) as pool:
        path = "/memory/session_context"
        asked = [pool.submit(status, client, path, large) for _ in range(10)]
        try:
            until(lambda: parsed[0] == bodies.LARGE_AT_ONCE)
            assert status(client, "/gates/path", '{"path": "a"}') == 200
            assert status(client, "/gates/path", '{"path": "a", "siblings": ["' + "x" * 20_000 + '"]}') == 200
            assert parsed[0] == bodies.LARGE_AT_ONCE + 1
        finally:
            let_go.set()
        assert [each.result() for each in asked] == [201] * 10
    assert parsed[0] == 11
