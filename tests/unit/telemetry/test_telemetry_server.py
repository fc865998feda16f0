"""The stand-alone server over real sockets: formats, credentials, TLS, and clients that mean no good."""

from __future__ import annotations

import base64
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from http import HTTPStatus
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from threading import Event, Thread
from typing import Any
from wsgiref.types import WSGIEnvironment

import pytest

from stack.telemetry.auth import digests
from stack.telemetry.exposition import OPENMETRICS
from stack.telemetry.fetch import fetch
from stack.telemetry.server import MAX_CLIENTS, Answer, HttpError, MetricsServer, Route
from stack.telemetry.settings import MonitorError, ServerOptions

TLS = Path(__file__).parent / "tls"
CERT, KEY = str(TLS / "cert.pem"), str(TLS / "key.pem")


def page(environ: WSGIEnvironment) -> Answer:
    return Answer(HTTPStatus.OK, b"up 1\n")


@contextmanager
def serving(
    options: ServerOptions,
    read: Route = page,
    kind: type[MetricsServer] = MetricsServer,
) -> Iterator[MetricsServer]:
    with kind(options, {"GET /metrics": read, "POST /gates/x": read}) as server:
        worker = Thread(target=server.serve_forever, args=(0.01,))
        worker.start()
        try:
            yield server
        finally:
            server.shutdown()
            worker.join()


def ask(server: MetricsServer, path: str, method: str = "GET", **headers: str) -> tuple[HTTPResponse, bytes]:
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=5)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer, answer.read()
    finally:
        connection.close()


OPEN = ServerOptions(port=0)


@pytest.mark.parametrize(
    ("method", "path", "status", "body"),
    [
        ("GET", "/metrics", 200, b"up 1\n"),
        ("GET", "/metrics?name=x", 200, b"up 1\n"),
        ("HEAD", "/metrics", 200, b""),
        ("GET", "/health", 200, b"ok\n"),
        ("GET", "/", 404, b"not found; see GET /metrics, POST /gates/x\n"),
        ("GET", "/../etc/passwd", 404, b"not found; see GET /metrics, POST /gates/x\n"),
        ("POST", "/metrics", 404, b"not found; see GET /metrics, POST /gates/x\n"),
        ("DELETE", "/gates/x", 404, b"not found; see GET /metrics, POST /gates/x\n"),
        ("POST", "/gates/x", 200, b"up 1\n"),
    ],
)
def test_what_is_served(method: str, path: str, status: int, body: bytes) -> None:
    with serving(OPEN) as server:
        answer, content = ask(server, path, method)
        assert (answer.status, content) == (status, body)


def test_openmetrics_on_demand_and_no_word_about_the_interpreter() -> None:
    with MetricsServer(OPEN) as server:
        Thread(target=server.serve_forever, args=(0.01,)).start()
        answer, body = ask(server, "/metrics", Accept="application/openmetrics-text")
        bad, _ = ask(server, "/metrics", "BAD METHOD")
        server.shutdown()
    assert answer.headers["Content-Type"] == OPENMETRICS
    assert b"gate_invocations_total" in body
    assert "Python" not in answer.headers["Server"] + str(bad.headers)


def test_a_reader_that_fails_is_a_500_and_the_server_lives_on(caplog: pytest.LogCaptureFixture) -> None:
    def broken(environ: WSGIEnvironment) -> Answer:
        raise RuntimeError("registry is broken")

    with serving(OPEN, broken) as server:
        assert ask(server, "/metrics")[0].status == 500
        assert ask(server, "/health")[0].status == 200
    assert "registry is broken" in caplog.text


def test_a_route_may_refuse() -> None:
    def refusing(environ: WSGIEnvironment) -> Answer:
        raise HttpError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too much")

    with serving(OPEN, refusing) as server:
        answer, body = ask(server, "/metrics")
        assert (answer.status, body) == (413, b"too much\n")


@pytest.mark.parametrize(
    ("options", "method", "headers", "status"),
    [
        (ServerOptions(port=0), "GET", {"Host": "localhost:9464"}, 200),
        (ServerOptions(port=0), "GET", {"Host": "[::1]:9464"}, 200),
        (ServerOptions(port=0), "GET", {"Host": "rebound.example:9464"}, 403),
        (ServerOptions(port=0), "GET", {"Host": "[::1"}, 403),
        (ServerOptions(port=0, allow_open=True), "GET", {"Host": "proxy.example"}, 200),
        (ServerOptions(port=0), "POST", {"Origin": "http://page.example"}, 403),
        (ServerOptions(port=0), "POST", {"Origin": "null"}, 403),
        (ServerOptions(port=0, allow_open=True), "POST", {"Origin": "http://page.example"}, 403),
        (ServerOptions(port=0), "POST", {}, 200),
    ],
)
def test_a_page_in_a_browser_of_this_machine_is_no_client(
    options: ServerOptions, method: str, headers: dict[str, str], status: int
) -> None:
    with serving(options) as server:
        path = "/metrics" if method == "GET" else "/gates/x"
        assert ask(server, path, method, **headers)[0].status == status


def basic_header(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (basic_header("ann:pässword:1"), 200),
        (basic_header("ann:pässword:1").replace("Basic", "bAsIc"), 200),
        ("Bearer s3cret", 200),
        ("", 401),
        (basic_header("ann:wrong"), 401),
        (basic_header("ann"), 401),
        ("Basic s3cret", 401),
        ("Basic !!!!", 401),
        ("Bearer ann:pässword:1".encode().decode("latin-1"), 401),
        ("Bearer s3cre", 401),
        ("Bearer", 401),
        ("s3cret", 401),
    ],
)
def test_credentials(tmp_path: Path, sent: str, status: int) -> None:
    (tmp_path / "token").write_text("s3cret\n")
    (tmp_path / "user").write_text("ann:pässword:1\n")
    options = ServerOptions(
        port=0, token_file=str(tmp_path / "token"), basic_auth_file=str(tmp_path / "user")
    )
    with serving(options) as server:
        answer, body = ask(server, "/metrics", Authorization=sent)
        assert answer.status == status
        assert (body == b"up 1\n") == (status == 200)
        if status == 401:
            assert answer.headers["WWW-Authenticate"].startswith(
                'Bearer realm="metrics", Basic realm="metrics"'
            )
        assert ask(server, "/health")[0].status == 200


@pytest.mark.parametrize(("content", "says"), [(None, "cannot read"), ("", "empty"), ("\nx", "empty")])
def test_a_secret_that_is_none_is_refused(tmp_path: Path, content: str | None, says: str) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_text(content)
    with pytest.raises(MonitorError, match=says):
        digests(ServerOptions(token_file=str(file)))


@pytest.mark.parametrize("content", ["ann", ":pw", "ann:"])
def test_a_user_without_a_password_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "user"
    file.write_text(content)
    with pytest.raises(MonitorError, match="user:password"):
        digests(ServerOptions(basic_auth_file=str(file)))


ENCRYPTED = ServerOptions(port=0, tls_cert=CERT, tls_key=KEY)


def test_tls_is_served_and_its_certificate_is_checked() -> None:
    with serving(ENCRYPTED) as server:
        url = f"{server.url}/metrics"
        assert url.startswith("https://")
        assert fetch(url, certificate=CERT) == "up 1\n"
        with pytest.raises(MonitorError, match="CERTIFICATE_VERIFY_FAILED"):
            fetch(url)


def test_a_client_that_never_shakes_hands_blocks_nobody() -> None:
    with serving(ENCRYPTED) as server, socket.create_connection(("127.0.0.1", server.server_port)):
        assert fetch(f"{server.url}/health", certificate=CERT) == "ok\n"


@pytest.mark.parametrize("options", [OPEN, ENCRYPTED], ids=["http", "https"])
def test_when_all_workers_are_taken_the_oldest_connection_is_given_up(options: ServerOptions) -> None:
    with serving(options) as server, ExitStack() as held:
        idle = [
            held.enter_context(socket.create_connection(("127.0.0.1", server.server_port)))
            for _ in range(2 * MAX_CLIENTS)
        ]
        for _ in range(3):
            assert fetch(f"{server.url}/metrics", certificate=_certificate(options)) == "up 1\n"
        idle[0].settimeout(5)
        assert idle[0].recv(1) == b""
        assert len(server._open) <= MAX_CLIENTS


class Hasty(MetricsServer):
    client_seconds = 0.3


# The beginning of a TLS record of 16 KiB with a ClientHello that fills it (RFC 8446, sections 4 and 5.1).
RECORD = bytes.fromhex("1603014000 01003ffc 0303")


@pytest.mark.parametrize(("options", "opening"), [(OPEN, b"GET /"), (ENCRYPTED, RECORD)])
def test_a_client_that_sends_byte_after_byte_is_cut_off(options: ServerOptions, opening: bytes) -> None:
    with serving(options, kind=Hasty) as server:
        with socket.create_connection(("127.0.0.1", server.server_port), 5) as dripping:
            dripping.settimeout(0.02)
            sent = dripping.send(opening)
            with pytest.raises(OSError, match=r"reset|Broken pipe"):
                while sent < 1000:
                    sent += dripping.send(b"\x01")
                    with suppress(TimeoutError):
                        assert dripping.recv(1) == b""
        assert fetch(f"{server.url}/health", certificate=_certificate(options)) == "ok\n"


class Impatient(MetricsServer):
    """Gives a client up soon, and tells when it has."""

    client_seconds = 0.2

    def __init__(self, options: ServerOptions, routes: Mapping[str, Route]) -> None:
        super().__init__(options, routes)
        self.given_up = Event()

    def finish_request(self, request: Any, client_address: Any) -> None:
        try:
            super().finish_request(request, client_address)
        finally:
            self.given_up.set()


def reading(environ: WSGIEnvironment) -> Answer:
    environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    return Answer(HTTPStatus.OK, b"x" * 50_000_000)


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"POST /gates/x HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc",
        b"POST /gates/x HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_clients_that_neither_send_nor_read_cannot_fill_the_log(
    sent: bytes, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with (
        serving(OPEN, reading, Impatient) as server,
        socket.create_connection(("127.0.0.1", server.server_port), 5) as client,
    ):
        client.sendall(sent)
        assert isinstance(server, Impatient)
        assert server.given_up.wait(10)
    assert capsys.readouterr().err == ""
    assert caplog.text == ""


def test_a_connection_carries_one_request() -> None:
    with serving(OPEN) as server, socket.create_connection(("127.0.0.1", server.server_port), 5) as client:
        client.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n" * 2)
        answered = b""
        with suppress(ConnectionResetError):
            while chunk := client.recv(4096):
                answered += chunk
    assert answered.count(b"200 OK") == 1


def _certificate(options: ServerOptions) -> str:
    return options.tls_cert


def test_plain_http_on_the_tls_port_is_no_harm() -> None:
    with serving(ENCRYPTED) as server:
        with pytest.raises(MonitorError, match="does not answer"):
            fetch(f"http://127.0.0.1:{server.server_port}/health")
        assert fetch(f"{server.url}/health", certificate=CERT) == "ok\n"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (ServerOptions(tls_cert=CERT), "both a certificate and a key"),
        (ServerOptions(tls_key=KEY), "both a certificate and a key"),
        (ServerOptions(port=70000), "must be 0-65535, got 70000"),
        (ServerOptions(host="0.0.0.0"), "other machines could read"),
        (ServerOptions(host="0.0.0.0", tls_cert=CERT, tls_key=KEY), "authentication"),
        (ServerOptions(host="192.0.2.1", token_file=CERT), "other machines could read"),
        (ServerOptions(port=0, tls_cert=KEY, tls_key=KEY), "not a PEM certificate"),
        (ServerOptions(port=0, tls_cert=str(TLS / "none.pem"), tls_key=KEY), "not a PEM certificate"),
        (ServerOptions(host="192.0.2.1", port=0, allow_open=True), "cannot listen on 192.0.2.1:0"),
    ],
)
def test_options_that_cannot_be_meant(options: ServerOptions, says: str) -> None:
    with pytest.raises(MonitorError, match=says):
        MetricsServer(options)


@pytest.mark.parametrize(
    "options",
    [
        ServerOptions("0.0.0.0", 0, CERT, KEY, token_file="token"),
        ServerOptions("0.0.0.0", 0, CERT, KEY, basic_auth_file="user"),
        ServerOptions("0.0.0.0", 0, allow_open=True),
        ServerOptions("localhost", 0),
        ServerOptions("::1", 0),
        ServerOptions("127.8.8.8", 0),
    ],
)
def test_hosts_that_may_be_served(options: ServerOptions) -> None:
    options.check()


def test_an_ipv6_address_has_its_brackets() -> None:
    assert ServerOptions("::1").url_at(9464) == "http://[::1]:9464"


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/x", "127.0.0.1:80", "http://", "http://127.0.0.1:port/"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(MonitorError, match="not an address"):
        fetch(url)


def test_an_answer_other_than_200_is_an_error() -> None:
    with serving(OPEN) as server, pytest.raises(MonitorError, match="answered 404"):
        fetch(f"{server.url}/nothing")
