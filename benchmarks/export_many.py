"""Seconds of a whole ``export``, from its start to its end, with many files of one's own; no engine is needed.

    python -m benchmarks.export_many [--targets 1000] [--dashboards 200] [--rules 0] [--jobs 0] [--runs 5]

Median of the passed time / the same of its own time of a processor, of a folder that is new each time and of one that
holds it all already; beside it what ``--version`` takes. Compose is ``render --own``. ``--jobs`` are scrape files with
one target each, as ``target add`` writes them, beside the targets, which lie in ten files of one job.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
from pathlib import Path

from benchmarks.growth import cost, grow
from tests.e2e.stack_command import ROOT, Stack

EXPORTS = ("swarm", "kubernetes", "operator")
JOB = """\
scrape_configs:
  - job_name: shop{number}
    static_configs:
      - targets:
          - "shop-{number}.example:9100"
"""


def main() -> int:
    """Measures and prints."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--targets", type=int, default=1000)
    options.add_argument("--dashboards", type=int, default=200)
    options.add_argument("--rules", type=int, default=0)
    options.add_argument("--jobs", type=int, default=0)
    options.add_argument("--runs", type=int, default=5)
    told = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack.make("bench-export", 23300, Path(folder))
        shutil.copy(ROOT / "docker-compose.yml", stack.home)
        grow(stack.home / "own", "shop.example:9100", told.targets, told.dashboards, told.rules)
        for number in range(told.jobs):
            file = stack.home / f"own/prometheus/scrape/shop{number}.yml"
            file.write_text(JOB.format(number=number))
        print(
            f"{told.targets} targets, {told.dashboards} dashboards, {told.rules} rules, {told.jobs} jobs; "
            f"--version {middle([cost(stack, '--version') for _ in range(told.runs)])}"
        )
        out = stack.home / "out"
        for kind in EXPORTS:
            compare(kind, stack, out, told.runs, "export", kind, "-o", str(out))
        compare("compose", stack, stack.home / f".stack/{stack.name}/compose", told.runs, "render", "--own")
    return 0


def compare(title: str, stack: Stack, out: Path, runs: int, *words: str) -> None:
    """Prints what a command takes into a folder that is not there, and into the one that it has made."""
    new = []
    for _ in range(runs):
        shutil.rmtree(out, ignore_errors=True)
        new.append(cost(stack, *words))
    again = [cost(stack, *words) for _ in range(runs)]
    print(f"{title:<10}  new {middle(new)}   unchanged {middle(again)}", flush=True)


def middle(measured: list[tuple[float, float]]) -> str:
    """The medians, as text."""
    took, used = (statistics.median(figures) for figures in zip(*measured, strict=True))
    return f"{took:.2f} / {used:.2f} s"


if __name__ == "__main__":
    raise SystemExit(main())
