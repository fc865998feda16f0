"""What can be watched from outside, on the engine's machine: HTTP, TLS by an authority of its own, TCP, DNS."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import trustme

from tests.bridge import gateway

HOST = "host.docker.internal"
KNOWN = b"\x04shop\x07example\x00"
NXDOMAIN = 3
ANSWER = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x0a\x00\x00\x01"
"""The name that was asked for has the address 10.0.0.1 for a minute."""


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        said = self.headers.get("Authorization", "")
        code = 401 if self.path == "/locked" and said != "Bearer geheim" else 200
        code = 503 if self.path == "/broken" else code
        self.send_response(code)
        self.end_headers()
        self.wfile.write(b"<p>welcome (really)</p>")

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


@dataclass(frozen=True)
class Outside:
    """Ports of the servers, and the file of the authority that signs the one with TLS."""

    http: int
    https: int
    dns: int
    authority: Path

    def url(self, path: str = "/") -> str:
        """A page of the plain one."""
        return f"http://{HOST}:{self.http}{path}"


@contextmanager
def outside(folder: Path) -> Iterator[Outside]:
    """All of them, while the block runs."""
    issuer = trustme.CA()
    authority = folder / "authority.pem"
    issuer.cert_pem.write_to_path(authority)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issuer.issue_cert(HOST).configure_cert(context)
    servers = [_web(None), _web(context)]
    names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    names.bind((gateway(), 0))  # an answer must come from the address that was asked
    threading.Thread(target=_answer_names, args=(names,), daemon=True).start()
    try:
        http, https = (server.server_address[1] for server in servers)
        yield Outside(http, https, names.getsockname()[1], authority)
    finally:
        names.close()
        for server in servers:
            server.shutdown()
            server.server_close()


def _web(context: ssl.SSLContext | None) -> ThreadingHTTPServer:
    server = ThreadingHTTPServer(("0.0.0.0", 0), _Page)
    server.daemon_threads = True
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server


def _answer_names(names: socket.socket) -> None:
    """Knows one name (RFC 1035); no other exists."""
    while True:
        try:
            asked, whom = names.recvfrom(512)
        except OSError:
            return
        known = asked[12:].startswith(KNOWN)
        end = asked.index(b"\x00", 12) + 5
        head = asked[:2] + bytes((0x81, 0x80 if known else 0x80 | NXDOMAIN)) + b"\x00\x01"
        counts = (b"\x00\x01" if known else b"\x00\x00") + b"\x00\x00\x00\x00"
        names.sendto(head + counts + asked[12:end] + (ANSWER if known else b""), whom)
