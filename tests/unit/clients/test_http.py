"""The HTTP client: every failure names the address and the answer; nothing of the user's environment comes between."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time

import pytest

from stack.clients.http import Http, HttpFailure, snippet
from tests.loopback import Asked, dead_address, serve


def test_an_answer_has_status_text_and_json() -> None:
    with serve({"GET /x": (200, {"a": 1})}) as base:
        answer = Http(base).get("/x")
    assert (answer.status, answer.json()) == (200, {"a": 1})


def test_an_unexpected_status_is_a_failure_with_the_body() -> None:
    with serve({"GET /x": (503, "not   yet\n ready")}) as base, pytest.raises(HttpFailure) as error:
        Http(base).get("/x")
    assert str(error.value) == f"GET {base}/x answered 503: not yet ready"
    assert error.value.status == 503


def test_any_status_may_be_asked_for() -> None:
    with serve({}) as base:
        assert Http(base).get("/x", expect=()).status == 404


def test_a_dead_address_is_a_failure_that_names_it() -> None:
    base = dead_address()
    with pytest.raises(HttpFailure, match=base):
        Http(base, timeout=1).get("/")


def test_a_body_that_is_no_json_is_a_failure() -> None:
    with (
        serve({"GET /x": (200, "<html>")}) as base,
        pytest.raises(HttpFailure, match="answered no JSON: '<html>'"),
    ):
        Http(base).get("/x").json()


def test_redirects_are_not_followed() -> None:
    with serve({"GET /x": (302, "")}) as base, pytest.raises(HttpFailure, match="answered 302"):
        Http(base).get("/x")


def test_credentials_are_sent_and_a_proxy_of_the_user_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []

    def route(asked: Asked) -> tuple[int, str]:
        heard.append(asked.headers.get("authorization", ""))
        return 200, "ok"

    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(variable, dead_address())
    with serve({"GET /": route}) as base:
        Http(base, auth=("me", "secret")).get("/")
        Http(base, token="word").get("/")
    assert heard == ["Basic bWU6c2VjcmV0", "Bearer word"]


def test_questions_forms_and_documents_arrive_as_they_are() -> None:
    heard: list[tuple[dict[str, str], str, bytes]] = []

    def route(asked: Asked) -> tuple[int, str]:
        heard.append((asked.params, asked.headers.get("content-type", ""), asked.body))
        return 200, "größer"

    with serve({"GET /": route, "POST /": route}) as base:
        assert Http(base).get("/", params={"q": 'a="ü"', "n": 1}).text == "größer"
        Http(base).post("/", data={"query": "a & b"})
        Http(base).post("/", json={"a": ["b"]})
    assert heard == [
        ({"q": 'a="ü"', "n": "1"}, "", b""),
        ({"query": "a & b"}, "application/x-www-form-urlencoded", b"query=a+%26+b"),
        ({}, "application/json", b'{"a": ["b"]}'),
    ]


def test_a_snippet_is_one_short_line() -> None:
    assert snippet("a\n\tb  c") == "a b c"
    assert len(snippet("x" * 1000)) == 200


def test_an_answer_that_drips_ends_with_the_time() -> None:
    def drip(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        with contextlib.suppress(OSError):
            for _ in range(100):
                connection.sendall(b"x")
                time.sleep(0.02)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=lambda: drip(server.accept()[0]), daemon=True)
        thread.start()
        base = f"http://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(HttpFailure, match=r"no whole answer within 0.2 s"):
            Http(base, timeout=0.2).get("/")


@pytest.mark.parametrize(
    "said", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut"]
)
def test_half_an_answer_is_a_failure(said: bytes) -> None:
    def cut(connection: socket.socket) -> None:
        with connection:
            connection.recv(1000)
            connection.sendall(said)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=lambda: cut(server.accept()[0]), daemon=True).start()
        with pytest.raises(HttpFailure, match="GET http://127"):
            Http(f"http://127.0.0.1:{server.getsockname()[1]}").get("/")


def test_queries_forms_and_documents_arrive_as_they_were() -> None:
    heard: list[Asked] = []

    def route(asked: Asked) -> tuple[int, str]:
        heard.append(asked)
        return 200, "ok"

    with serve({"GET /q": route, "POST /form": route, "POST /json": route}) as base:
        Http(base).get("/q", params={"match[]": 'up{job="a b&c"}'})
        Http(base).post("/form", data={"query": "a+b ü"})
        Http(base).post("/json", json=[{"a": "ü"}])
    assert heard[0].params == {"match[]": 'up{job="a b&c"}'}
    assert heard[1].params == {"query": "a+b ü"}
    assert json.loads(heard[2].body) == [{"a": "ü"}]
    assert heard[2].headers["content-type"] == "application/json"
