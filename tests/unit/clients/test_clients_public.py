"""What answers at a public address: the product, a login, something wrong, or nothing that can be known from here."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme

from stack.clients import public
from stack.clients.public import Place
from tests.loopback import Route, dead_address, listening, serve

SELF_SIGNED = Path(__file__).parents[2] / "tls"


def ask(url: str, path: str, kind: str = "") -> public.Said:
    (found,) = public.ask(Place(url, path, kind))
    return found


def said(route: Route, kind: str = "text/plain") -> public.Said:
    with serve({"GET /mon/prometheus/-/ready": route}) as base:
        return ask(f"{base}/mon/prometheus", "/-/ready", kind)


def test_the_product_answers() -> None:
    found = said((200, "ready"))
    assert (found.wrong, found.answered) == (False, True)
    assert found.text.endswith("/mon/prometheus answers")


def test_a_login_in_front_is_no_fault() -> None:
    found = said((401, ""))
    assert not found.wrong and found.text.endswith("asks for a login (401)")


@pytest.mark.parametrize("status", [404, 502])
def test_what_leads_elsewhere_is_wrong(status: int) -> None:
    found = said((status, ""))
    assert found.wrong and f"answers {status}: what stands there does not lead to the product" in found.text


def test_a_page_of_another_kind_is_not_the_product() -> None:
    found = said((200, {"not": "it"}))
    assert found.wrong and "answers application/json, the product itself text/plain" in found.text


@contextmanager
def redirecting(place: str) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("Location", place.format(host=self.headers["Host"], path=self.path))
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Silent."""

    with listening(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as address:
        yield address


def test_plain_http_that_leads_to_tls_should_be_written_so() -> None:
    with redirecting("https://{host}{path}") as base:
        found = ask(base, "/-/ready")
    assert found.wrong and "public_url should say https" in found.text


def test_another_redirect_may_be_a_login() -> None:
    with redirecting("https://login.example.com/?to={path}") as base:
        found = ask(base, "/-/ready")
    assert not found.wrong and "leads to https://login.example.com/?to=/-/ready first (302)" in found.text


def test_nobody_there() -> None:
    found = ask(dead_address(), "/-/ready")
    assert found.wrong and not found.answered and "nobody listens" in found.text


def test_an_unknown_name_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    found = ask("https://ops.example.com/mon", "/-/ready")
    assert not found.wrong and not found.answered
    assert found.text.endswith("cannot be told from here: the name ops.example.com is not known here")


def test_a_resolver_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()

    def late(*_: object, **__: object) -> None:
        released.wait(5)
        raise socket.gaierror(socket.EAI_AGAIN, "too late")

    monkeypatch.setattr(public, "SECONDS", 0.02)
    monkeypatch.setattr(socket, "getaddrinfo", late)
    found = ask("https://ops.example.com", "/-/ready")
    released.set()
    assert not found.wrong and "no answer within" in found.text


@contextmanager
def speaking_tls(context: ssl.SSLContext) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"https://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def test_an_authority_that_is_not_known_here_proves_nothing() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(SELF_SIGNED / "cert.pem", SELF_SIGNED / "key.pem")
    with speaking_tls(context) as base:
        found = ask(base, "/-/ready")
    assert not found.wrong and "does not know who vouches for its certificate" in found.text


def test_a_certificate_of_another_name_is_wrong(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    issuer = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issuer.issue_cert("other.example.com").configure_cert(context)
    trusting = ssl.create_default_context()
    issuer.configure_trust(trusting)
    monkeypatch.setattr(ssl, "create_default_context", lambda: trusting)
    with speaking_tls(context) as base:
        found = ask(base, "/-/ready")
    assert found.wrong and "certificate is not valid for '127.0.0.1'" in found.text


def test_where_no_tls_is_spoken() -> None:
    with serve({}) as base:
        found = ask(base.replace("http:", "https:"), "/-/ready")
    assert found.wrong and "no TLS is spoken there" in found.text


def test_several_are_asked_side_by_side() -> None:
    met = threading.Barrier(2, timeout=5)

    def wait(_: object) -> tuple[int, str]:
        met.wait()
        return 200, "ready"

    with serve({"GET /a/x": wait, "GET /b/x": wait}) as base:
        found = public.ask(Place(f"{base}/a", "/x"), Place(f"{base}/b", "/x"))
    assert [one.text for one in found] == [f"{base}/a answers", f"{base}/b answers"]
