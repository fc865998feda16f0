"""The application under 500 hostile connections of one kind after the other: its memory, and how long a scrape takes.

    python -m benchmarks.hostile_http [--seconds 10] [--connections 500] [--only KIND]

Starts ``python -m stack.app`` of its own on loopback, with a name server that never answers, and the attackers in a
process of theirs. Prints for each kind the slowest scrape, the processor time that the application had during it (where
other work of the machine is not in it), the failed scrapes, and the largest resident set so far. Ends with 1 when a
scrape took more than a second, failed, or memory passed 384 MiB.
"""

from __future__ import annotations

import argparse
import io
import json
import lzma
import multiprocessing
import os
import socket
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path

ROOT = Path(__file__).parents[1]
LIMIT_MIB = 384
OPENED_AT_ONCE = 20
CHILD = """
import sys
from stack.app.gates import lookup
lookup.LOOKUPS._servers = [sys.argv.pop(1)]
from stack.app.__main__ import main
sys.exit(main())
"""


def head(method: str, path: str, length: int | None = None, kind: str = "application/json") -> bytes:
    framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    return f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\n{framing}\r\n\r\n".encode()


def post(path: str, body: bytes, kind: str = "application/json") -> bytes:
    return head("POST", path, len(body), kind) + body


def form(*parts: bytes) -> bytes:
    body = b"".join(b"--x\r\n" + part + b"\r\n" for part in parts) + b"--x--\r\n"
    return post("/gates/archive", body, "multipart/form-data; boundary=x")


def file(content: bytes) -> bytes:
    return b'Content-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + content


def bomb() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for number in range(20):
            made.writestr(f"{number}.bin", os.urandom(1 << 10) * 80)
    return buffer.getvalue()


def dictionaries() -> bytes:
    """Two LZMA dictionaries of 64 MiB, one in the other, both filled."""
    packed = {"format": lzma.FORMAT_XZ, "filters": [{"id": lzma.FILTER_LZMA2, "dict_size": 64 << 20}]}
    content = b"".join(os.urandom(800) + bytes(80_000) for _ in range(900))
    for name in ("inner.tar.xz", "outer.tar.xz"):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as made:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            made.addfile(member, io.BytesIO(content))
        content = lzma.compress(buffer.getvalue(), **packed)  # type: ignore[arg-type]
    return content


LISTS = b"[" + b",".join([b"[]"] * 340_000) + b"]"
CALL = b'{"tool_id": "text-search", "arguments": {"query": "b", "text": "%s"}}' % (b"a\\n" * 250_000)
ARCHIVE = bomb()
DICTIONARIES = dictionaries()

KINDS: dict[str, Callable[[int], bytes]] = {
    "idle": lambda n: b"",
    "half a head": lambda n: b"GET / HTTP/1.1\r\nHo",
    "silent names": lambda n: post("/gates/url", b'{"url": "http://n%d.example.com/"}' % n),
    "never read search": lambda n: head("GET", "/memory/project_history/search?limit=200", 0) * 20,
    "never read metrics": lambda n: head("GET", "/metrics", 0) * 50,
    "never read document": lambda n: head("GET", "/openapi.json", 0) * 50,
    "slow bodies": lambda n: head("POST", "/memory/session_context", 1_000_000) + b"[" * 900_000,
    "lists to tools": lambda n: post(
        "/tools/execute", b'{"tool_id": "hash", "arguments": {"a": %s}}' % LISTS
    ),
    "lists to memory": lambda n: post("/memory/session_context", b'{"payload": {"a": %s}}' % LISTS),
    "lists as alerts": lambda n: post("/alerts", b'{"status": "firing", "alerts": %s}' % LISTS),
    "lists as siblings": lambda n: post("/gates/path", b'{"path": "a", "siblings": %s}' % LISTS),
    "tiny chunks": lambda n: head("POST", "/alerts") + b"1\r\n[\r\n" * 150_000,
    "large fields": lambda n: form(b'Content-Disposition: form-data; name="a"\r\n\r\n' + b"x" * 3_000_000),
    "line ends": lambda n: form(file(b"\r\n-" * 1_000_000)),
    "no forms": lambda n: head("POST", "/gates/archive", 20_000_000, "text/plain") + bytes(19_000_000),
    "archives": lambda n: form(file(ARCHIVE)),
    "dictionaries": lambda n: form(file(DICTIONARIES)),
    "text searches": lambda n: post("/tools/execute", CALL),
    "long waits": lambda n: post(
        "/tools/execute", b'{"tool_id": "wait", "arguments": {"seconds": 60}, "timeout_ms": 60000}'
    ),
    "packets": lambda n: (
        post(
            "/memory/project_history", b'{"payload": {"n": %d, "a": [%s]}}' % (n, b",".join([b"[]"] * 20_000))
        )
        * 3
    ),
}


class Scrapes:
    """Scrapes four times a second until stopped; seconds and the application's processor time, and what failed."""

    def __init__(self, port: int, pid: int) -> None:
        self.seconds: list[tuple[float, float]] = []
        self.failed: list[str] = []
        self._port = port
        self._pid = pid
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._end.wait(0.25):
            started, cpu = time.monotonic(), cpu_seconds(self._pid)
            connection = HTTPConnection("127.0.0.1", self._port, timeout=10)
            try:
                connection.request("GET", "/metrics")
                if connection.getresponse().read()[:6] != b"# HELP":
                    self.failed.append("no metrics")
            except (OSError, HTTPException) as failure:
                self.failed.append(repr(failure))
            finally:
                connection.close()
            self.seconds.append((time.monotonic() - started, cpu_seconds(self._pid) - cpu))


def attack(port: int, connections: int, seconds: float, make: Callable[[int], bytes]) -> None:
    """Holds connections open, each with as much of its bytes sent as the server takes; reads nothing.

    One that the server ends is opened again, 2,000 a second in all.
    """
    end = time.monotonic() + seconds
    made = [make(0)] if len(make(0)) > 100_000 else [make(number) for number in range(connections)]
    held: dict[int, tuple[socket.socket, memoryview]] = {}
    count = 0
    while time.monotonic() < end:
        for _ in range(min(connections - len(held), OPENED_AT_ONCE)):
            asking = socket.socket()
            asking.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            asking.setblocking(False)
            asking.connect_ex(("127.0.0.1", port))
            held[asking.fileno()] = (asking, memoryview(made[count % len(made)]))
            count += 1
        for number, (asking, left) in list(held.items()):
            try:
                sent = asking.send(left[:65536]) if left else 0
                held[number] = (asking, left[sent:])
                gone = not left and asking.recv(1, socket.MSG_PEEK) == b""
            except BlockingIOError:
                gone = False
            except OSError:
                gone = True
            if gone:
                asking.close()
                del held[number]
        time.sleep(0.01)
    for asking, _ in held.values():
        with suppress(OSError):
            asking.close()


def memory_mib(pid: int, name: str) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith(name))


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def attacked(port: int, connections: int, seconds: float, kind: str) -> None:
    attack(port, connections, seconds, KINDS[kind])


def fill(port: int) -> None:
    """Packets that make a search as large as it can be."""
    payload = {"text": "x" * 60_000}
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    for _ in range(200):
        body = json.dumps({"payload": payload})
        connection.request("POST", "/memory/project_history", body, {"Content-Type": "application/json"})
        connection.getresponse().read()


def serving(folder: str, name_server: str) -> tuple[subprocess.Popen[str], int]:
    command = [sys.executable, "-c", CHILD, name_server, "--data", folder, "--port", "0"]
    child = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    assert child.stderr is not None
    for line in child.stderr:
        found = json.loads(line)
        if found["message"] == "serving":
            threading.Thread(target=lambda: list(child.stderr or ()), daemon=True).start()
            return child, int(found["port"])
    raise RuntimeError("it did not start")


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--seconds", type=float, default=10)
    options.add_argument("--connections", type=int, default=500)
    options.add_argument("--only", choices=KINDS, nargs="*", default=list(KINDS))
    asked = options.parse_args()
    bad = False
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind(("127.0.0.1", 0))
    with tempfile.TemporaryDirectory() as folder:
        child, port = serving(folder, f"127.0.0.1:{silent.getsockname()[1]}")
        try:
            fill(port)
            print(f"{'at rest':20} {memory_mib(child.pid, 'VmRSS'):6.0f} MiB")
            for kind in asked.only:
                attackers = multiprocessing.Process(
                    target=attacked, args=(port, asked.connections, asked.seconds, kind)
                )
                attackers.start()
                scrapes = Scrapes(port, child.pid)
                attackers.join()
                scrapes.stop()
                (worst, cpu), peak = max(scrapes.seconds), memory_mib(child.pid, "VmHWM")
                shown = (
                    f"{len(scrapes.seconds):3} scrapes, slowest {worst:5.2f} s ({cpu:.2f} s of it at work), "
                    f"{len(scrapes.failed)} failed"
                )
                print(f"{kind:20} {peak:6.0f} MiB  {shown} {scrapes.failed[:1]}", flush=True)
                bad |= worst > 1 or bool(scrapes.failed) or peak > LIMIT_MIB
        finally:
            child.terminate()
            child.wait()
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
