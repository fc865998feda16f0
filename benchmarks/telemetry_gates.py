"""What the metrics cost the real url and path gates under 20 threads: the application's gatekeeper with and without
its decorators, in one run.

``python -m benchmarks.telemetry_gates [passes]``. The same inputs, one in ten of them rejected; names
resolve from a table, so no network is in the figures. Rounds alternate; calls per second are of the best of each
side, and the overhead is the median over pairs of rounds, of processor time: what else the machine does at the
time is hardly in it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from inspect import unwrap
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

from stack.app.faults import Faults
from stack.app.gatekeeper import Gatekeeper
from stack.app.gates import url
from stack.app.gates.policy import DEFAULT_POLICY
from stack.app.gates.types import Rejected

THREADS = 20
ROUNDS = 31
URLS = (
    "https://example.org/a/b?q=1",
    "http://example.net:80/index.html",
    "https://www.example.com/path/to/file.tar.gz",
    "https://bücher.example/katalog",
    "https://sub.domain.example.org/",
    "http://example.com/a%20b",
    "https://example.org:443/x",
    "https://93.184.215.14/",
    "https://example.net/feed.xml",
    "https://user:secret@example.org/",
)
PATHS = (
    "docs/readme.md",
    "a/b/c/d.txt",
    "src/main.py",
    "images/logo.svg",
    "données/été.csv",
    "data/2024/01/values.parquet",
    "LICENSE",
    "lib/module/__init__.py",
    "notes/meeting minutes.txt",
    "../etc/passwd",
)
Call = Callable[[], None]


def resolve(host: str) -> list[str]:
    """A public address for every name."""
    return ["93.184.215.14"]


def urls(measured: bool, look_up: url.Resolver = resolve) -> Call:
    """One pass over the URLs, as the application asks, with or without metrics."""
    gates = Gatekeeper(DEFAULT_POLICY, Faults())
    check = Gatekeeper.check_url if measured else unwrap(Gatekeeper.check_url)

    def once() -> None:
        for text in URLS:
            with suppress(Rejected):
                check(gates, text, look_up)

    return once


def paths(measured: bool, root: Path | None = None) -> Call:
    """One pass over the paths, likewise."""
    gates = Gatekeeper(DEFAULT_POLICY, Faults())
    check = Gatekeeper.check_path if measured else unwrap(Gatekeeper.check_path)

    def once() -> None:
        for text in PATHS:
            with suppress(Rejected):
                check(gates, text, root)

    return once


def cpu_seconds(call: Call, passes: int, pool: ThreadPoolExecutor) -> tuple[float, float]:
    """Processor and wall-clock time of ``passes`` passes shared out among the threads."""

    def work(_: int) -> None:
        for _ in range(passes // THREADS):
            call()

    cpu, wall = process_time(), perf_counter()
    list(pool.map(work, range(THREADS)))
    return process_time() - cpu, perf_counter() - wall


def compare(name: str, sides: tuple[Call, Call], passes: int) -> None:
    """Prints calls per second on both sides and the overhead."""
    times: tuple[list[tuple[float, float]], list[tuple[float, float]]] = ([], [])
    with ThreadPoolExecutor(THREADS) as pool:
        for turn in range(ROUNDS):
            for side in (0, 1) if turn % 2 else (1, 0):
                times[side].append(cpu_seconds(sides[side], passes, pool))
    pairs = zip(*times, strict=True)
    overhead = median(measured / without - 1 for (without, _), (measured, _) in pairs)
    calls = passes // THREADS * THREADS * len(URLS)
    bare_rate, measured_rate = (calls / min(wall for _, wall in rounds) for rounds in times)
    print(
        f"{name:16} without {bare_rate:9,.0f}/s   with metrics {measured_rate:9,.0f}/s   "
        f"overhead {100 * overhead:5.1f} % of the processor time"
    )


def main() -> int:
    """Compares both gates."""
    passes = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    compare("url_gate", (urls(False), urls(True)), passes)
    compare("filesystem_gate", (paths(False), paths(True)), passes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
