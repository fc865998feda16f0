"""The layers around a request, each over a small application of its own."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from starlette.types import ASGIApp

from stack.app.http import problems
from stack.app.http.middleware import body_limit
from stack.app.http.middleware.body_limit import BodyLimit, Room
from stack.app.http.middleware.credentials import Credentials
from stack.app.http.middleware.deadline import Deadline
from stack.app.http.middleware.head import Head
from stack.app.http.middleware.observe import Observe
from stack.telemetry.exposition import expose


def application() -> FastAPI:
    app = FastAPI()

    @app.get("/items/{item}")
    async def item(item: str) -> dict[str, str]:
        return {"item": item}

    @app.post("/items/{item}")
    async def size(item: str, request: Request) -> dict[str, int]:
        return {"size": len(await request.body())}

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("secret detail")

    @app.get("/slow")
    async def slow() -> None:
        await asyncio.Event().wait()

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    problems.install(app)
    return app


def wrapped(layer: Callable[..., ASGIApp], **options: Any) -> FastAPI:
    app = application()
    app.add_middleware(layer, **options)
    return app


def ask(app: ASGIApp, method: str, path: str, **options: Any) -> httpx.Response:
    async def asked() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            return await client.request(method, path, **options)

    return asyncio.run(asked())


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status
    assert answer.headers["content-type"] == problems.MEDIA_TYPE
    found: dict[str, Any] = answer.json()
    assert found["status"] == status
    return found


async def parts(*contents: bytes) -> AsyncIterator[bytes]:
    for content in contents:
        yield content


def test_a_body_within_the_limit_passes() -> None:
    assert ask(wrapped(BodyLimit, limit=10, uploads={}), "POST", "/items/1", content=b"x" * 10).json() == {
        "size": 10
    }


def test_a_declared_body_above_the_limit_is_refused_unread() -> None:
    problem(ask(wrapped(BodyLimit, limit=10, uploads={}), "POST", "/items/1", content=b"x" * 11), 413)


def test_a_streamed_body_stops_at_the_limit() -> None:
    app = wrapped(BodyLimit, limit=10, uploads={})
    found = problem(ask(app, "POST", "/items/1", content=parts(b"x" * 6, b"x" * 6)), 413)
    assert "larger than 10 bytes" in found["detail"]


FORM = {"Content-Type": "multipart/form-data; boundary=x"}


def test_an_upload_path_has_a_limit_of_its_own() -> None:
    app = wrapped(BodyLimit, limit=10, uploads={"/items/1": 20})
    for path, kind, size in (("/items/1", FORM, 12), ("/items/1", {}, 0), ("/items/2", FORM, 0)):
        answer = ask(app, "POST", path, content=parts(b"x" * 6, b"x" * 6), headers=kind)
        if size:
            assert answer.json() == {"size": size}
        else:
            problem(answer, 413)


def test_work_that_takes_too_long_is_a_503() -> None:
    found = problem(ask(wrapped(Deadline, seconds=0.02), "GET", "/slow"), 503)
    assert "0.02 s" in found["detail"]


def test_a_body_that_does_not_arrive_is_a_408() -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.Event().wait()

    problem(ask(wrapped(Deadline, seconds=0.02), "POST", "/items/1", content=endless()), 408)


@pytest.mark.parametrize("path", ["/items/1", "/items/2"])
@pytest.mark.parametrize("length", ["9", "9000"])
def test_a_body_that_comes_too_slowly_is_a_408_long_before_the_deadline(
    path: str, length: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dripping() -> AsyncIterator[bytes]:
        while True:
            yield b"x"
            await asyncio.sleep(0.1)

    monkeypatch.setattr(body_limit, "PATIENCE_SECONDS", 0.3)
    app = wrapped(BodyLimit, limit=10_000, uploads={"/items/2": 10_000})
    answer = ask(app, "POST", path, content=dripping(), headers={"Content-Length": length, **FORM})
    assert "kB/s" in problem(answer, 408)["detail"]


def test_a_client_is_not_blamed_for_the_time_that_we_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_limit, "PATIENCE_SECONDS", 0.3)
    app = application()

    @app.post("/busy")
    async def busy(request: Request) -> dict[str, int]:
        size = 0
        async for piece in request.stream():
            size += len(piece)
            await asyncio.sleep(0.2)
        return {"size": size}

    app.add_middleware(BodyLimit, limit=10, uploads={"/busy": 100})
    assert ask(app, "POST", "/busy", content=parts(*[b"x"] * 5)).json() == {"size": 5}


def test_many_who_wait_for_room_may_leave_at_once() -> None:
    async def wait(room: Room, count: int) -> None:
        async with room.held(count):
            await asyncio.Event().wait()

    async def all_leave() -> None:
        room = Room(10)
        waiting = [asyncio.create_task(wait(room, 10)) for _ in range(20)]
        await asyncio.sleep(0)
        for each in waiting:
            each.cancel()
        ends = await asyncio.gather(*waiting, return_exceptions=True)
        assert {type(end) for end in ends} == {asyncio.CancelledError}
        async with asyncio.timeout(5), room.held(10):
            pass

    asyncio.run(all_leave())


def test_head_is_get_without_a_body() -> None:
    answer = ask(wrapped(Head), "HEAD", "/items/1")
    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", "12")


@pytest.mark.parametrize("header", [None, "Bearer wrong", "Basic abc", "Bearer", "Bearer \xe4", "abc"])
def test_without_the_token_nothing_but_health_answers(header: str | None) -> None:
    app = wrapped(Credentials, secrets={"bearer": "abc"})
    headers = {} if header is None else {"Authorization": header.encode("latin-1")}
    refused = ask(app, "GET", "/items/1", headers=headers)
    problem(refused, 401)
    assert refused.headers["www-authenticate"] == "Bearer"
    assert ask(app, "GET", "/health", headers=headers).status_code == 200


def test_a_token_may_be_any_text() -> None:
    header = {"Authorization": "Bearer schlüssel à".encode()}
    app = wrapped(Credentials, secrets={"bearer": "schlüssel à"})
    assert ask(app, "GET", "/items/1", headers=header).status_code == 200


@pytest.mark.parametrize("header", ["Bearer abc", "bearer abc"])
def test_with_the_token_it_answers(header: str) -> None:
    app = wrapped(Credentials, secrets={"bearer": "abc"})
    assert ask(app, "GET", "/items/1", headers={"Authorization": header}).status_code == 200


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (basic("ann:pässword:1"), 200),
        (basic("ann:pässword:1").replace("Basic", "bAsIc"), 200),
        ("Bearer s3cret", 200),
        ("", 401),
        (basic("ann:wrong"), 401),
        (basic("ann"), 401),
        ("Basic s3cret", 401),
        ("Basic !!!!", 401),
        ("Bearer ann:pässword:1", 401),
        ("Bearer s3cre", 401),
        ("Bearer", 401),
        ("s3cret", 401),
    ],
)
def test_a_token_or_a_password_opens(sent: str, status: int) -> None:
    app = wrapped(Credentials, secrets={"bearer": "s3cret", "basic": "ann:pässword:1"})
    answer = ask(app, "GET", "/items/1", headers={"Authorization": sent.encode()})
    assert answer.status_code == status
    if status == 401:
        assert answer.headers["www-authenticate"] == 'Bearer, Basic realm="stack", charset="UTF-8"'
    assert ask(app, "GET", "/health").status_code == 200


def test_a_request_gets_an_id_or_keeps_its_own() -> None:
    app = wrapped(Observe)
    assert ask(app, "GET", "/health").headers["x-request-id"]
    assert ask(app, "GET", "/health", headers={"X-Request-ID": "mine-1"}).headers["x-request-id"] == "mine-1"
    forged = ask(app, "GET", "/health", headers={"X-Request-ID": 'a" b'}).headers["x-request-id"]
    assert forged != 'a" b'


def test_a_problem_names_its_request() -> None:
    found = problem(ask(wrapped(Observe), "GET", "/nowhere", headers={"X-Request-ID": "mine-2"}), 404)
    assert found["request_id"] == "mine-2"


def test_an_unexpected_exception_is_a_bare_500_and_a_log_line(caplog: pytest.LogCaptureFixture) -> None:
    answer = ask(wrapped(Observe), "GET", "/broken")
    problem(answer, 500)
    assert "secret detail" not in answer.text
    assert any(record.exc_info for record in caplog.records)


def test_each_request_is_logged_with_its_template(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "stack.app.http")
    ask(wrapped(Observe), "GET", "/items/42")
    (line,) = [record for record in caplog.records if record.name == "stack.app.http"]
    assert vars(line)["route"] == "/items/{item}"
    assert vars(line)["status"] == 200


def test_metrics_know_templates_never_paths() -> None:
    app = wrapped(Observe)
    ask(app, "GET", "/items/unlikely-name")
    ask(app, "GET", "/unlikely-place")
    ask(app, "UNLIKELY", "/items/1")
    text = expose().body.decode()
    assert 'http_requests_total{method="GET",route="/items/{item}",status="200"}' in text
    assert 'http_requests_total{method="GET",route="unmatched",status="404"}' in text
    assert "unlikely" not in text.lower()


def test_a_wrong_method_is_told_every_right_one() -> None:
    answer = ask(application(), "DELETE", "/items/1")
    problem(answer, 405)
    assert answer.headers["allow"] == "GET, POST"


def test_a_request_that_does_not_fit_says_where() -> None:
    app = FastAPI()

    @app.get("/n")
    async def number(n: int) -> int:
        return n

    problems.install(app)
    found = problem(ask(app, "GET", "/n?n=x"), 422)
    assert found["errors"][0]["location"] == "query.n"
