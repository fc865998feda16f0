"""What the audit costs ``POST /tools/execute`` over HTTP on loopback: a server with it against one without, in one run.

    python -m benchmarks.audit_http [--rounds N] [--seconds S] [--clients C]

Each server is the application as it is, in a process of its own; the one without audit has a registry without a
sink, which no setting of the application gives. Rounds alternate, the side that begins changes, and a round with
audit ends when its audits are stored. Prints requests per second (the best of each side), and as medians over the
pairs of rounds: the ratio of requests per second, and of the server's processor time per request.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from time import perf_counter, sleep
from typing import Any

from stack.app.assembly import open_context
from stack.app.http.server import Server
from stack.app.settings import AppSettings
from stack.app.tools.builtin import shipped_tools
from stack.app.tools.registry import ToolRegistry

CALL = json.dumps({"tool_id": "hash", "arguments": {"data": "some text " * 20}, "agent_id": "bench"})
TICKS = os.sysconf("SC_CLK_TCK")


def serve(folder: Path, audited: bool) -> None:
    """The application until SIGTERM; its port is the one line of output."""
    context = open_context(AppSettings(data=folder, log_level="error"))
    if not audited:
        tools = shipped_tools(context.gates, scratch=context.scratch)
        context.tools = ToolRegistry(tools, context.gates.policy.tools, None)
    listening = socket.create_server(("127.0.0.1", 0), backlog=512)
    print(listening.getsockname()[1], flush=True)
    Server(context).run(sockets=[listening])


@contextmanager
def server(folder: Path, side: str) -> Iterator[tuple[int, int]]:
    """Process number and port of a server."""
    command = [sys.executable, "-m", "benchmarks.audit_http", "--serve", side, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield process.pid, int(process.stdout.readline())
        finally:
            process.send_signal(signal.SIGTERM)


@dataclass(frozen=True)
class Round:
    """Requests per second, and seconds of the server's processor time per request."""

    rate: float
    cpu: float


def measure(pid: int, port: int, clients: int, seconds: float) -> Round:
    """One round on one server."""
    counts = [0] * clients
    cpu, end = cpu_seconds(pid), perf_counter() + seconds

    def work(slot: int) -> None:
        connection = HTTPConnection("127.0.0.1", port)
        while perf_counter() < end:
            ask(connection, "POST", "/tools/execute", CALL)
            counts[slot] += 1
        connection.close()

    threads = [threading.Thread(target=work, args=(slot,)) for slot in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    settle(port)
    return Round(sum(counts) / seconds, (cpu_seconds(pid) - cpu) / sum(counts))


def settle(port: int) -> None:
    """Wait until no audit waits."""
    connection = HTTPConnection("127.0.0.1", port)
    while ask(connection, "GET", "/health/detailed")["parts"]["audit"]["bytes_waiting"]:
        sleep(0.01)
    connection.close()


def ask(connection: HTTPConnection, method: str, path: str, body: str | None = None) -> Any:
    """One request on a connection that stays."""
    connection.request(method, path, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    content = answer.read()
    assert answer.status == 200, content
    return json.loads(content)


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def compare(rounds: int, seconds: float, clients: int) -> None:
    """Runs the rounds and prints the comparison."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        sides = {side: stack.enter_context(server(Path(folder) / side, side)) for side in ("off", "on")}
        for pid, port in sides.values():
            measure(pid, port, clients, 1.0)
        seen: dict[str, list[Round]] = {"off": [], "on": []}
        for turn in range(rounds):
            for side in ("off", "on") if turn % 2 else ("on", "off"):
                seen[side].append(measure(*sides[side], clients, seconds))
    pairs = list(zip(seen["off"], seen["on"], strict=True))
    off, on = (max(each.rate for each in seen[side]) for side in ("off", "on"))
    print(
        f"POST /tools/execute, {clients} clients   audit off {off:6.0f}/s   on {on:6.0f}/s   "
        f"on/off {median(b.rate / a.rate for a, b in pairs):.2f}   "
        f"processor time per request on/off {median(b.cpu / a.cpu for a, b in pairs):.2f}"
    )


def main() -> int:
    """The comparison, or one of its servers."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.audit_http")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each round")
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--serve", nargs=2, metavar=("SIDE", "FOLDER"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(Path(given.serve[1]), given.serve[0] == "on")
    else:
        compare(given.rounds, given.seconds, given.clients)
    return 0


if __name__ == "__main__":
    sys.exit(main())
