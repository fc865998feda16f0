"""Where notifications go in tests, on the engine's machine: webhooks, with TLS too, and mail relays; all may refuse."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope

HOST = "host.docker.internal"
USER, PASSWORD = b"alerts", b"right"
TAKEN = {"ok": True, "result": {"message_id": 1, "date": 1, "chat": {"id": -100, "type": "group"}}}
SAID = {"telegram": json.dumps(TAKEN).encode(), "slack": b"ok"}
"""What each wants to hear; nobody else looks at it."""


class Heard:
    """What came, by the last part of the path, or ``email``."""

    def __init__(self) -> None:
        self.bodies: dict[str, list[Any]] = {}

    def add(self, name: str, body: Any) -> None:
        """One more."""
        self.bodies.setdefault(name, []).append(body)


class _Hook(BaseHTTPRequestHandler):
    """``/CODE/NAME`` answers with the code; one of 3xx leads to where a GET is taken."""

    heard: Heard

    def do_POST(self) -> None:
        parts = self.path.strip("/").split("/")
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.heard.add(parts[1], json.loads(body))
        said = SAID.get(parts[1], b"invalid_token")
        self.send_response(int(parts[0]))
        if parts[0].startswith("3"):
            self.send_header("Location", f"/200/{parts[1]}")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Silent: a client that does not trust the certificate ends the connection."""


class _Mailbox:
    """Takes mail for anybody but ``nobody@...``."""

    def __init__(self, heard: Heard) -> None:
        self.heard = heard

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Envelope, address: str, options: Any
    ) -> str:
        if address.startswith("nobody@"):
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:
        mail = message_from_bytes(bytes(envelope.original_content or b""), policy=policy.default)
        parts = {
            part.get_content_type(): part.get_content() for part in mail.walk() if not part.is_multipart()
        }
        told = {"to": envelope.rcpt_tos, "from": envelope.mail_from, "subject": mail["Subject"], **parts}
        self.heard.add("email", told)
        return "250 OK"


def _login(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    return AuthResult(success=(data.login, data.password) == (USER, PASSWORD), handled=False)


class Hooks:
    """Ports of the servers: ``http``, ``https``, and relays with TLS and login (``tls``) and without (``plain``)."""

    def __init__(self, folder: Path) -> None:
        self.heard = Heard()
        issuer = trustme.CA()
        self.authority = issuer.cert_pem.bytes()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        issuer.issue_cert(HOST).configure_cert(context)
        hook = type("Hook", (_Hook,), {"heard": self.heard})
        self._servers = [_Server(("0.0.0.0", 0), hook) for _ in range(2)]
        self._servers[1].socket = context.wrap_socket(
            self._servers[1].socket, server_side=True, do_handshake_on_connect=False
        )
        self.http, self.https = (server.server_address[1] for server in self._servers)
        mailbox = _Mailbox(self.heard)
        self._relays = [
            _Relay(
                mailbox,
                hostname="0.0.0.0",
                port=0,
                tls_context=context,
                require_starttls=True,
                auth_required=True,
                authenticator=_login,
                auth_exclude_mechanism=["LOGIN"],  # its challenge is one that Go does not take
            ),
            _Relay(mailbox, hostname="0.0.0.0", port=0),
        ]
        self.tls, self.plain = 0, 0

    def url(self, path: str) -> str:
        """A plain webhook as a container sees it."""
        return f"http://{HOST}:{self.http}{path}"

    def start(self) -> None:
        """Serves."""
        for server in self._servers:
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        for relay in self._relays:
            relay.start()
        self.tls, self.plain = (relay.server.sockets[0].getsockname()[1] for relay in self._relays)

    def stop(self) -> None:
        """Serves no more."""
        for server in self._servers:
            server.shutdown()
            server.server_close()
        for relay in self._relays:
            relay.stop()


class _Relay(Controller):
    """On any free port: the library would knock at the one that it was told."""

    server: Any

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        self.hostname = "127.0.0.1"
        super()._trigger_server()  # type: ignore[no-untyped-call]


@contextmanager
def hooks(folder: Path) -> Iterator[Hooks]:
    """All of them, while the block runs."""
    found = Hooks(folder)
    found.start()
    try:
        yield found
    finally:
        found.stop()
