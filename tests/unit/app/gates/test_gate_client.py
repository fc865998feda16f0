"""The fetch keeps the gate's promise: the checked address, every hop checked, everything bounded."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import copy_context
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from stack.app.cancel import CURRENT, Cancel, Cancelled
from stack.app.gates.client import Fetched, FetchError, fetch
from stack.app.gates.policy import DEFAULT_POLICY, UrlPolicy
from stack.app.gates.url import Resolver, check_url
from tests.unit.app.gates.gate_support import PUBLIC, answers, rejection

REDIRECTS = {
    "/hop": "/end",
    "/private": "http://10.0.0.1/",
    "/metadata": "http://169.254.169.254/latest/meta-data/",
    "/scheme": "file:///etc/passwd",
    "/unreadable": "http://[::1",
    "/no-address": "http://[x]/",
    "/utf-8": "/caf\xc3\xa0",  # http.server sends headers as Latin-1: these are the two bytes of à
    "/loop": "/loop",
}


class _Site(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        target = REDIRECTS.get(self.path)
        body = b"x" * 5000 if self.path == "/big" else self.headers["Host"].encode()
        self.send_response(302 if target else 200)
        if target:
            self.send_header("Location", target)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        return


class Net:
    """A network in which every public address is the test's own server; notes who was dialled."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.dialled: list[tuple[str, int]] = []
        self.dead: set[str] = set()

    def dial(self, address: tuple[str, int], timeout: float) -> socket.socket:
        self.dialled.append(address)
        if address[0] in self.dead:
            raise ConnectionRefusedError(111, "Connection refused")
        return socket.create_connection(("127.0.0.1", self.port), timeout)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def net(port: int) -> Net:
    return Net(port)


def get(net: Net, url: str, policy: UrlPolicy = DEFAULT_POLICY.url, resolve: Resolver = answers()) -> Fetched:  # noqa: B008
    return fetch(url, policy, partial(check_url, resolve=resolve), net.dial)


def test_it_connects_to_the_checked_address_and_keeps_the_name(net: Net) -> None:
    fetched = get(net, "http://www.example.org/")
    assert (fetched.status, fetched.body, fetched.address) == (200, b"www.example.org", PUBLIC)
    assert net.dialled == [(PUBLIC, 80)]


def test_a_name_is_resolved_once_so_rebinding_has_no_moment(net: Net) -> None:
    replies = iter([[PUBLIC], ["127.0.0.1"]])
    assert get(net, "http://rebind.example.org/", resolve=lambda host: next(replies)).address == PUBLIC
    assert next(replies) == ["127.0.0.1"]


def test_rebinding_between_two_hops_is_refused(net: Net) -> None:
    replies = iter([[PUBLIC], ["127.0.0.1"]])
    refused = rejection(get, net, "http://rebind.example.org/hop", resolve=lambda host: next(replies))
    assert refused.error_code == "E_PRIVATE_NET"
    assert net.dialled == [(PUBLIC, 80)]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/private", "E_PRIVATE_NET"),
        ("/metadata", "E_PRIVATE_NET"),
        ("/scheme", "E_SCHEME"),
        ("/unreadable", "E_HOST_DENY"),
        ("/no-address", "E_HOST_DENY"),
    ],
)
def test_each_redirect_is_checked(net: Net, path: str, code: str) -> None:
    assert rejection(get, net, f"http://www.example.org{path}").error_code == code
    assert len(net.dialled) == 1


def test_a_good_redirect_is_followed(net: Net) -> None:
    assert get(net, "http://www.example.org/hop").hops == (
        "http://www.example.org/hop",
        "http://www.example.org/end",
    )


def test_a_redirect_in_raw_utf_8_is_followed(net: Net) -> None:
    assert get(net, "http://www.example.org/utf-8").hops[-1] == "http://www.example.org/caf%C3%A0"


def test_redirects_are_bounded(net: Net) -> None:
    with pytest.raises(FetchError, match="more than 5 redirects"):
        get(net, "http://www.example.org/loop")
    assert len(net.dialled) == 6


def test_the_body_is_bounded(net: Net) -> None:
    fetched = get(net, "http://www.example.org/big", replace(DEFAULT_POLICY.url, max_body_bytes=100))
    assert (len(fetched.body), fetched.truncated) == (100, True)
    whole = get(net, "http://www.example.org/big", replace(DEFAULT_POLICY.url, max_body_bytes=5000))
    assert (len(whole.body), whole.truncated) == (5000, False)


def test_the_next_address_is_tried_when_one_is_dead(net: Net) -> None:
    net.dead = {"8.8.8.8"}
    resolve = answers(two_example_org=["8.8.8.8", "9.9.9.9"])
    assert get(net, "http://two.example.org/", resolve=resolve).address == "9.9.9.9"


def test_no_address_answers(net: Net) -> None:
    net.dead = {PUBLIC}
    with pytest.raises(FetchError, match=r"cannot connect \(93\.184\.216\.34: .*refused"):
        get(net, "http://www.example.org/")


@contextmanager
def peer(*parts: bytes, pause: float = 0.0) -> Iterator[tuple[Net, list[bytes]]]:
    """A server for one connection that sends these parts whatever it hears; what it heard is noted."""
    heard: list[bytes] = []
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def talk() -> None:
            connection, _ = server.accept()
            with connection, suppress(OSError):
                heard.append(connection.recv(65536))
                for part in parts:
                    connection.sendall(part)
                    done.wait(pause)

        thread = threading.Thread(target=talk)
        thread.start()
        yield Net(server.getsockname()[1]), heard
        done.set()
        thread.join()


def test_https_sends_the_name_and_insists_on_tls() -> None:
    with peer(b"this is not TLS\r\n") as (net, heard), pytest.raises(FetchError, match="SSLError"):
        get(net, "https://www.example.org/")
    assert b"www.example.org" in heard[0]


@pytest.mark.parametrize(
    "answer",
    [b"SSH-2.0-OpenSSH_9.2\r\n", b"", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort"],
    ids=["no http", "nothing", "cut off"],
)
def test_an_unusable_answer_is_one_line(answer: bytes) -> None:
    with peer(answer) as (net, _), pytest.raises(FetchError, match=r"no usable answer from 93\.184"):
        get(net, "http://www.example.org/")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_connection_that_is_reset_at_once_is_one_line(scheme: str) -> None:
    def dial(address: tuple[str, int], timeout: float) -> socket.socket:
        with socket.create_server(("127.0.0.1", 0)) as server:
            stream = socket.create_connection(server.getsockname(), timeout)
            other, _ = server.accept()
            with other:
                other.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return stream

    with pytest.raises(FetchError, match="no usable answer"):
        fetch(f"{scheme}://example.org/", DEFAULT_POLICY.url, partial(check_url, resolve=answers()), dial)


@pytest.mark.parametrize(
    ("scheme", "start"),
    [
        ("http", b"HTTP/1.1 200 OK\r\nX: "),
        ("http", b"HTTP/1.1 200 OK\r\n\r\n"),
        ("https", b"\x16\x03\x03\x40\x00"),
    ],
    ids=["headers", "body", "handshake"],
)
def test_a_peer_that_sends_a_byte_now_and_then_is_cut_at_the_deadline(scheme: str, start: bytes) -> None:
    policy = replace(DEFAULT_POLICY.url, timeout_seconds=0.2)
    with (
        peer(start, *[b"x"] * 1000, pause=0.02) as (net, _),
        pytest.raises(FetchError, match="no usable answer"),
    ):
        get(net, f"{scheme}://www.example.org/", policy)


def test_a_fetch_ends_when_nobody_waits_for_it() -> None:
    cancel = Cancel()
    context = copy_context()
    context.run(CURRENT.set, cancel)
    with peer(b"HTTP/1.1 200 OK\r\n\r\nx", pause=30) as (net, heard):
        faults: list[str] = []

        def run() -> None:
            try:
                context.run(
                    get, net, "http://www.example.org/", replace(DEFAULT_POLICY.url, timeout_seconds=60)
                )
            except FetchError as fault:
                faults.append(str(fault))

        thread = threading.Thread(target=run)
        thread.start()
        while not heard:
            thread.join(0.01)
        cancel.request()
        thread.join(20)
        assert not thread.is_alive()
    with pytest.raises(Cancelled):
        context.run(get, net, "http://www.example.org/")
