"""The local engine behind a socket that makes it a poorer one: fewer CPUs, no quotas, no right to raise limits.

It refuses what such an engine refuses, in its words, and passes everything else on.
"""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.contract.engine_gate import SOCKET


@dataclass
class Poverty:
    """``info`` replaces fields of ``GET /info``; ``ulimits``: a container that asks for them does not start.

    ``engine``: the path of the real one's socket; ``marks``: whether it says of a container that it was out of memory.
    """

    info: dict[str, Any] = field(default_factory=dict)
    ulimits: bool = True
    marks: bool = True
    engine: str = SOCKET

    def refusal(self, method: str, path: str, body: bytes) -> tuple[int, str] | None:
        """Status and words for what this engine cannot do."""
        if method == "POST" and path.endswith("/create") and "/containers/" in path:
            asked = json.loads(body)["HostConfig"].get("NanoCpus", 0)
            if asked and self.info.get("CpuCfsQuota") is False:
                return 400, "NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler"
            cpus = self.info.get("NCPU", asked)
            if asked > cpus * 1_000_000_000:
                return (
                    400,
                    f"Range of CPUs is from 0.01 to {cpus}.00, as there are only {cpus} CPUs available",
                )
        if method == "POST" and path.endswith("/start") and "/containers/" in path and not self.ulimits:
            _, _, found = ask(self.engine, "GET", path.removesuffix("/start") + "/json", b"", {})
            if json.loads(found).get("HostConfig", {}).get("Ulimits"):
                return 500, (
                    "OCI runtime create failed: container_linux.go:380: starting container process caused: "
                    "process_linux.go:545: container init caused: process_linux.go:508: setting rlimits for "
                    "ready process caused: error setting rlimit type 7: operation not permitted: unknown"
                )
        return None


class UnixConnection(http.client.HTTPConnection):
    """To the real engine, whose socket's path stands for the host."""

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.host)


def ask(
    engine: str, method: str, path: str, body: bytes, headers: dict[str, str]
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the real engine's answer."""
    connection = UnixConnection(engine)
    connection.request(method, path, body or None, {"Host": "engine", **headers})
    answer = connection.getresponse()
    found = answer.read()
    connection.close()
    return answer.status, dict(answer.getheaders()), found


class Handler(BaseHTTPRequestHandler):
    """One request: refused, changed or passed on."""

    poverty = Poverty()

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.partition("?")[0]
        refused = self.poverty.refusal(self.command, path, body)
        if refused:
            self.reply(refused[0], {"Content-Type": "application/json"}, message(refused[1]))
            return
        kept = {k: v for k, v in self.headers.items() if k.lower() in ("content-type", "x-registry-auth")}
        status, headers, found = ask(self.poverty.engine, self.command, self.path, body, kept)
        if path.endswith("/info"):
            found = json.dumps(json.loads(found) | self.poverty.info).encode()
        if path.endswith("/json") and not self.poverty.marks:
            found = found.replace(b'"OOMKilled":true', b'"OOMKilled":false')
        self.reply(status, headers, found)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = handle_any

    def reply(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "date", "server"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        with suppress(BrokenPipeError):  # the command was told enough
            self.end_headers()
            self.wfile.write(body if self.command != "HEAD" else b"")

    def address_string(self) -> str:
        return "unix"

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


class Server(ThreadingHTTPServer):
    """On a socket of this machine."""

    address_family = socket.AF_UNIX
    daemon_threads = True

    def server_bind(self) -> None:
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = "engine", 0


def message(text: str) -> bytes:
    return json.dumps({"message": text}).encode()


@contextmanager
def poor_engine(folder: Path, poverty: Poverty) -> Iterator[str]:
    """Its address while the block runs."""
    path = folder / "poor.sock"
    server = Server(str(path), type("Poor", (Handler,), {"poverty": poverty}))  # type: ignore[arg-type]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"unix://{path}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
