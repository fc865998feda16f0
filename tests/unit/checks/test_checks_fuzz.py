"""No answer, however broken, ends a check or a client with an error that nobody foresaw.

Whole answers first, as a broken server, proxy or network gives them; then the healthy ones with each value in them
replaced by one of another kind, without a network in between, since these are thousands.
"""

from __future__ import annotations

import contextlib
import copy
import gzip
import itertools
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import parse_qsl

import pytest
from msgspec.structs import replace

from stack.checks import alert_path, app
from stack.checks.check import Check
from stack.checks.context import CheckContext
from stack.checks.model import Broken, Dashboard, Expected
from stack.checks.runner import run
from stack.clients import http, public
from stack.clients.http import Answer, Http, HttpFailure
from stack.common.errors import StackError, StartFailed
from stack.common.wait import NotYet
from stack.components import all_checks
from stack.engine.interface import Ran
from tests.loopback import Asked
from tests.unit.checks.fake_stack import BOARD, PUBLIC, FakeStack, expectation

CHECKS = tuple(c for c in all_checks() if not c.scraped and c.component != "gateway")
"""Without those about what runs where it is needed, which the usual stack does not have."""
NAMES = [f"{check.name}, no {check.unless}" if check.unless else check.name for check in CHECKS]
SECONDS = 0.3
UNFORESEEN = "the check itself failed"


def whole(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    return (
        "\r\n".join((f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", "")).encode() + body
    )


JSON: list[Any] = [
    None,
    [],
    {},
    7,
    "text",
    True,
    [None],
    [[]],
    {"data": None},
    {"status": None},
    {"results": []},
]
JSON += [{"data": {"groups": None, "activeTargets": [None], "result": [[]], "resultType": []}}]
ANSWERS: dict[str, bytes] = {
    **{f"json {json.dumps(value)}": whole(json.dumps(value).encode()) for value in JSON},
    "deep": whole(b"[" * 100_000),
    "number": whole(b"9" * 10_000),
    "no number": whole(b'{"data": NaN}'),
    "garbage": whole(bytes(range(256))),
    "not UTF-8": whole(b'{"status": "\xff\xfe"}'),
    "html": whole(b"<html><body>A captive portal</body></html>", "Content-Type: text/html"),
    "samples": whole(b'a{b="c 1\n{} x\nup NaN\nup{le="+Inf"} 0x\n# TYPE up\n'),
    "500": whole(b"broken", status="500 Internal Server Error"),
    "nothing": whole(b""),
    "redirect": whole(b"", "Location: http://elsewhere/", status="302 Found"),
    "zipped": whole(gzip.compress(b'{"status": "ok"}'), "Content-Encoding: gzip"),
    "cut": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
    "cut chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n{",
    "bad chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n{",
    "bad length": b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}",
    "no HTTP": b"SSH-2.0-OpenSSH_9.7\r\n",
    "odd status": b"HTTP/1.1 2000 OK\r\n\r\n{}",
    "closed": b"",
    "huge": whole(b"x" * 300_000),
    "many headers": b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n{}",
    "long header": b"HTTP/1.1 200 OK\r\nA: " + b"b" * 100_000 + b"\r\n\r\n{}",
    "continue": b"HTTP/1.1 100 Continue\r\n\r\n" * 50,
}
DRIPS = {"slow head": b"HTTP/1.1 200 OK\r\nA: " + b"b" * 1000, "slow body": whole(b"x" * 1000)}


@contextmanager
def answering(reply: bytes, pause: float = 0.0) -> Iterator[str]:
    """A server that says ``reply`` to whatever it is asked; with ``pause`` byte after byte."""

    def one(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(5)
            connection.recv(1 << 16)
            for piece in [reply[i : i + 1] for i in range(len(reply))] if pause else [reply]:
                connection.sendall(piece)
                threading.Event().wait(pause)

    def accept(server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=one, args=(server.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        threading.Thread(target=accept, args=(server,), daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alert_path, "DELIVERY_SECONDS", 0.02)
    monkeypatch.setattr(http, "MOST_BYTES", 200_000)
    monkeypatch.setattr(public, "SECONDS", SECONDS / 2)
    monkeypatch.setattr(app, "GROWS_WITHIN", 0.0)
    whole_http = CheckContext.http
    monkeypatch.setattr(
        CheckContext, "http", lambda self, name: replace(whole_http(self, name), timeout=SECONDS)
    )
    monkeypatch.setattr(
        "stack.checks.context.Http", lambda *args, **kwargs: Http(*args, **{**kwargs, "timeout": SECONDS})
    )


SENDING = "remote_write: [{name: central, url: http://x/}]\n"


def with_own_boards() -> Expected:
    """What the healthy stack promises, with all else that there are checks of."""
    told = expectation()
    boards = (*told.dashboards, replace(told.dashboards[0], own=True))
    sending = told.prometheus_config + SENDING
    return replace(told, dashboards=boards, prometheus_config=sending, public=PUBLIC)


def every_check(base: str, run_in: Callable[[str, tuple[str, ...]], Ran]) -> Iterator[tuple[str, str, str]]:
    """What each check finds where all components answer from ``base``: its name, status and evidence."""
    products = tuple((name, base) for name in FakeStack().products)
    alike = [replace(check, stage="checked", seconds=0.0, after=()) for check in CHECKS]
    for left_out in ("", "grafana", "app"):
        addresses = tuple(pair for pair in products if pair[0] != left_out)
        public = tuple((name, f"{base}/{name}") for name, _ in addresses)
        expected = replace(
            with_own_boards(), addresses=addresses, absent=((left_out, "no image"),), public=public
        )
        for finding in run(alike, expected, run_in=run_in).findings:
            yield finding.check, finding.status, finding.evidence


@pytest.mark.parametrize("name", [*ANSWERS, *DRIPS])
def test_every_answer_gets_its_word(name: str) -> None:
    dripping = name in DRIPS
    reply = DRIPS[name] if dripping else ANSWERS[name]
    body = reply.rpartition(b"\r\n\r\n")[2].decode("utf-8", "replace")
    with answering(reply, 0.01 if dripping else 0.0) as base:
        found = list(every_check(base, lambda component, argv: Ran(0, body)))
    assert len({check for check, *_ in found}) == len({check.name for check in CHECKS})
    assert not [each for each in found if UNFORESEEN in each[2] or "Traceback" in each[2]]
    assert not [each for each in found if not each[2].isprintable()]
    passed = {check for check, status, _ in found if status == "ok"}
    # Readiness is the status; and what answers at a public address is told, whatever it is.
    assert passed <= {"prometheus.ready", "alertmanager.ready", "prometheus.public"}


@pytest.mark.parametrize(
    "failure", [StartFailed("NAME is gone", hint="start again"), StackError("no engine")]
)
def test_an_engine_that_fails_gets_its_word(failure: StackError) -> None:
    def run_in(component: str, argv: tuple[str, ...]) -> Ran:
        raise failure

    fake = FakeStack()
    with fake.running() as expected:
        for check in CHECKS:
            if check.by_engine and not check.unless and not check.addressed:
                (finding,) = run([replace(check, seconds=0.0, after=())], expected, run_in=run_in).findings
                assert finding.evidence == failure.message
                assert finding.hint == (failure.hint or check.hint)


ROUTING: dict[str, Any] = {
    "route": {
        "receiver": "a",
        "repeat_interval": "1m",
        "routes": [
            {
                "matchers": ['severity="critical"'],
                "match": {"a": "b"},
                "match_re": {"a": "b.*"},
                "receiver": "b",
                "continue": True,
                "mute_time_intervals": ["n"],
                "active_time_intervals": ["n"],
            }
        ],
    },
    "receivers": [{"name": "a", "webhook_configs": [{"url_file": "/x"}]}, {"name": "b"}],
    "time_intervals": [
        {
            "name": "n",
            "time_intervals": [
                {
                    "times": [{"start_time": "09:00", "end_time": "17:00"}],
                    "weekdays": ["monday:friday"],
                    "days_of_month": ["1:-1"],
                    "months": ["may"],
                    "years": ["2026"],
                    "location": "UTC",
                }
            ],
        }
    ],
    "inhibit_rules": [{"source_matchers": ["a=b"], "target_matchers": ["c=d"], "equal": ["e"]}],
}
WRONG: tuple[Any, ...] = (
    None,
    [],
    {},
    7,
    -1e400,
    "text",
    "\x1b[2J",
    True,
    [None],
    [[]],
    [{}],
    {"a": None},
    10**400,
)


def mutations(value: Any) -> Iterator[Any]:
    """The document with one of its values replaced, removed or doubled, at every place and in every way."""
    yield from WRONG
    if isinstance(value, dict):
        for key in value:
            yield {k: v for k, v in value.items() if k != key}
            yield from ({**value, key: other} for other in mutations(value[key]))
    elif isinstance(value, list):
        yield value * 2
        for place, one in enumerate(value):
            yield from ([*value[:place], other, *value[place + 1 :]] for other in mutations(one))


class Table:
    """Stands in for the network: the products' tables, of which one answer is another one."""

    def __init__(self, fake: FakeStack) -> None:
        self.fake = fake
        self.changed: dict[tuple[str, str], Any] = {}
        self.asked: set[tuple[str, str]] = set()

    def answer(self, client: Http, method: str, url: str, query: str, body: bytes | None) -> Answer:
        product, path = client.base.removeprefix("http://"), url.removeprefix(client.base)
        key = (product, f"{method} {path}")
        self.asked.add(key)
        form = dict(parse_qsl(query.lstrip("?"))) | dict(parse_qsl((body or b"").decode()))
        route = self.fake.products[product].get(key[1], (404, {}))
        told = {name.lower(): value for name, value in client._credentials().items()}
        status, content = route(Asked(method, path, form, body or b"", told)) if callable(route) else route
        content = self.changed.get(key, content)
        return Answer(url, status, content if isinstance(content, str) else json.dumps(content))


def asked_by(check: Check, table: Table, **promised: Any) -> list[str]:
    """Runs a check once; the errors that nobody foresaw."""
    products = tuple((name, f"http://{name}") for name in table.fake.products if name != check.unless)
    expected = replace(with_own_boards(), addresses=products, **promised)
    try:
        check.run(CheckContext(expected, table.fake.run_in))
    except (NotYet, Broken, HttpFailure):
        pass
    except Exception as error:
        return [f"{type(error).__name__}: {error}"]
    return []


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Table:
    """The healthy products, without a network in between."""
    table = Table(FakeStack())

    def exchange(self: Http, method: str, url: str, query: str, body: bytes | None, headers: Any) -> Answer:
        return table.answer(self, method, url, query, body)

    monkeypatch.setattr(Http, "_exchange", exchange)
    return table


@pytest.mark.parametrize("check", CHECKS, ids=NAMES)
def test_every_value_of_another_kind_gets_its_word(check: Check, table: Table) -> None:
    assert asked_by(check, table) == []
    tried = 0
    for product, key in sorted(table.asked):
        healthy = healthy_answer(table, product, key)
        for other in itertools.islice(mutations(healthy), 800):
            table.changed = {(product, key): copy.deepcopy(other)}
            assert asked_by(check, table) == [], f"{key}: {json.dumps(other)[:300]}"
            tried += 1
    assert tried or check.by_engine


OF_BOARDS = [check for check in CHECKS if "panels" in check.name or "variables" in check.name]
OF_BOARDS += [check for check in CHECKS if check.name == "grafana.dashboards"]


@pytest.mark.parametrize("check", OF_BOARDS, ids=lambda check: check.name)
def test_every_dashboard_that_is_none_gets_its_word(check: Check, table: Table) -> None:
    texts = [json.dumps(other) for other in mutations(BOARD)]
    for text in ("", "no json", "[" * 100_000, *texts):
        assert asked_by(check, table, dashboards=(Dashboard("gates", text),)) == [], text[:300]


@pytest.mark.parametrize("name", ["config", "routes", "secrets"])
def test_every_routing_file_that_is_none_gets_its_word(name: str, table: Table) -> None:
    check = next(check for check in CHECKS if check.name == f"alertmanager.{name}")
    for other in mutations(ROUTING):
        text = json.dumps(other)  # which is YAML
        assert asked_by(check, table, alertmanager_config=text) == [], text[:300]
    for text in ("", "{", "a: 1\na: 2", "\x00", "- a", "route: &a [*a]"):
        assert asked_by(check, table, alertmanager_config=text) == [], text


def healthy_answer(table: Table, product: str, key: str) -> Any:
    """What the product says when all is well."""
    route = table.fake.products[product].get(key, (404, {}))
    if not callable(route):
        return route[1]
    params = {"label": "alertname=Watchdog", "query": "x"}
    body = json.dumps(
        [{"endsAt": "2020", "labels": {"proof_id": "x"}}] if "alerts" in key else {"payload": {"proof": "x"}}
    )
    return route(Asked("GET", "", params, body.encode(), {}))[1]


def test_the_stack_is_told_by_all_addresses() -> None:
    with ExitStack() as stack:
        base = stack.enter_context(answering(ANSWERS["closed"]))
        found = {
            name: evidence for name, _, evidence in every_check(base, lambda component, argv: Ran(0, ""))
        }
    assert "closed without an answer" in found["app.ready"]
