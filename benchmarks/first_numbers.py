"""Four figures of a fresh stack: the first panel with data, the idle memory of all, its series, fault to notification.

    python -m benchmarks.first_numbers [--idle 60]

The images are on the engine. The clock starts with the command ``start`` and stops when a query of a shipped dashboard
has data; memory is what the engine counts for all containers together, without the page cache, after ``--idle`` seconds
in which nobody looks; the fault is node_exporter, stopped by ``drill target-gone``, and the notification what the
application, as Alertmanager's receiver, has got.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from stack.common.wait import NotYet, until
from stack.dashboards.queries import panel_queries
from tests.e2e.stack_command import Stack

NAME, BASE = "bench-first", 23500


def main() -> int:
    """One stack, measured and removed."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--idle", type=float, default=60.0)
    idle = options.parse_args().idle
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack.make(NAME, BASE, Path(folder), STACK_GRAFANA="off", STACK_FAULTS="true")
        stack.ok("start", "--no-smoke")  # makes the images that are not there yet
        stack.away()
        began = time.perf_counter()
        process = stack.begin("start")
        try:
            said = until(lambda: first_panel(stack), seconds=120, every=0.1, retry=(NotYet,))
            print(f"first panel with data    {time.perf_counter() - began:.1f} s ({said})", flush=True)
            process.communicate(timeout=300)
            print(f"start proven             {time.perf_counter() - began:.1f} s", flush=True)
            time.sleep(idle)
            told = json.loads(stack("status", "--json").out)
            memory = {row["component"]: row["memory_bytes"] / 2**20 for row in told["components"]}
            each = ", ".join(f"{name} {used:.0f}" for name, used in memory.items())
            print(f"idle memory              {sum(memory.values()):.0f} MiB ({each})", flush=True)
            print(f"series                   {stack.query('prometheus_tsdb_head_series')[0]:.0f}", flush=True)
            drill = stack("drill", "target-gone", "--yes", "--json")
            (row,) = json.loads(drill.out)["drills"]
            print(f"fault to notification    {row['told']:.1f} s (bound {row['bound']})", flush=True)
        finally:
            stack.away()
    return 0


def first_panel(stack: Stack) -> str:
    """The first panel of a shipped dashboard with data, and its dashboard."""
    for path in sorted((stack.home / "grafana/dashboards").glob("*.json")):
        for panel, query in asked(path):
            with suppress(Exception):
                if stack.query(query):
                    return f"{path.stem}: {panel}"
    raise NotYet("no panel has data")


def asked(path: Path) -> list[tuple[str, str]]:
    """Title and query of each panel, for all jobs and instances."""
    return [(one.panel_title, one.expr) for one in panel_queries(path.read_text())]


if __name__ == "__main__":
    raise SystemExit(main())
