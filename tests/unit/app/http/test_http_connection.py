"""A connection of the real server over loopback: what is slow, no HTTP, or too large harms nobody else."""

from __future__ import annotations

import asyncio
import gc
import http.client
import json
import logging
import socket
import threading
import time
import weakref
from asyncio import Transport
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest
import uvicorn
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from stack.app.http import problems
from stack.app.http.connection import EVENTS_AT_ONCE, SPARE_SECONDS, Connection
from stack.app.http.middleware.body_limit import BodyLimit
from stack.app.http.middleware.deadline import Deadline
from stack.app.http.middleware.observe import Observe
from stack.app.http.turns import Turnstile
from tests.unit.app.http.running import running

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
    config = uvicorn.Config(app, http=kind, ws="none", lifespan="off", log_config=None)
    with running(uvicorn.Server(config)) as port:
        yield port


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


def test_a_body_of_many_chunks_is_read_a_few_at_a_time_and_whole() -> None:
    most, received = [0], [0]

    class Counted(Connection):
        def handle_events(self) -> None:
            before = max(self.conn._chunks, 0)
            super().handle_events()
            most[0] = max(most[0], self.conn._chunks - before)

    async def counts(scope: Scope, receive: Receive, send: Send) -> None:
        more = True
        while more:
            message = await receive()
            received[0] += len(message["body"])
            more = message.get("more_body", False)
        await Response("ok")(scope, receive, send)

    head = HEAD + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    with serving(Counted, counts) as port:
        for chunks in (1, EVENTS_AT_ONCE - 1, EVENTS_AT_ONCE, EVENTS_AT_ONCE + 1, 1000):
            received[0] = 0
            body = (b"50\r\n" + b"x" * 80 + b"\r\n") * chunks + b"0\r\n\r\n"
            assert exchange(port, head + body)[0] == b"HTTP/1.1 200 OK"
            assert received[0] == 80 * chunks
    assert most[0] <= EVENTS_AT_ONCE


def test_the_rest_of_a_body_that_nobody_wants_is_passed_over_before_the_next_request() -> None:
    chunks = (b"50\r\n" + b"x" * 80 + b"\r\n") * 60 + b"0\r\n\r\n"
    first = HEAD.replace(b"/ ", b"/at-once ") + b"Transfer-Encoding: chunked\r\n\r\n" + chunks
    last = HEAD + b"Connection: close\r\nContent-Length: 1\r\n\r\nx"
    with serving() as port, socket.create_connection(("127.0.0.1", port), PATIENCE) as asking:
        asking.sendall(first * 3 + last)
        assert asking.makefile("rb").read().count(b"HTTP/1.1 200 OK") == 4


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


def test_what_is_urgent_begins_before_a_burst_of_others() -> None:
    begun: list[str] = []

    async def ask(turnstile: Turnstile, name: str, urgent: bool) -> None:
        await turnstile.passed(urgent)
        begun.append(name)

    async def burst() -> None:
        turnstile = Turnstile(at_once=2)
        others = [asyncio.create_task(ask(turnstile, str(number), False)) for number in range(50)]
        await asyncio.sleep(0)
        late = asyncio.create_task(ask(turnstile, "urgent", True))
        cancelled = others.pop()
        cancelled.cancel()
        await asyncio.gather(late, *others)

    asyncio.run(burst())
    assert begun.index("urgent") < 10
    assert sorted(begun, key=str) == sorted([*map(str, range(49)), "urgent"])


def test_fewer_are_let_in_while_turns_are_long() -> None:
    async def turns(seconds: float, calls: int, turnstile: Turnstile) -> list[int]:
        loop, clock, begun = asyncio.get_running_loop(), [0.0], [0]
        loop.time = lambda: clock[0]  # type: ignore[method-assign]

        def begin() -> None:
            begun[-1] += 1

        for _ in range(calls):
            turnstile.put(begin)
        while sum(begun) < calls:
            await asyncio.sleep(0)
            clock[0] += seconds
            begun.append(0)
        return [count for count in begun if count]

    turnstile = Turnstile(at_once=8)
    assert asyncio.run(turns(0.02, 17, turnstile)) == [8, 4, 2, 1, 1, 1]
    assert asyncio.run(turns(0.001, 20, turnstile)) == [1, 2, 3, 4, 5, 5]


def test_a_scrape_is_answered_while_others_flood() -> None:
    async def costly(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] != "/metrics":
            time.sleep(0.02)
            begun.append(scope["path"])
        await Response("ok")(scope, receive, send)

    begun: list[str] = []
    with serving(Connection, costly) as port, ExitStack() as held:
        for _ in range(100):
            asking = held.enter_context(socket.create_connection(("127.0.0.1", port), PATIENCE))
            asking.sendall(b"GET /tools HTTP/1.1\r\nHost: x\r\n\r\n")
        assert exchange(port, b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")[1] == b"ok"
        assert len(begun) < 90


def test_who_asks_again_before_the_answer_is_not_urgent() -> None:
    seen: list[bool] = []

    class Noting(Connection):
        def _is_urgent(self, scope: Scope) -> bool:
            seen.append(super()._is_urgent(scope))
            return seen[-1]

    scrape = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
    with serving(Noting) as port:
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as asking:
            asking.sendall(scrape * 3 + scrape.replace(b"x\r\n", b"x\r\nConnection: close\r\n"))
            while asking.recv(65536):
                pass
        assert seen == [False] * 4
        exchange(port, scrape)
        assert seen == [*[False] * 4, True]


MANY_FIELDS = b"GET / HTTP/1.1\r\nHost: x\r\n" + b"a:\r\n" * 4000 + b"\r\n"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (MANY_FIELDS, b"431 Request Header Fields Too Large"),
        (MANY_FIELDS[:-2], b"431 Request Header Fields Too Large"),
        (HEAD + b"a: " + b"x" * 16_400, b"431 Request Header Fields Too Large"),
        (HEAD + b"a: " + b"x" * 17_000 + b"\r\n\r\n", b"431 Request Header Fields Too Large"),
        (HEAD.replace(b"\r", b"") + b"\n", b"400 Bad Request"),
        (HEAD + b"a: b\nTransfer-Encoding: chunked\r\n\r\n", b"400 Bad Request"),
        (HEAD + b"Transfer-Encoding:\r\n chunked\r\n\r\n", b"400 Bad Request"),
        (HEAD + b"a: b\rc\r\n\r\n", b"400 Bad Request"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"505 HTTP Version Not Supported"),
        (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", b"505 HTTP Version Not Supported"),
        (HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n", b"501 Not Implemented"),
    ],
)
def test_a_head_that_costs_too_much_or_is_of_another_protocol_is_refused_by_its_reason(
    sent: bytes, status: bytes
) -> None:
    with serving() as port:
        line, body = exchange(port, sent)
        assert (line, json.loads(body)["status"]) == (b"HTTP/1.1 " + status, int(status[:3]))


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /at-once HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        HEAD + b"Content-Length: 2\r\nConnection: close\r\n\r\nab",
        b"no HTTP\r\n\r\n",
        HEAD + b"Content-Length: 2\r\n\r\na",
    ],
)
def test_what_a_lost_connection_held_is_free_at_once(sent: bytes) -> None:
    """Left to Python's collector it would pile up, and to look through it would stop all others."""
    made: list[weakref.ref[Connection]] = []

    class Seen(Connection):
        def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            made.append(weakref.ref(self))

    gc.disable()
    try:
        with serving(Seen) as port:
            for _ in range(3):
                with socket.create_connection(("127.0.0.1", port), PATIENCE) as asking:
                    asking.sendall(sent)
                    asking.shutdown(socket.SHUT_WR)
                    asking.recv(1)
        assert [each() for each in made] == [None] * 3
    finally:
        gc.enable()


def test_many_fields_behind_a_body_end_the_connection() -> None:
    head = HEAD.replace(b"/ ", b"/at-once ") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n"
    with serving() as port:
        refused = exchange(port, head + b"a:\r\n" * 4000 + b"\r\n")[0]
        assert refused == b"HTTP/1.1 431 Request Header Fields Too Large"
        end = b"a:b\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        assert exchange(port, head + end)[0] == b"HTTP/1.1 200 OK"


@pytest.mark.parametrize("path", [b"/", b"/at-once"])
@pytest.mark.parametrize(
    "fields",
    [b"a: b\n\r\n", b"a: b\r\n\n", b"\n", b"a: b\r\n c\r\n\r\n", b"a: b\r\n\tc\r\n\r\n", b"a: b\rc\r\n\r\n"],
)
@pytest.mark.parametrize("split", [False, True])
def test_odd_lines_behind_a_body_end_the_connection(fields: bytes, path: bytes, split: bool) -> None:
    chunked = HEAD.replace(b"/ ", path + b" ") + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n"
    following = b"GET /next HTTP/1.1\r\nHost: x\r\n\r\n"
    with serving() as port, socket.create_connection(("127.0.0.1", port), PATIENCE) as asking:
        asking.sendall(chunked)
        if split:
            time.sleep(0.1)
        asking.sendall(fields + following)
        answers = b"".join(iter(lambda: asking.recv(65536), b""))
        assert answers.count(b"HTTP/1.1 200") <= (path == b"/at-once")


def test_ordinary_fields_behind_a_body_are_read() -> None:
    chunked = HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\na: b\r\nc: d\r\n\r\n"
    with serving() as port:
        assert exchange(port, chunked, chunked) == (b"HTTP/1.1 200 OK", b"ok")


def test_a_hundred_fields_are_read() -> None:
    with serving() as port:
        head = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + b"a:b\r\n" * 98 + b"\r\n"
        assert exchange(port, head)[0] == b"HTTP/1.1 200 OK"


EXPECTING = HEAD + b"Expect: 100-continue\r\nContent-Length: 20\r\n"


def test_an_answer_without_the_100_that_was_asked_for_ends_the_connection() -> None:
    """The client may now send the body, or its next request: one would be read as the other."""
    with (
        serving(Connection, Response("no", 401)) as port,
        socket.create_connection(("127.0.0.1", port), PATIENCE) as asking,
    ):
        asking.sendall(EXPECTING + b"\r\n")
        answers = asking.makefile("rb").read()
    assert answers.count(b"HTTP/1.1 401") == 1
    assert b"connection: close" in answers.lower()


def test_a_body_that_was_asked_for_is_read() -> None:
    with serving() as port:
        close = EXPECTING + b"Connection: close\r\n\r\n"
        assert exchange(port, close, b"x" * 20)[0] == b"HTTP/1.1 100 Continue"
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as asking:
            for _ in range(2):
                asking.sendall(EXPECTING + b"\r\n")
                assert asking.recv(65536).startswith(b"HTTP/1.1 100")
                asking.sendall(b"x" * 20)
                seen = b""
                while not seen.endswith(b"ok"):
                    seen += asking.recv(65536)
                assert seen.startswith(b"HTTP/1.1 200")


def test_who_has_sent_more_than_is_read_and_goes_is_noticed() -> None:
    begun, ended = threading.Event(), threading.Event()

    async def waits(scope: Scope, receive: Receive, send: Send) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with serving(Connection, Observe(waits)) as port:
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as asking:
            asking.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 3)
            assert begun.wait(PATIENCE)
            time.sleep(0.1)
        assert ended.wait(PATIENCE)


def test_spare_connections_that_are_never_read_keep_nobody_out() -> None:
    class Few(Connection):
        most, spare = 1, 8

    async def metrics(scope: Scope, receive: Receive, send: Send) -> None:
        await Deadline(Response(b"x" * 600_000), PATIENCE)(scope, receive, send)

    head = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
    with serving(Few, metrics) as port, ExitStack() as held:
        never = [
            held.enter_context(socket.create_connection(("127.0.0.1", port), PATIENCE)) for _ in range(9)
        ]
        for asking in never:
            asking.sendall(head)
        time.sleep(0.5)
        for _ in range(8):
            with socket.create_connection(("127.0.0.1", port), PATIENCE) as asking:
                asking.sendall(head)
                assert len(asking.makefile("rb").read()) > 600_000
        time.sleep(SPARE_SECONDS)
        for asking in never[1:]:
            with pytest.raises(ConnectionResetError):
                while asking.recv(1 << 20):
                    pass
                raise AssertionError("it was not cut off")


def test_much_that_comes_at_once_is_read_a_little_in_each_turn() -> None:
    turn, read, most = [0], [0], [0]

    class Counted(Connection):
        def data_received(self, data: bytes) -> None:
            if not turn[0]:
                self.loop.call_soon(self.next_turn)
            super().data_received(data)
            read[0] += len(data) >= 4096
            most[0] = max(most[0], read[0])

        def next_turn(self) -> None:
            turn[0] += 1
            read[0] = 0
            self.loop.call_soon(self.next_turn)

    async def reads(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body", False):
            pass
        await Response("ok")(scope, receive, send)

    def send(port: int) -> bytes:
        return exchange(
            port, HEAD + b"Connection: close\r\nContent-Length: 2000000\r\n\r\n" + bytes(2_000_000)
        )[1]

    with serving(Counted, reads) as port, ThreadPoolExecutor(60) as pool:
        assert {each.result(PATIENCE) for each in [pool.submit(send, port) for _ in range(60)]} == {b"ok"}
    # Connections read for the first time, and those whose turn it is.
    assert most[0] <= 2 * 16 + 4, most
