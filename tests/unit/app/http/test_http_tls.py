"""The application over TLS, in a thread of this process: handshakes that are slow, absent or no handshakes at all."""

from __future__ import annotations

import socket
import ssl
from asyncio import sslproto
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from stack.app.assembly import open_context
from stack.app.http import handshakes
from stack.app.http.server import Server
from stack.app.settings import AppSettings, CannotStart, InvalidSetting, read_settings
from stack.cli.page import fetch
from stack.common.errors import StackError
from tests.unit.app.http.running import running

TLS = Path(__file__).parents[3] / "tls"
CERT, KEY = TLS / "cert.pem", TLS / "key.pem"
# The beginning of a TLS record of 16 KiB with a ClientHello that fills it (RFC 8446, sections 4 and 5.1).
RECORD = bytes.fromhex("1603014000 01003ffc 0303")


class Hasty(Server):
    handshake_seconds = 0.3


@contextmanager
def serving(data: Path, kind: type[Server] = Server) -> Iterator[int]:
    settings = AppSettings(data=data, spool=data, tls_cert=CERT, tls_key=KEY)
    with running(kind(open_context(settings))) as port:
        yield port


def health(port: int) -> str:
    return fetch(f"https://127.0.0.1:{port}/health", certificate=str(CERT))


def test_it_is_served_and_its_certificate_is_checked(tmp_path: Path) -> None:
    with serving(tmp_path) as port:
        url = f"https://127.0.0.1:{port}/metrics"
        assert "gate_invocations_total" in fetch(url, certificate=str(CERT))
        with pytest.raises(StackError, match="CERTIFICATE_VERIFY_FAILED"):
            fetch(url)


def test_clients_that_never_shake_hands_block_nobody(tmp_path: Path) -> None:
    with serving(tmp_path) as port, ExitStack() as held:
        for _ in range(128):
            held.enter_context(socket.create_connection(("127.0.0.1", port)))
        assert "ok" in health(port)


@pytest.mark.parametrize("opening", [b"", RECORD])
def test_a_handshake_that_does_not_end_is_cut_off(tmp_path: Path, opening: bytes) -> None:
    with serving(tmp_path, Hasty) as port:
        with socket.create_connection(("127.0.0.1", port), 5) as dripping:
            dripping.settimeout(0.02)
            sent = dripping.send(opening)
            with pytest.raises(OSError, match=r"reset|Broken pipe|closed"):
                while sent < 1000:
                    sent += dripping.send(b"\x01") if opening else 1
                    with suppress(TimeoutError):
                        assert dripping.recv(1) == b""
                        raise ConnectionError("closed")
        assert "ok" in health(port)


def test_plain_http_on_its_port_is_no_harm(tmp_path: Path) -> None:
    with serving(tmp_path) as port:
        with pytest.raises(StackError, match="does not answer"):
            fetch(f"http://127.0.0.1:{port}/health")
        assert "ok" in health(port)


@pytest.mark.parametrize("certificate", [KEY, TLS / "none.pem"])
def test_a_certificate_that_is_none_is_named(tmp_path: Path, certificate: Path) -> None:
    context = open_context(AppSettings(data=tmp_path, spool=tmp_path, tls_cert=certificate, tls_key=KEY))
    with pytest.raises(CannotStart, match=f"{certificate.name}.*not a PEM certificate"):
        Server(context)


def test_a_certificate_alone_is_refused() -> None:
    with pytest.raises(InvalidSetting, match="needs both"):
        read_settings(["--tls-cert", str(CERT)], {})


@pytest.mark.parametrize("content", ["ann", ":pw", "ann:"])
def test_a_user_without_a_password_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "user").write_text(content)
    with pytest.raises(InvalidSetting, match="user:password"):
        open_context(AppSettings(data=tmp_path, spool=tmp_path, basic_auth_file=tmp_path / "user"))


def test_handshakes_that_never_end_are_few_and_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handshakes, "AT_ONCE", 4)
    with serving(tmp_path) as port, ExitStack() as held:
        idle = [held.enter_context(socket.create_connection(("127.0.0.1", port), 5)) for _ in range(12)]
        assert "ok" in health(port)
        for asking in idle[:8]:
            with suppress(ConnectionResetError):
                assert asking.recv(1) == b""
        assert sslproto.SSLProtocol.max_size < 32 * 1024


def test_what_comes_with_the_end_of_the_handshake_is_heard(tmp_path: Path) -> None:
    context = ssl.create_default_context(cafile=CERT)
    context.check_hostname = False
    with serving(tmp_path) as port, socket.create_connection(("127.0.0.1", port), 30) as asking:
        received, to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(received, to_send)
        for _ in range(10):
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                asking.sendall(to_send.read())
                received.write(asking.recv(65536))
        tls.write(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        asking.sendall(to_send.read())
        seen = b""
        while b"uptime_seconds" not in seen:
            received.write(asking.recv(65536))
            with suppress(ssl.SSLWantReadError):
                seen += tls.read(65536)
