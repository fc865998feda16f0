"""The metrics over HTTP or HTTPS for programs that have no web server of their own: GET /metrics, GET
/health.

/health needs no credentials and says nothing but "ok". A connection carries one request. A slow or hostile
client costs one worker thread for at most ten seconds and never the listener: handshakes happen in the worker.
It must never serve metrics to another machine unprotected, unless told to.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from socket import AF_INET, AF_INET6, SHUT_RDWR, socket
from socketserver import TCPServer
from threading import BoundedSemaphore, Timer
from typing import Any

from stack.telemetry.auth import Credential, basic, bearer
from stack.telemetry.errors import MonitorError
from stack.telemetry.exposition import Exposition, expose

DEFAULT_PORT = 9464
_LOG = logging.getLogger("stack.telemetry.server")
_CLIENT_SECONDS = 10.0
_MAX_CLIENTS = 32


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """Where to listen and who may read. Port 0 takes a free one. Paths are files; secrets never stand here."""

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    tls_cert: Path | None = None
    tls_key: Path | None = None
    token_file: Path | None = None
    basic_auth_file: Path | None = None
    allow_open: bool = False

    def url_at(self, port: int) -> str:
        """The server's own address, for the port that it really got."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls_cert else 'http'}://{host}:{port}"

    def check(self) -> None:
        """Raises MonitorError when the options contradict each other or would open the metrics to the
        network.
        """
        if (self.tls_cert is None) != (self.tls_key is None):
            raise MonitorError("TLS needs both a certificate and a key: give the other one as well")
        if not 0 <= self.port <= 65535:
            raise MonitorError(f"port: must be 0-65535, got {self.port}")
        guarded = self.tls_cert and (self.token_file or self.basic_auth_file)
        if not (guarded or self.allow_open or _is_loopback(self.host)):
            raise MonitorError(
                f"host {self.host}: other machines could read the metrics; add TLS and authentication, or --allow-open"
            )


class MetricsServer(ThreadingHTTPServer):
    """Listens from its construction on; ``serve_forever`` answers. Raises MonitorError when it can't
    listen.
    """

    request_queue_size = 64
    client_seconds = _CLIENT_SECONDS

    def __init__(self, options: ServerOptions, read: Callable[[str], Exposition] = expose) -> None:
        options.check()
        self.read = read
        self.credentials = _credentials(options)
        self._tls = _tls(options)
        self._clients = BoundedSemaphore(_MAX_CLIENTS)
        self.address_family = AF_INET6 if ":" in options.host else AF_INET
        try:
            super().__init__((options.host, options.port), _Handler)
        except OSError as error:
            raise MonitorError(
                f"cannot listen on {options.host}:{options.port} ({error.strerror}); choose another address"
            ) from error
        self.url = options.url_at(int(self.server_address[1]))

    def server_bind(self) -> None:
        # HTTPServer would look up our own name in the DNS here, which can take seconds.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._clients.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._clients.release()

    def finish_request(self, request: Any, client_address: Any) -> None:
        request.settimeout(self.client_seconds)
        if self._tls is None:
            self._handle(request, client_address)
            return
        with self._tls.wrap_socket(request, server_side=True, do_handshake_on_connect=False) as encrypted:
            self._handle(encrypted, client_address)

    def _handle(self, connection: socket, client_address: Any) -> None:
        # The socket's own timeout begins anew with every byte.
        end = Timer(self.client_seconds, _cut, (connection,))
        end.daemon = True
        end.start()
        try:
            if isinstance(connection, ssl.SSLSocket):
                connection.do_handshake()
            _Handler(connection, client_address, self)
        finally:
            end.cancel()

    def handle_error(self, request: Any, client_address: Any) -> None:
        _LOG.debug("client %s failed", client_address, exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    server: MetricsServer
    protocol_version = "HTTP/1.1"
    server_version = "monitoring-stack"
    sys_version = ""
    timeout = _CLIENT_SECONDS

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/health":
            self._answer(HTTPStatus.OK, b"ok\n")
        elif path != "/metrics":
            self._answer(HTTPStatus.NOT_FOUND, b"not found; see /metrics\n")
        elif not self._is_allowed():
            challenges = {"WWW-Authenticate": ", ".join(c.challenge for c in self.server.credentials)}
            self._answer(HTTPStatus.UNAUTHORIZED, b"credentials needed\n", challenges)
        else:
            self._metrics()

    do_HEAD = do_GET  # noqa: N815 - the name that http.server calls

    def log_message(self, format: str, *args: Any) -> None:
        _LOG.debug("%s %s", self.address_string(), format % args)

    def _metrics(self) -> None:
        try:
            exposition = self.server.read(self.headers.get("Accept", ""))
        except Exception:
            _LOG.exception("the metrics could not be read")
            self._answer(HTTPStatus.INTERNAL_SERVER_ERROR, b"the metrics could not be read; see the log\n")
            return
        self._answer(HTTPStatus.OK, exposition.body, {"Content-Type": exposition.content_type})

    def _is_allowed(self) -> bool:
        credentials = self.server.credentials
        sent = self.headers.get("Authorization", "")
        return not credentials or any(credential.accepts(sent) for credential in credentials)

    def _answer(self, status: HTTPStatus, body: bytes, headers: dict[str, str] | None = None) -> None:
        fields = {
            "Content-Type": "text/plain; charset=utf-8",
            "Content-Length": str(len(body)),
            "Connection": "close",
        } | (headers or {})
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _cut(connection: socket) -> None:
    with suppress(OSError):
        socket.shutdown(connection, SHUT_RDWR)  # not SSLSocket's own, which another thread may be using


def _credentials(options: ServerOptions) -> tuple[Credential, ...]:
    found = []
    if options.token_file:
        found.append(bearer(options.token_file))
    if options.basic_auth_file:
        found.append(basic(options.basic_auth_file))
    return tuple(found)


def _tls(options: ServerOptions) -> ssl.SSLContext | None:
    if options.tls_cert is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(options.tls_cert, options.tls_key)
    except OSError as error:
        raise MonitorError(
            f"{options.tls_cert}, {options.tls_key}: not a PEM certificate and its key ({error})"
        ) from error
    return context


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
