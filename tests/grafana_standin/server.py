"""The HTTP server: authentication in front, the table of routes behind, the real server's headers on every answer."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

from .answers import NOT_FOUND, UNAUTHORIZED, WRONG_PASSWORD, Answer, moved
from .log import log
from .routes import ROUTES, Request
from .site import Site

HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "deny",
    "X-Xss-Protection": "1; mode=block",
}


def respond(site: Site, request: Request, authorization: str) -> Answer:
    """The answer to one request; a wrong password is refused before anything else is looked at."""
    known = (route for route in ROUTES if site.settings.major <= route.until)
    matched = next(((r, f) for r in known if (f := r.match(request)) is not None), None)
    if matched is not None and matched[0].public:
        answer = matched[0].handler(site, replace(request, found=matched[1]))
    else:
        user = _user(site, authorization)
        if user == "":
            return WRONG_PASSWORD
        if user is None and not site.settings.anonymous:
            return _stranger(request, site.settings.below)
        if matched is None:
            return NOT_FOUND
        answer = matched[0].handler(site, replace(request, found=matched[1], user=user or "anonymous"))
    handler = matched[0].path if matched is not None else "notfound"
    site.requests[handler, request.method, answer.status] += 1
    return answer


def _stranger(request: Request, below: str) -> Answer:
    if request.path.startswith("/api/"):
        return UNAUTHORIZED
    back = "" if request.path == "/" else f"?redirectTo={quote(below + request.target, safe='')}"
    return moved(f"{below}/login{back}")


def _user(site: Site, authorization: str) -> str | None:
    """The user's name; None without credentials, empty with wrong ones."""
    kind, _, encoded = authorization.partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        name, _, password = base64.b64decode(encoded).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return name if site.accounts.check(name, password) == "ok" else ""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    site: Site
    raw_requestline: bytes

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body, kind = self.rfile.read(length), self.headers.get("Content-Type", "")
        request = Request(self.command, self.path, body, kind)
        self._send(respond(self.site, request, self.headers.get("Authorization", "")))

    def _send(self, answer: Answer) -> None:
        body = answer.body
        raw = (
            body
            if isinstance(body, bytes)
            else (body if isinstance(body, str) else json.dumps(body)).encode()
        )
        self.send_response(answer.status)
        for name, value in (HEADERS | answer.headers).items():
            self.send_header(name, value)
        if answer.content_type:
            self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(raw)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = answer

    def parse_request(self) -> bool:
        raw = self.raw_requestline.split()
        parsed = super().parse_request()
        if parsed and len(raw) == 3:
            self.path = raw[1].decode("latin-1")  # the library would make one slash of two
        return parsed

    def log_message(self, format: str, *args: object) -> None:
        """Requests are not logged by default."""


def make_server(site: Site) -> ThreadingHTTPServer:
    """Bound and ready to serve."""
    handler = type("Handler", (_Handler,), {"site": site})
    server = ThreadingHTTPServer((site.settings.address, site.settings.port), handler)
    server.daemon_threads = True
    where = f"{server.server_address[0]!s}:{server.server_address[1]}"
    log("http.server", "HTTP Server Listen", address=where, protocol="http", subUrl="", socket="")
    return server


@contextmanager
def serving(site: Site) -> Iterator[str]:
    """In this process, for tests: the base address while the block runs."""
    import threading

    server = make_server(site)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        site.stopping.set()
        server.shutdown()
        server.server_close()
        site.database.close()
