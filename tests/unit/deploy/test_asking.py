"""Of a remote engine the containers are asked from inside; a refusal stays one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import pytest

from stack.checks.context import CheckContext
from stack.checks.model import Expected
from stack.clients.http import HttpFailure
from stack.clients.prometheus import Refused
from stack.common.errors import StartFailed
from stack.deploy.asking import context_of
from stack.deploy.describe import Description
from stack.engine.interface import Engine, Ran

VECTOR = '{"data": {"resultType": "scalar", "result": [1, "7"]}}'
EXPECTED = Expected("shop", (("prometheus", "http://prometheus:9090"),))


class Inside:
    """An engine whose containers give one answer."""

    def __init__(self, answer: Ran | Exception, *, remote: bool = True) -> None:
        self.answer = answer
        self.remote = remote
        self.asked: list[tuple[str, tuple[str, ...]]] = []

    def info(self) -> Any:
        """See ``Engine``."""
        return SimpleNamespace(remote=self.remote)

    def execute(self, container: str, argv: tuple[str, ...], *, seconds: float | None = None) -> Ran:
        """See ``Engine``."""
        self.asked.append((container, argv))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def context(engine: Inside) -> CheckContext:
    described = SimpleNamespace(spec=SimpleNamespace(name="shop"), expectations=lambda **_: EXPECTED)
    return context_of(cast(Engine, engine), cast(Description, described))


def test_a_remote_container_fetches_from_itself() -> None:
    engine = Inside(Ran(0, VECTOR))
    (sample,) = context(engine).prometheus.query('up{job="a b"}')
    assert sample.value == 7
    ((container, argv),) = engine.asked
    assert (container, argv[:4]) == ("shop-prometheus", ("wget", "-q", "-O", "-"))
    address = urlsplit(argv[4])
    assert (address.netloc, address.path) == ("127.0.0.1:9090", "/api/v1/query")
    assert parse_qs(address.query) == {"query": ['up{job="a b"}']}


def test_a_refusal_is_one_and_other_failures_are_none() -> None:
    refused = Ran(1, "wget: server returned error: HTTP/1.1 400 Bad Request\n")
    with pytest.raises(Refused, match="Prometheus refuses it: 400 Bad Request"):
        context(Inside(refused)).prometheus.query("up{")
    for answer in (Ran(1, "wget: can't connect"), Ran(1, ""), StartFailed("it is silent")):
        with pytest.raises(HttpFailure) as caught:
            context(Inside(answer)).prometheus.query("up")
        assert not isinstance(caught.value, Refused)


def test_what_is_posted_is_json() -> None:
    engine = Inside(Ran(0, ""))
    context(engine).http("prometheus").post("/x", json=[{"a": "ü"}])
    ((_, argv),) = engine.asked
    assert argv[4:] == (
        "--header",
        "Content-Type: application/json",
        "--post-data",
        '[{"a": "\\u00fc"}]',
        "http://127.0.0.1:9090/x",
    )


def test_an_engine_on_this_machine_is_asked_by_its_ports() -> None:
    engine = Inside(Ran(0, VECTOR), remote=False)
    assert context(engine).http("prometheus").base == "http://prometheus:9090" and not engine.asked
