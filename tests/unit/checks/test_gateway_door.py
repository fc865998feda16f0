"""What a person meets at the door, and each fault of it, against a server with TLS on this machine."""

from __future__ import annotations

import json
import ssl
import threading
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import trustme
from msgspec.structs import replace

from stack.checks import gateway_door as asked
from stack.checks.context import CheckContext, Near
from stack.checks.model import Broken, Door, Entry, Evidence, Expected
from stack.clients.http import HttpFailure
from stack.common.wait import NotYet
from stack.engine.interface import Ran
from tests.loopback import listening

HOST = "mon.example.org"
LOGIN = "Basic " + b64encode(b"stack-check:geheim").decode()


@dataclass
class Gate:
    """What the server answers: status and headers by path and whether the login came along."""

    guarded: dict[bool, int] = field(default_factory=lambda: {False: 401, True: 200})
    live: int = 101
    banner: str = ""
    health: int = 200


def _handler(gate: Gate) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status = gate.guarded[self.headers.get("Authorization") == LOGIN]
            if self.path.startswith("/grafana"):
                status = gate.live if self.headers.get("Upgrade") else gate.health
            self.send_response_only(status)
            if gate.banner:
                self.send_header("Server", gate.banner)
            if status != 101:
                self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Silent."""

    return Handler


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def context(gate: Gate, authority: trustme.CA) -> Iterator[CheckContext]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(gate))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(tls)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield _context(authority, f"127.0.0.1:{server.server_address[1]}")
    server.shutdown()
    server.server_close()


def _context(authority: trustme.CA, place: str, **door: Any) -> CheckContext:
    entries = tuple(
        Entry(name, f"https://{HOST}/{name}", name != "grafana") for name in ("grafana", "prometheus", "app")
    )
    made = Door(
        "gateway", place, entries, "stack-check", "geheim", "local", root="/root.crt", digest="d1", inner="x"
    )
    near = Near(
        lambda component, address: address,
        lambda: (("gateway", "0.0.0.0:8443"),),
        lambda component, path: authority.cert_pem.bytes() if path == "/root.crt" else None,
    )
    expected = Expected("monitoring", (("grafana", "http://127.0.0.1:1"),), door=replace(made, **door))
    return CheckContext(expected, near=near)


def other(context: CheckContext, **door: Any) -> CheckContext:
    """The same with another door."""
    found = context.expected.door
    assert found is not None
    return replace(context, expected=replace(context.expected, door=replace(found, **door)))


REFUSED = json.dumps(
    {
        "level": "error",
        "logger": "tls.obtain",
        "msg": "could not get certificate from issuer",
        "issuer": "acme-v02.api.letsencrypt.org-directory",
        "error": "HTTP 400 urn:ietf:params:acme:error:dns - no valid A records found",
    }
)


def test_why_an_acme_server_gave_no_certificate_is_said_by_the_gateway(gate: Gate) -> None:
    plain = ThreadingHTTPServer(("127.0.0.1", 0), _handler(gate))
    with listening(plain) as address:
        found = other(_context(trustme.CA(), address.removeprefix("http://")), authority="acme")
        assert "without a certificate so far" in asked.ready(found)
        with pytest.raises(NotYet, match="no certificate of the ACME server yet"):
            asked.certificate(found)
        said = [REFUSED.replace("dns", "old"), "no JSON", "3", REFUSED, '{"level": "info"}']
        logged = replace(found, read_log=lambda component, lines: said)
        with pytest.raises(Broken, match=r"letsencrypt\.org-directory: HTTP 400 .*:dns - no valid A") as told:
            asked.certificate(logged)
        assert "port 443" in told.value.hint
        said.append('{"level": "info", "logger": "tls.obtain", "msg": "obtaining certificate"}')
        with pytest.raises(NotYet):
            asked.certificate(logged)
        with pytest.raises(HttpFailure):
            asked.ready(other(found, authority="files"))
        with pytest.raises(HttpFailure):
            asked.certificate(other(found, authority="local", roots=trustme.CA().cert_pem.bytes().decode()))


def test_an_acme_server_of_ones_own_is_trusted_by_its_root(
    context: CheckContext, authority: trustme.CA
) -> None:
    with pytest.raises(NotYet, match="its certificate is refused"):
        asked.certificate(other(context, authority="acme", root=""))
    mine = other(context, authority="acme", root="", roots=authority.cert_pem.bytes().decode())
    assert isinstance(asked.certificate(mine), Evidence)


def test_a_sound_gateway_gives_evidence_of_each(context: CheckContext) -> None:
    assert "over TLS" in asked.ready(context)
    valid = asked.certificate(context)
    assert isinstance(valid, Evidence)
    assert "trustme" in valid.text
    assert not valid.warnings
    assert asked.login(context) == "prometheus, app answer 401 without a login, and with one themselves"
    assert "opened (101)" in asked.grafana(context)
    assert "8443" in asked.alone(context)


def test_a_door_that_lets_in_without_a_login_is_broken(context: CheckContext, gate: Gate) -> None:
    gate.guarded[False] = 200
    with pytest.raises(Broken, match="lets in without a login"):
        asked.login(context)


def test_a_login_that_is_refused_and_a_product_that_does_not_answer_are_waited_for(
    context: CheckContext, gate: Gate
) -> None:
    gate.guarded[True] = 401
    with pytest.raises(NotYet, match="refuses the login of the checks"):
        asked.login(context)
    with pytest.raises(NotYet, match="refuses ada"):
        asked.entered(context, "ada", "x")
    gate.guarded[True] = 502
    with pytest.raises(NotYet, match="answers 502 behind the login"):
        asked.login(context)


def test_a_banner_is_told(context: CheckContext, gate: Gate) -> None:
    gate.banner = "Caddy"
    with pytest.raises(Broken, match="names its server: Caddy"):
        asked.login(context)


def test_a_certificate_of_somebody_else_or_for_another_name_is_refused(context: CheckContext) -> None:
    stranger = trustme.CA().cert_pem.bytes().decode()
    with pytest.raises(NotYet, match="its certificate is refused"):
        asked.certificate(other(context, roots=stranger))
    elsewhere = (Entry("prometheus", "https://other.example.org/prometheus", True),)
    with pytest.raises(Broken, match="its certificate is refused"):
        asked.certificate(other(context, entries=elsewhere, authority="files"))


def test_one_of_the_users_own_that_ends_soon_is_a_warning(
    context: CheckContext, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asked, "SOON", 1e12)
    root = authority.cert_pem.bytes().decode()
    found = asked.certificate(other(context, authority="files", root="", roots=root))
    assert "renew it" in found.warnings[0]


def test_an_authority_without_a_root_is_waited_for(context: CheckContext) -> None:
    with pytest.raises(NotYet, match="no root certificate yet"):
        asked.certificate(other(context, root="/gone.crt"))


def test_a_live_channel_that_grafana_opens_and_the_gateway_does_not(
    context: CheckContext, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate.live = 400
    assert "not proven" in asked.grafana(context)
    monkeypatch.setattr(asked, "_live_directly", lambda *told: 101)
    with pytest.raises(NotYet, match="which Grafana itself opens"):
        asked.grafana(context)


def test_plain_http_must_be_sent_to_tls(gate: Gate, authority: trustme.CA) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(gate))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        with pytest.raises(Broken, match="plain HTTP got 200"):
            asked.redirect(_context(authority, f"127.0.0.1:{server.server_address[1]}"))
    finally:
        server.shutdown()
        server.server_close()


def test_another_published_port_is_a_fault(context: CheckContext) -> None:
    assert context.near is not None
    more = replace(context.near, published=lambda: (("gateway", "a:1"), ("prometheus", "b:2")))
    with pytest.raises(Broken, match="prometheus at b:2"):
        asked.alone(replace(context, near=more))
    with pytest.raises(NotYet, match="not published"):
        asked.alone(replace(context, near=replace(context.near, published=lambda: ())))


def test_other_files_than_the_rendered_ones_are_waited_for(context: CheckContext) -> None:
    right = replace(context, run_in=lambda component, argv: Ran(0, "d1\n"))
    assert "d1" in asked.config(right)
    wrong = replace(context, run_in=lambda component, argv: Ran(0, "d2\n"))
    with pytest.raises(NotYet, match="configuration d2"):
        asked.config(wrong)


def test_nobody_there_is_an_answer_that_was_not_had(authority: trustme.CA) -> None:
    with pytest.raises(HttpFailure, match="refused"):
        asked.ready(_context(authority, "127.0.0.1:1"))
