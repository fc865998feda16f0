"""Four figures of a fresh stack: the first panel with data, the idle memory of all, its series, fault to notification.

    python -m benchmarks.first_numbers [--idle 60] [--drill stale-writes --drill target-gone]

Virtual environment and images are made before, by a start that does not count. The clock starts with the command
``start`` and stops when the query of a shipped dashboard has data; one that fills its gaps with ``vector(...)`` has
some before anything is scraped, and does not count. Memory is what the engine counts for all containers together,
without the page cache, after ``--idle`` seconds in which nobody looks. The faults are those of ``drill``, and the
notification what the application, as Alertmanager's receiver, has got; a drill lasts until its end is told too, which
for ``target-gone`` takes five minutes more.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from requests import ConnectionError as Refused

from stack.common.wait import NotYet, TimedOut, until
from stack.dashboards.queries import panel_queries
from tests.e2e.stack_command import Stack

NAME, BASE = "bench-first", 23500
DRILLS = ["stale-writes", "target-gone"]
PATIENCE = 120.0


def main() -> int:
    """One stack, measured and removed."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--idle", type=float, default=60.0)
    options.add_argument("--drill", action="append", metavar="NAME")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack.make(NAME, BASE, Path(folder), STACK_GRAFANA="off", STACK_FAULTS="true")
        try:
            stack.away()  # what a run that was killed has left
            stack.ok("start", "--no-smoke")
            stack.away()
            started(stack)
            time.sleep(given.idle)
            sizes(stack)
            for name in given.drill or DRILLS:
                (row,) = json.loads(stack("drill", name, "--yes", "--json").out)["drills"]
                say(
                    "fault to notification",
                    f"{row['told']:.1f} s ({name}, bound {row['bound']['told']:.0f} s)",
                )
        finally:
            stack.away()
    return 0


def started(stack: Stack) -> None:
    """Starts it and tells when the first panel had data, and when all had that were to have any."""
    queries = list(asked(stack.home / "grafana/dashboards"))
    began = time.perf_counter()
    process = stack.begin("start")

    def first() -> str:
        if process.poll():
            raise SystemExit(f"start ended with exit code {process.returncode}")
        return with_data(stack, queries)

    try:
        panel = until(first, seconds=PATIENCE, every=0.05)
        say("first panel with data", f"{time.perf_counter() - began:.1f} s ({panel})")
    except (SystemExit, TimedOut) as error:
        out, err = process.communicate(timeout=300)
        raise SystemExit(f"{error}; what start says:\n{out}{err}") from error
    process.communicate(timeout=300)
    say("start, all panels proven", f"{time.perf_counter() - began:.1f} s")


def asked(dashboards: Path) -> Iterator[tuple[str, str]]:
    """Place and query of each panel of the shipped dashboards that shows what was scraped, and nothing else."""
    for path in sorted(dashboards.glob("*.json")):
        for query in panel_queries(path.read_text()):
            if "vector(" not in query.expr:
                yield f"{path.stem}: {query.panel_title}", query.expr


def with_data(stack: Stack, queries: list[tuple[str, str]]) -> str:
    """The first panel with data."""
    try:
        found = next((place for place, query in queries if stack.query(query)), None)
    except Refused as error:
        raise NotYet(f"Prometheus does not answer: {error}") from error
    if found is None:
        raise NotYet(f"none of {len(queries)} queries has data")
    return found


def sizes(stack: Stack) -> None:
    """Memory of each container, and series."""
    told = json.loads(stack("status", "--json").out)
    memory = {row["component"]: row["memory_bytes"] / 2**20 for row in told["components"]}
    each = ", ".join(f"{name} {used:.0f}" for name, used in memory.items())
    say("idle memory", f"{sum(memory.values()):.0f} MiB ({each})")
    jobs = stack.query("sort_desc(sum by (job) (scrape_samples_post_metric_relabeling))")
    head = stack.query("prometheus_tsdb_head_series")[0]
    say("series", f"{head:.0f}, of which {sum(jobs):.0f} are scraped from {len(jobs)} jobs")


def say(what: str, figure: str) -> None:
    """One line, at once."""
    print(f"{what:<25} {figure}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
