"""The HTTP client: every failure names the address and the answer; nothing of the user's environment comes between."""

from __future__ import annotations

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


def test_a_snippet_is_one_short_line() -> None:
    assert snippet("a\n\tb  c") == "a b c"
    assert len(snippet("x" * 1000)) == 200
