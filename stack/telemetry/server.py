"""The metrics over HTTP or HTTPS for programs that have no web server of their own: GET /metrics, GET /health.

A WSGI server: whoever starts it may add routes. /health needs no credentials and says nothing but "ok". A connection
carries one request and ends after ten seconds. A slow or hostile client never holds up the listener: handshakes
happen in a worker, and when all workers are taken, the connection that has been open the longest is given up for
the next. It must never serve metrics to another machine unprotected, unless told to.
"""

from __future__ import annotations

import logging
import re
import ssl
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from socket import AF_INET, AF_INET6, SHUT_RDWR, socket
from socketserver import TCPServer, ThreadingMixIn
from threading import Lock, Timer
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from stack.telemetry.auth import CHALLENGES, accepts, digests
from stack.telemetry.exposition import expose
from stack.telemetry.settings import MonitorError, ServerOptions, is_loopback

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

TEXT = "text/plain; charset=utf-8"
MAX_CLIENTS = 64
_CLIENT_SECONDS = 10.0
_LOCAL = re.compile(r"(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?", re.ASCII | re.IGNORECASE)
_LOG = logging.getLogger("stack.telemetry.server")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a route says; ``headers`` beside the content's type and length."""

    status: HTTPStatus
    body: bytes
    content_type: str = TEXT
    headers: tuple[tuple[str, str], ...] = ()


class HttpError(Exception):
    """What a route raises instead of an answer: another status, and one line that says why."""

    def __init__(self, status: HTTPStatus, why: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(why)
        self.status, self.headers = status, headers


Route = Callable[["WSGIEnvironment"], Answer]


class MetricsServer(ThreadingMixIn, WSGIServer):
    """Listens from its construction on; ``serve_forever`` answers. ``routes`` are further answers, by method and path
    (``POST /x``). Raises MonitorError when it can't listen.
    """

    daemon_threads = True
    request_queue_size = 128
    client_seconds = _CLIENT_SECONDS

    def __init__(self, options: ServerOptions, routes: Mapping[str, Route] | None = None) -> None:
        options.check()
        application = Application(options, {"GET /metrics": _metrics, **(routes or {})})
        self._tls = _tls(options)
        self._open: dict[socket, None] = {}
        self._opening = Lock()
        self.address_family = AF_INET6 if ":" in options.host else AF_INET
        try:
            super().__init__((options.host, options.port), _Handler)
        except OSError as error:
            raise MonitorError(
                f"cannot listen on {options.host}:{options.port} ({error.strerror}); choose another address"
            ) from error
        self.set_app(application)
        self.url = options.url_at(self.server_port)

    def server_bind(self) -> None:
        # HTTPServer would look up our own name in the DNS here, which can take seconds.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()

    def get_request(self) -> tuple[Any, Any]:
        connection, address = self.socket.accept()
        connection.settimeout(self.client_seconds)
        if self._tls is not None:
            connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._opening:
            if len(self._open) >= MAX_CLIENTS:
                oldest = next(iter(self._open))
                del self._open[oldest]
                _cut(oldest)
            self._open[request] = None
        super().process_request(request, client_address)

    def finish_request(self, request: Any, client_address: Any) -> None:
        # The socket's own timeout begins anew with every byte.
        end = Timer(self.client_seconds, _cut, (request,))
        end.daemon = True
        end.start()
        try:
            if isinstance(request, ssl.SSLSocket):
                request.do_handshake()
            _Handler(request, client_address, self)
        finally:
            end.cancel()
            with self._opening:
                self._open.pop(request, None)

    def handle_error(self, request: Any, client_address: Any) -> None:
        _LOG.debug("client %s failed", client_address, exc_info=True)


class _Handler(WSGIRequestHandler):
    server_version = "monitoring-stack"
    sys_version = ""

    def log_message(self, format: str, *args: Any) -> None:
        _LOG.debug("%s %s", self.address_string(), format % args)


class Application:
    """The WSGI application: who may ask, and which route answers."""

    def __init__(self, options: ServerOptions, routes: Mapping[str, Route]) -> None:
        self._accepted = digests(options)
        self._routes = routes
        self._local = is_loopback(options.host) and not options.allow_open

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """See PEP 3333."""
        try:
            answer = self._answer(environ)
        except HttpError as refused:
            answer = Answer(refused.status, f"{refused}\n".encode(), headers=refused.headers)
        except Exception:
            _LOG.exception("%s failed", environ["PATH_INFO"])
            answer = Answer(HTTPStatus.INTERNAL_SERVER_ERROR, b"failed; see the log\n")
        fields = [
            ("Content-Type", answer.content_type),
            ("Content-Length", str(len(answer.body))),
            ("Server", _Handler.server_version),
        ]
        start_response(f"{answer.status.value} {answer.status.phrase}", [*fields, *answer.headers])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer.body]

    def _answer(self, environ: WSGIEnvironment) -> Answer:
        method, path = environ["REQUEST_METHOD"].replace("HEAD", "GET"), environ["PATH_INFO"]
        if path == "/health":
            return Answer(HTTPStatus.OK, b"ok\n")
        if self._is_of_another_site(environ):
            raise HttpError(
                HTTPStatus.FORBIDDEN, "not for pages of other sites: ask by localhost or 127.0.0.1"
            )
        if f"{method} {path}" not in self._routes:
            raise HttpError(HTTPStatus.NOT_FOUND, f"not found; see {', '.join(self._routes)}")
        if self._accepted and not accepts(environ.get("HTTP_AUTHORIZATION", ""), self._accepted):
            challenge = ", ".join(CHALLENGES[scheme] for scheme in self._accepted)
            raise HttpError(
                HTTPStatus.UNAUTHORIZED, "credentials needed", headers=(("WWW-Authenticate", challenge),)
            )
        return self._routes[f"{method} {path}"](environ)

    def _is_of_another_site(self, environ: WSGIEnvironment) -> bool:
        """A page in a browser of this machine can ask too: under a name of its own, or by a form, which names it."""
        if environ["REQUEST_METHOD"] == "POST" and "HTTP_ORIGIN" in environ:
            return True
        return self._local and not _LOCAL.fullmatch(environ.get("HTTP_HOST", "localhost"))


def _metrics(environ: WSGIEnvironment) -> Answer:
    exposition = expose(environ.get("HTTP_ACCEPT", ""))
    return Answer(HTTPStatus.OK, exposition.body, exposition.content_type)


def _cut(connection: socket) -> None:
    with suppress(OSError):
        socket.shutdown(connection, SHUT_RDWR)  # not SSLSocket's own, which another thread may be using


def _tls(options: ServerOptions) -> ssl.SSLContext | None:
    if not options.tls_cert:
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
