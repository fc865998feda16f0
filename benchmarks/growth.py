"""How commands, scrape and query grow with files of one's own: a hundredth, a tenth and the whole of them.

    python -m benchmarks.growth [--targets 1000] [--dashboards 200] [--rules 2000]

validate, reload, plan and smoke are told as passed time / their own time of a processor, and that as a multiple of the
smallest size's; growth is at most linear where the multiple is no more than that of the files. scrape is the median
of ``scrape_duration_seconds`` of the targets, query the best of three sums over all of them, as multiples too. The
targets are one small page of this process under that many names, so that all of them are up.
"""

from __future__ import annotations

import argparse
import http.server
import json
import resource
import shutil
import tempfile
import threading
import time
from pathlib import Path

from stack.common.wait import NotYet, until
from tests.e2e.stack_command import Stack

NAME, BASE = "bench-growth", 23200
COMMANDS = ("validate", "reload", "plan", "smoke")
SHARES = (0.01, 0.1, 1.0)
PER_GROUP = 50
SCRAPE = """\
scrape_configs:
  - job_name: grown
    scrape_interval: 15s
    file_sd_configs: [{files: [own/prometheus/targets/*.json]}]
"""


class Page(http.server.BaseHTTPRequestHandler):
    """A page with one metric."""

    def do_GET(self) -> None:
        """The page."""
        page = b"# TYPE grown gauge\ngrown 1\n"
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


class Pages(http.server.ThreadingHTTPServer):
    """Serves it; so many may wait for their connection that nobody is sent away to try again a second later."""

    request_queue_size = 1024

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: a reload ends scrapes that are on their way."""


def main() -> int:
    """Runs the three sizes in one stack and prints a table."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--targets", type=int, default=1000)
    options.add_argument("--dashboards", type=int, default=200)
    options.add_argument("--rules", type=int, default=2000)
    whole = options.parse_args()
    print(f"{'':<38}" + "".join(f"{title:>22}" for title in (*COMMANDS, "scrape", "query")))
    server = Pages(("0.0.0.0", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    page = f"host.docker.internal:{server.server_address[1]}"
    least: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack.make(NAME, BASE, Path(folder), STACK_GRAFANA="off", STACK_LOAD="off")
        stack.away()  # what a run that was killed has left
        stack.ok("start", "--quick")
        try:
            for share in SHARES:
                counts = [round(n * share) for n in (whole.targets, whole.dashboards, whole.rules)]
                grow(stack.home / "own", page, *counts)
                told = measured(stack, counts[0])
                least = least or [compared for _, compared in told]
                cells = [
                    f"{text} x{compared / first:.1f}"
                    for (text, compared), first in zip(told, least, strict=True)
                ]
                title = "{} targets, {} boards, {} rules".format(*counts)
                print(f"{title:<38}" + "".join(f"{cell:>22}" for cell in cells), flush=True)
        finally:
            stack.away()
    return 0


def measured(stack: Stack, targets: int) -> list[tuple[str, float]]:
    """Each column's text, and the figure that is compared."""
    cells: list[tuple[str, float]] = []
    for command in COMMANDS:
        took, used = cost(stack, command)
        cells.append((f"{took:.2f}/{used:.2f} s", used))
        if command == "reload":
            until(lambda: all_up(stack, targets), seconds=120, every=0.5)
    (scrape,) = stack.query('quantile(0.5, scrape_duration_seconds{job="grown"})')
    query = min(asking(stack) for _ in range(3))
    return [*cells, (f"{scrape * 1000:.1f} ms", scrape), (f"{query * 1000:.1f} ms", query)]


def all_up(stack: Stack, targets: int) -> None:
    """Returns once each target has answered."""
    up = sum(stack.query('sum(up{job="grown"})'))
    if up < targets:
        raise NotYet(f"{up:.0f} of {targets} targets are up")


def asking(stack: Stack) -> float:
    """Seconds of one query over all targets."""
    began = time.perf_counter()
    assert stack.query('sum(avg_over_time(grown{job="grown"}[5m]))')
    return time.perf_counter() - began


def cost(stack: Stack, *words: str) -> tuple[float, float]:
    """What the command takes, from its start to its end, and its own time of a processor, in seconds."""
    began, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    stack.ok(*words)
    took, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime


def grow(own: Path, page: str, targets: int, dashboards: int, rules: int) -> None:
    """Files of one's own in these numbers, in place of those that were there."""
    shutil.rmtree(own, ignore_errors=True)
    for folder in ("prometheus/scrape", "prometheus/rules", "prometheus/targets", "grafana/dashboards"):
        (own / folder).mkdir(parents=True)
    (own / "prometheus/scrape/grown.yml").write_text(SCRAPE if targets else "scrape_configs: []\n")
    for first in range(0, targets, 100):
        numbers = range(first, min(targets, first + 100))
        found = [{"targets": [page], "labels": {"instance": f"one-{n}"}} for n in numbers]
        (own / f"prometheus/targets/{first}.json").write_text(json.dumps(found))
    for first in range(0, rules, PER_GROUP):
        (own / f"prometheus/rules/{first}.yml").write_text(group(first, min(rules, first + PER_GROUP)))
    for number in range(dashboards):
        (own / f"grafana/dashboards/{number}.json").write_text(json.dumps(board(number)))


def group(first: int, last: int) -> str:
    """One file of rules."""
    lines = ["groups:", f"  - name: grown-{first}", "    rules:"]
    for number in range(first, last):
        expr = f'sum by (job) (up{{job="prometheus"}}) + {number}'
        lines += [f"      - record: grown:up:{number}", f"        expr: {expr}"]
    return "\n".join(lines) + "\n"


def board(number: int) -> dict[str, object]:
    """One dashboard of four panels."""
    panels = [
        {
            "id": one + 1,
            "type": "timeseries",
            "title": f"Panel {one}",
            "gridPos": {"x": 12 * (one % 2), "y": 8 * (one // 2), "w": 12, "h": 8},
            "targets": [{"refId": "A", "expr": f"sum by (job) (up) + {number + one}"}],
        }
        for one in range(4)
    ]
    return {"uid": f"grown-{number}", "title": f"Grown {number}", "panels": panels, "schemaVersion": 41}


if __name__ == "__main__":
    raise SystemExit(main())
