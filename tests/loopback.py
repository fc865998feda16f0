"""A tiny HTTP server on loopback that answers from a table: what a product would say, or what a broken one says.

The table may be changed while it serves. It knows nothing of any product.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

NOT_FOUND = (404, {"message": "no such route"})


@dataclass(frozen=True)
class Asked:
    """One request as the table's functions see it; ``params`` holds query and form values."""

    method: str
    path: str
    params: dict[str, str]
    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True)
class Said:
    """A text with headers of its own, in the place of a reply's content."""

    text: str
    headers: dict[str, str]


Reply = tuple[int, Any]
Route = Reply | Callable[[Asked], Reply]
Routes = MutableMapping[str, Route]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    found: Callable[[str], Route]

    def answer(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        form = body.decode() if "form" in self.headers.get("Content-Type", "") else ""
        params = {k: v[-1] for k, v in {**parse_qs(parts.query), **parse_qs(form)}.items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.command, parts.path, params, body, headers)
        route = self.found(f"{self.command} {parts.path}")
        status, content = route(asked) if callable(route) else route
        more = content.headers if isinstance(content, Said) else {}
        content = content.text if isinstance(content, Said) else content
        plain = isinstance(content, str)
        raw = content.encode() if plain else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain" if plain else "application/json")
        self.send_header("Content-Length", str(len(raw)))
        for name, value in more.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)

    do_GET = do_POST = do_PUT = do_DELETE = answer

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


def handler_of(found: Callable[[str], Route]) -> type[BaseHTTPRequestHandler]:
    """A handler that answers by what is found for ``METHOD PATH``."""
    return type("Handler", (_Handler,), {"found": staticmethod(found)})


@contextmanager
def serve(routes: Routes) -> Iterator[str]:
    """The server's base address while the block runs."""
    handler = handler_of(lambda name: routes.get(name, NOT_FOUND))
    with listening(ThreadingHTTPServer(("127.0.0.1", 0), handler)) as address:
        yield address


@contextmanager
def listening(server: ThreadingHTTPServer) -> Iterator[str]:
    """The base address of a server that answers while the block runs."""
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def dead_address() -> str:
    """An address where nobody listens."""
    return f"http://127.0.0.1:{free_port()}"


def free_port() -> int:
    """A port that nobody had a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
