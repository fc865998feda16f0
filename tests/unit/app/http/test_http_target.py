"""Request targets in all their forms (RFC 9112, section 3.2), against the application as it is served."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stack.app.assembly import open_context
from stack.app.http.server import Server
from stack.app.settings import AppSettings
from tests.unit.app.http.running import running

TLS = Path(__file__).parents[3] / "tls"
CERT, KEY = TLS / "cert.pem", TLS / "key.pem"
PATIENCE = 30


@contextmanager
def serving(settings: AppSettings) -> Iterator[int]:
    with running(Server(open_context(settings))) as port:
        yield port


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    data = tmp_path_factory.mktemp("app")
    with serving(AppSettings(data=data, spool=data, allowed_hosts=("good.example",))) as port:
        yield port


def request(method: str, target: str, host: str) -> bytes:
    return f"{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()


def ask(port: int, method: str, target: str, host: str = "localhost") -> tuple[int, str]:
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as asking:
        asking.sendall(request(method, target, host))
        answer = asking.makefile("rb").read().decode()
    return int(answer.split()[1]), answer


@pytest.mark.parametrize("host", ["localhost", "evil.example", ""])
@pytest.mark.parametrize(
    "target", ["http://localhost/metrics", "HTTP://127.0.0.1:8000/metrics?a=b", "http://good.example/metrics"]
)
def test_a_whole_address_is_accepted_and_its_host_counts(plain: int, target: str, host: str) -> None:
    status, answer = ask(plain, "GET", target, host)
    assert status == 200
    assert "gate_invocations_total" in answer


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("http://evil.example/metrics", 400),
        ("http://localhost@evil.example/metrics", 400),
        ("http://user:secret@localhost/metrics", 400),
        ("http://localhost\\evil.example/metrics", 400),
        ("http:///metrics", 400),
        ("http:/metrics", 400),
        ("http://localhost#/metrics", 400),
        ("http://localhost:evil/metrics", 400),
        ("ftp://localhost/metrics", 400),
        ("localhost:80", 400),
        ("metrics", 400),
        ("*", 400),
        ("https://localhost/metrics", 421),
        ("http://localhost", 404),
        ("http://localhost?/metrics", 404),
    ],
)
def test_an_odd_target_is_refused(plain: int, target: str, expected: int) -> None:
    status, answer = ask(plain, "GET", target)
    assert status == expected
    assert "application/problem+json" in answer


def test_parameters_of_a_whole_address_arrive(plain: int) -> None:
    assert ask(plain, "GET", "http://localhost/alerts?limit=1")[0] == 200
    assert ask(plain, "GET", "http://localhost/alerts?limit=none")[0] == 422


@pytest.mark.parametrize("target", ["localhost:443", "http://localhost/metrics", "*"])
def test_it_is_no_proxy(plain: int, target: str) -> None:
    assert ask(plain, "CONNECT", target)[0] == 501


@pytest.mark.parametrize("target", ["*", "http://localhost"])
def test_options_of_the_whole_server_are_told(plain: int, target: str) -> None:
    status, answer = ask(plain, "OPTIONS", target)
    assert (status, "Allow: " in answer.title()) == (204, True)
    assert ask(plain, "OPTIONS", "*", "evil.example")[0] == 400


def test_a_cross_site_page_is_judged_by_the_host_of_the_address(plain: int) -> None:
    head = (
        "POST http://localhost/gates/path HTTP/1.1\r\nHost: evil.example\r\nOrigin: http://evil.example\r\n"
    )
    with socket.create_connection(("127.0.0.1", plain), PATIENCE) as asking:
        asking.sendall(f"{head}Content-Length: 0\r\nConnection: close\r\n\r\n".encode())
        assert asking.makefile("rb").read().split()[1] == b"403"


def test_an_https_address_is_answered_over_tls(tmp_path: Path) -> None:
    settings = AppSettings(data=tmp_path, spool=tmp_path, tls_cert=CERT, tls_key=KEY)
    trusted = ssl.create_default_context(cafile=str(CERT))
    with (
        serving(settings) as port,
        socket.create_connection(("127.0.0.1", port), PATIENCE) as connected,
        trusted.wrap_socket(connected, server_hostname="127.0.0.1") as asking,
    ):
        asking.sendall(request("GET", "https://127.0.0.1/health", "evil.example"))
        assert asking.makefile("rb").read().split()[1] == b"200"
