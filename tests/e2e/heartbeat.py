"""A service outside that waits for pings, as healthchecks and its kind do: it counts what is posted to it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.e2e.outside import HOST


@dataclass
class Service:
    """The bodies that have come to ``/ping/secret-uuid``, in their order, and anything that came elsewhere."""

    port: int = 0
    heard: list[dict[str, Any]] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Its address for containers."""
        return f"http://{HOST}:{self.port}/ping/secret-uuid"


@contextmanager
def service() -> Iterator[Service]:
    """It listens while the block runs."""
    made = Service()

    class Ping(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.path == "/ping/secret-uuid":
                made.heard.append(json.loads(body))
            else:
                made.strays.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("0.0.0.0", 0), Ping)
    server.daemon_threads = True
    made.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
