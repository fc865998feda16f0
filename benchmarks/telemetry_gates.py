"""What the metrics cost the real url and path gates under 20 threads: measured gates against bare ones, in one run.

``python benchmarks/telemetry_gates.py [calls per round]``. The same inputs, accepted and rejected ones; names resolve
from a table, so no network is in the figures. Rounds alternate; the ratio is that of the medians.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from statistics import median
from time import perf_counter

from stack.app.gates import filesystem, guarded, url
from stack.app.gates.policy import DEFAULT_POLICY
from stack.app.gates.types import Rejected

THREADS = 20
ROUNDS = 9
URLS = (
    "https://example.org/a/b?q=1",
    "http://example.net:80/index.html",
    "https://www.example.com/path/to/file.tar.gz",
    "https://user:secret@example.org/",
    "ftp://example.org/",
)
PATHS = ("docs/readme.md", "a/b/c/d.txt", "src/main.py", "../etc/passwd", "images/logo.svg")
Call = Callable[[], None]


def resolve(host: str) -> list[str]:
    """A public address for every name."""
    return ["93.184.215.14"]


def check_urls(check: Callable[..., object]) -> Call:
    """One pass over the URLs."""

    def once() -> None:
        for text in URLS:
            with suppress(Rejected):
                check(text, DEFAULT_POLICY.url, resolve)

    return once


def check_paths(check: Callable[..., object]) -> Call:
    """One pass over the paths."""

    def once() -> None:
        for text in PATHS:
            with suppress(Rejected):
                check(text, DEFAULT_POLICY.path)

    return once


def seconds(call: Call, passes: int, pool: ThreadPoolExecutor) -> float:
    """Wall-clock time of ``passes`` passes shared out among the threads."""

    def work(_: int) -> None:
        for _ in range(passes // THREADS):
            call()

    started = perf_counter()
    list(pool.map(work, range(THREADS)))
    return perf_counter() - started


def compare(name: str, bare: Call, measured: Call, passes: int) -> None:
    """Prints calls per second on both sides and the overhead."""
    bare_times, measured_times = [], []
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in range(ROUNDS):
            bare_times.append(seconds(bare, passes, pool))
            measured_times.append(seconds(measured, passes, pool))
    without, on = median(bare_times), median(measured_times)
    calls = passes // THREADS * THREADS * len(URLS)
    print(
        f"{name:16} without {calls / without:9,.0f}/s   with metrics {calls / on:9,.0f}/s   "
        f"overhead {100 * (on / without - 1):5.1f} %"
    )


def main() -> int:
    """Compares both gates."""
    passes = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    compare("url_gate", check_urls(url.check_url), check_urls(guarded.check_url), passes)
    compare("filesystem_gate", check_paths(filesystem.check_path), check_paths(guarded.check_path), passes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
