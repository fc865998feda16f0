"""A connection of the real server over loopback: what is slow, no HTTP, or too large harms nobody else."""

from __future__ import annotations

import asyncio
import http.client
import json
import logging
import socket
import threading
import time
from asyncio import Transport
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
import uvicorn
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from stack.app.http import problems
from stack.app.http.connection import Connection
from stack.app.http.middleware.body_limit import BodyLimit
from stack.app.http.middleware.deadline import Deadline
from stack.app.http.middleware.observe import Observe

PATIENCE = 30
HEAD = b"POST / HTTP/1.1\r\nHost: x\r\n"


class Hasty(Connection):
    """Does not wait long for a head."""

    head_seconds = 0.2


async def reads_all(scope: Scope, receive: Receive, send: Send) -> None:
    more = scope["path"] != "/at-once"
    answer = Response("ok")
    try:
        while more:
            more = (await receive()).get("more_body", False)
    except problems.Problem as refused:
        answer = problems.response(refused.status_code, refused.detail)
    await answer(scope, receive, send)


LIMITED = BodyLimit(reads_all, 1000, {})


@contextmanager
def serving(kind: type[Connection] = Connection, app: ASGIApp = LIMITED) -> Iterator[int]:
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, http=kind, ws="none", lifespan="off", log_config=None))
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


def exchange(port: int, *parts: bytes) -> tuple[bytes, bytes]:
    """Sends the parts, each after an answer or part of one has come; the first line and the body of the last answer."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as asking:
        seen = b""
        for part in parts[:-1]:
            asking.sendall(part)
            seen = asking.recv(65536)
        asking.sendall(parts[-1])
        while received := asking.recv(65536):
            seen += received
    return seen.partition(b"\r\n")[0], seen.rpartition(b"\r\n\r\n")[2]


def test_answers_leave_at_once() -> None:
    seen: list[int] = []

    class Seen(Connection):
        def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            option = socket.IPPROTO_TCP, socket.TCP_NODELAY
            seen.append(transport.get_extra_info("socket").getsockopt(*option))

    with serving(Seen) as port:
        exchange(port, b"no HTTP\r\n\r\n")
    assert seen[0]


def test_what_is_no_http_gets_a_problem() -> None:
    with serving() as port:
        status, body = exchange(port, b"\x16\x03\x01 hello\r\n\r\n")
    assert status == b"HTTP/1.1 400 Bad Request"
    assert json.loads(body)["status"] == 400


def test_a_head_that_does_not_end_is_refused_in_time() -> None:
    with serving(Hasty) as port:
        assert exchange(port, HEAD)[0] == b"HTTP/1.1 408 Request Timeout"


def test_a_head_that_trickles_in_does_not_stop_the_clock() -> None:
    with serving(Hasty) as port, socket.create_connection(("127.0.0.1", port), PATIENCE) as asking:
        asking.settimeout(0.02)
        answer = b""
        while not answer:
            asking.sendall(b"G")
            try:
                answer = asking.recv(65536)
            except TimeoutError:
                continue
    assert answer.startswith(b"HTTP/1.1 408")


def test_a_connection_that_says_nothing_is_closed() -> None:
    with serving(Hasty) as port:
        assert exchange(port, b"") == (b"", b"")


def test_a_body_may_take_longer_than_a_head() -> None:
    with serving(Hasty) as port, socket.create_connection(("127.0.0.1", port), PATIENCE) as asking:
        asking.sendall(HEAD + b"Content-Length: 2\r\nConnection: close\r\n\r\na")
        asking.settimeout(0.5)
        with pytest.raises(TimeoutError):
            asking.recv(1)
        asking.settimeout(PATIENCE)
        asking.sendall(b"b")
        assert asking.recv(65536).startswith(b"HTTP/1.1 200")


def test_garbage_behind_an_answer_ends_the_connection_without_a_fault_of_ours(
    caplog: pytest.LogCaptureFixture,
) -> None:
    head = HEAD.replace(b"/ ", b"/at-once ")
    with serving() as port:
        status, _ = exchange(port, head + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", b"ZZZ\r\n")
        assert status == b"HTTP/1.1 200 OK"
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_garbage_within_a_body_is_a_problem_without_a_fault_of_ours(caplog: pytest.LogCaptureFixture) -> None:
    with serving() as port:
        for method in (b"POST", b"HEAD"):
            head = HEAD.replace(b"POST", method) + b"Transfer-Encoding: chunked\r\n\r\n"
            assert exchange(port, head + b"2\r\nab\r\nZZZ\r\n")[0] == b"HTTP/1.1 400 Bad Request"
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_who_sends_too_much_hears_so_and_may_go_on() -> None:
    with serving() as port:
        asking = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        for body in (b"x" * 8_000_000, iter([b"x" * 1_000_000] * 8)):
            asking.request("POST", "/", body)
            answer = asking.getresponse()
            assert (answer.status, json.loads(answer.read())["status"]) == (413, 413)
        asking.request("POST", "/", b"x")
        assert asking.getresponse().status == 200
        asking.close()


@pytest.mark.parametrize(
    "head",
    [
        HEAD + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n",
        HEAD.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n",
    ],
)
def test_a_body_with_two_framings_is_refused_and_ends_the_connection(head: bytes) -> None:
    smuggled = b"0\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"
    with serving() as port, socket.create_connection(("127.0.0.1", port), PATIENCE) as asking:
        asking.sendall(head + smuggled)
        answers = asking.makefile("rb").read()
    assert answers.startswith(b"HTTP/1.1 400 ")
    assert b"HTTP/1.1 2" not in answers


def test_chunks_that_cost_more_than_they_carry_are_refused() -> None:
    with serving() as port:
        head = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
        assert exchange(port, head + b"1\r\nx\r\n" * 100 + b"0\r\n\r\n")[0].endswith(b"400 Bad Request")
        asking = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        asking.request("POST", "/", iter([b"x" * 80] * 10), encode_chunked=True)
        assert asking.getresponse().status == 200
        asking.close()


async def is_huge(scope: Scope, receive: Receive, send: Send) -> None:
    await Deadline(Response(b"x" * 8_000_000), PATIENCE)(scope, receive, send)


def test_a_client_that_never_reads_is_cut_off_and_its_answer_forgotten() -> None:
    class Impatient(Connection):
        stall_seconds = 0.2

    with (
        serving(Impatient, is_huge) as port,
        socket.create_connection(("127.0.0.1", port), PATIENCE) as asking,
    ):
        asking.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 3)
        time.sleep(1)
        seen = 0
        with pytest.raises(ConnectionResetError):
            while got := asking.recv(1 << 20):
                seen += len(got)
            raise AssertionError("it was not cut off")
        assert seen < 1_000_000


def test_an_answer_that_is_read_too_slowly_is_cut_off_at_the_deadline(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def hasty(scope: Scope, receive: Receive, send: Send) -> None:
        await Deadline(Response(b"x" * 8_000_000), 0.5)(scope, receive, send)

    with (
        serving(Connection, hasty) as port,
        socket.create_connection(("127.0.0.1", port), PATIENCE) as asking,
    ):
        asking.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            while asking.recv(1000):
                time.sleep(0.02)
            raise AssertionError("it was not cut off")
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_work_for_a_client_that_has_gone_is_cancelled() -> None:
    begun, ended = threading.Event(), threading.Event()

    async def waits(scope: Scope, receive: Receive, send: Send) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with serving(Connection, Observe(waits)) as port:
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as asking:
            asking.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert begun.wait(PATIENCE)
        assert ended.wait(PATIENCE)


def test_monitoring_gets_in_when_all_connections_are_taken() -> None:
    class Few(Connection):
        most, spare = 2, 3

    def ask(path: bytes) -> bytes:
        return exchange(port, b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n")[0]

    with serving(Few) as port, ExitStack() as held:
        for _ in range(8):
            held.enter_context(socket.create_connection(("127.0.0.1", port), PATIENCE)).sendall(HEAD)
        for _ in range(4):
            assert ask(b"/metrics") == b"HTTP/1.1 200 OK"
        assert ask(b"/tools") == b"HTTP/1.1 503 Service Unavailable"


def test_a_connection_too_many_is_closed_and_the_others_served() -> None:
    class Few(Connection):
        most = 1

    with serving(Few) as port, socket.create_connection(("127.0.0.1", port), PATIENCE) as first:
        first.sendall(HEAD)
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as second:
            assert second.recv(1) == b""
        first.sendall(b"Content-Length: 0\r\nConnection: close\r\n\r\n")
        assert first.recv(65536).startswith(b"HTTP/1.1 200")
