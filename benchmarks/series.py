"""What series cost this Prometheus: memory, disk, scrape, queries, reload and restart at several sizes, a stack each.

    python -m benchmarks.series [10000 100000 1000000 ...] [--seconds 120] [--interval 15] [--memory 6g]

Pages of this process give that many series, 1,000 of each name, by ten targets; a fifth of the values change from
scrape to scrape. Figures are taken after ``--seconds`` of scrapes. Memory is what the engine counts for the container
without the page cache; "most" is the most that the process itself has seen of its resident memory in that time, and
"per series" is what that is above the stack without series, which is told first. Bytes on disk are those of the
write-ahead log and of the head, which after two hours become blocks, compressed once more. Processors are those that
Prometheus kept busy in the last minute, replay is what it needs to read its log after a restart. The pages of a million
take 0.5 GB of this process too.
"""

from __future__ import annotations

import argparse
import http.server
import json
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from stack.common.wait import NotYet, until
from tests.e2e.stack_command import Stack

NAME, BASE = "bench-series", 23400
PAGES = 10
PER_NAME = 1000
VARIANTS = 5
JOB = "avalanche"
REST = 60.0
"""Seconds that the stack without series is given at most."""
SCRAPE = """\
scrape_configs:
  - job_name: avalanche
    scrape_interval: {interval}s
    scrape_timeout: {timeout}s
    static_configs:
"""
HEADER = (
    "series",
    "memory",
    "most",
    "per series",
    "WAL + head",
    "processors",
    "scrape",
    "one",
    "sum by",
    "sum of all",
    "reload",
    "plan",
    "replay",
)


class Pages:
    """All pages in all variants, as bytes: made once, so that serving them costs nothing."""

    def __init__(self, series: int) -> None:
        self.turn = [0] * PAGES
        each = series // PAGES
        self.bodies = [[_page(page, each, variant) for variant in range(VARIANTS)] for page in range(PAGES)]

    def next(self, page: int) -> bytes:
        """The page as it is now."""
        self.turn[page] += 1
        return self.bodies[page][self.turn[page] % VARIANTS]


def _page(page: int, series: int, variant: int) -> bytes:
    lines = []
    for number in range(series):
        if number % PER_NAME == 0:
            lines.append(f"# TYPE grown_{number // PER_NAME}_total counter")
        value = number * 7 + (variant if number % VARIANTS == variant else 0)
        labels = f'page="{page}",path="/api/v1/items/{number % PER_NAME}",method="GET",code="200"'
        lines.append(f"grown_{number // PER_NAME}_total{{{labels}}} {value}")
    return ("\n".join(lines) + "\n").encode()


def serving(pages: Pages) -> http.server.ThreadingHTTPServer:
    """A server of the pages, by their number as the path."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            number = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query).get("page", ["0"])[0]
            body = pages.next(int(number))
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    server = http.server.ThreadingHTTPServer(("0.0.0.0", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def main() -> int:
    """One stack for each size; a table at the end of each."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("series", type=int, nargs="*", default=[10_000, 100_000])
    options.add_argument("--seconds", type=float, default=120.0)
    options.add_argument("--interval", type=int, default=15, help="seconds from scrape to scrape, 2 or more")
    options.add_argument("--memory", default="6g", help="limit of Prometheus' container")
    given = options.parse_args()
    print("  ".join(f"{word:>14}" for word in HEADER), flush=True)
    base = 0.0
    for size in (0, *given.series):
        row, base = measured(size, given, base)
        print("  ".join(f"{cell:>14}" for cell in row), flush=True)
    return 0


def measured(size: int, given: argparse.Namespace, base: float) -> tuple[list[str], float]:
    """One row; ``base`` is the memory without series, which the row of none gives."""
    server = serving(Pages(size))
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack.make(
            NAME,
            BASE,
            Path(folder),
            STACK_GRAFANA="off",
            STACK_COMPONENTS="app=off",
            STACK_PROMETHEUS_MEMORY=given.memory,
        )
        if size:
            (stack.home / "own/prometheus/scrape").mkdir(parents=True)
            (stack.home / "own/prometheus/scrape/grown.yml").write_text(
                job(server.server_address[1], given.interval)
            )
        stack.away()  # what a run that was killed has left
        stack.ok("start", "--no-smoke")
        try:
            if size:
                awaited(stack, size, 4 * given.interval)
            time.sleep(given.seconds if size else min(given.seconds, REST))
            return figures(stack, size, base)
        finally:
            stack.away()
            server.shutdown()


def job(port: int, interval: int) -> str:
    """The scrape file: one target for each page."""
    groups = [
        {
            "targets": [f"host.docker.internal:{port}"],
            "labels": {"__param_page": str(n), "instance": f"page-{n}"},
        }
        for n in range(PAGES)
    ]
    return SCRAPE.format(interval=interval, timeout=interval - 1) + "".join(
        f"      - {json.dumps(group)}\n" for group in groups
    )


def awaited(stack: Stack, size: int, seconds: float) -> None:
    """Returns once all series are there, which a busy machine may need two minutes and some scrapes for."""

    def there() -> None:
        kept = sum(stack.query(f'sum(scrape_samples_scraped{{job="{JOB}"}})'))
        if kept < size:
            raise NotYet(f"{kept:.0f} of {size} series are scraped: a longer --interval?")

    until(there, seconds=120 + seconds, every=1.0)


def figures(stack: Stack, size: int, base: float) -> tuple[list[str], float]:
    """What it costs now."""
    status = json.loads(stack("status", "--json").out)
    rows = {row["component"]: row["memory_bytes"] for row in status["components"]}
    memory = float(rows["prometheus"])
    most = stack.query('max_over_time(process_resident_memory_bytes{job="prometheus"}[15m])')[0]
    head = stack.query("prometheus_tsdb_head_series")[0]
    disk = sum(
        stack.query("prometheus_tsdb_wal_storage_size_bytes + prometheus_tsdb_head_chunks_storage_size_bytes")
    )
    busy = max(stack.query('rate(process_cpu_seconds_total{job="prometheus"}[1m])'), default=0.0)
    scrape = max(stack.query(f'max(scrape_duration_seconds{{job="{JOB}"}})'), default=0.0)
    asked = [
        asking(stack, query)
        for query in (
            'grown_0_total{page="0",path="/api/v1/items/7"}' if size else "up",
            "sum by (page) (grown_0_total)" if size else "sum(up)",
            f'sum({{job="{JOB}"}})' if size else "sum(up)",
        )
    ]
    commands = [command(stack, word) for word in ("reload", "plan")]
    per = f"{(most - base) / size / 1024:.1f} KiB" if size else "-"
    return [
        f"{head:.0f}",
        f"{memory / 2**20:.0f} MiB",
        f"{most / 2**20:.0f} MiB",
        per,
        f"{disk / 2**20:.1f} MiB",
        f"{busy:.3f}",
        f"{scrape * 1000:.0f} ms",
        *(f"{took * 1000:.1f} ms" for took in asked),
        *(f"{took:.2f} s" for took in commands),
        f"{replay(stack):.1f} s",
    ], base or most


def asking(stack: Stack, query: str) -> float:
    """The best of three, in seconds."""
    url = f"{stack.url('prometheus')}/api/v1/query?{urllib.parse.urlencode({'query': query})}"

    def once() -> float:
        began = time.perf_counter()
        with urllib.request.urlopen(url, timeout=120) as answer:
            told: Any = json.load(answer)
        assert told["status"] == "success"
        return time.perf_counter() - began

    return min(once() for _ in range(3))


def replay(stack: Stack) -> float:
    """Restarts the stack and returns how long Prometheus has read its log, in seconds, as it says itself."""
    stack.ok("restart", "--no-smoke")
    with urllib.request.urlopen(f"{stack.url('prometheus')}/metrics", timeout=60) as answer:
        lines = answer.read().decode().splitlines()
    (line,) = (line for line in lines if line.startswith("prometheus_tsdb_data_replay_duration_seconds "))
    return float(line.split()[1])


def command(stack: Stack, word: str) -> float:
    """What a command takes, in seconds."""
    began = time.perf_counter()
    stack.ok(word)
    return time.perf_counter() - began


if __name__ == "__main__":
    raise SystemExit(main())
