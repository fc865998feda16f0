"""How the commands grow with files of one's own: seconds of plan, validate, reload and smoke at three sizes.

    python -m benchmarks.growth [--targets 1000] [--dashboards 200] [--rules 2000]

Each is told as passed time / its own time of a processor. Sizes are nothing, half and the whole; linear growth is a
whole that costs at most twice what the half does, above what nothing costs. The targets are one small page of this
process under 1,000 names, so that all of them are up.
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

from tests.e2e.stack_command import Stack

NAME, BASE = "bench-growth", 23200
COMMANDS = ("validate", "reload", "plan", "smoke")
PER_GROUP = 50
SCRAPE = """\
scrape_configs:
  - job_name: grown
    scrape_interval: 30s
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


def main() -> int:
    """Runs the three sizes in one stack and prints a table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--targets", type=int, default=1000)
    options.add_argument("--dashboards", type=int, default=200)
    options.add_argument("--rules", type=int, default=2000)
    whole = options.parse_args()
    print(f"{'':<36}" + "".join(f"{command:>16}" for command in COMMANDS))
    server = http.server.ThreadingHTTPServer(("0.0.0.0", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    page = f"host.docker.internal:{server.server_address[1]}"
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack.make(NAME, BASE, Path(folder), STACK_GRAFANA="off", STACK_LOAD="off")
        stack.ok("start", "--quick")
        try:
            for share in (0.0, 0.5, 1.0):
                counts = [round(n * share) for n in (whole.targets, whole.dashboards, whole.rules)]
                grow(stack.home / "own", page, *counts)
                row = [cost(stack, command) for command in COMMANDS]
                title = "{} targets, {} boards, {} rules".format(*counts)
                print(
                    f"{title:<36}" + "".join(f"{took:8.2f}/{used:5.2f} s" for took, used in row), flush=True
                )
        finally:
            stack.away()
    return 0


def cost(stack: Stack, command: str) -> tuple[float, float]:
    """What the command takes, from its start to its end, and its own time of a processor, in seconds."""
    began, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    stack.ok(command)
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
