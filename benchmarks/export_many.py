"""Seconds of a whole ``export``, from its start to its end, with many files of one's own; no engine is needed.

    python -m benchmarks.export_many [--targets 1000] [--dashboards 200] [--rules 0] [--runs 5]

The median, of a folder that is new each time and of one that holds it all already; beside it what ``--version`` takes.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.growth import grow
from tests.e2e.stack_command import Stack

KINDS = ("swarm", "kubernetes", "operator")


def main() -> int:
    """Measures and prints."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--targets", type=int, default=1000)
    options.add_argument("--dashboards", type=int, default=200)
    options.add_argument("--rules", type=int, default=0)
    options.add_argument("--runs", type=int, default=5)
    told = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack.make("bench-export", 23300, Path(folder))
        grow(stack.home / "own", "shop.example:9100", told.targets, told.dashboards, told.rules)
        least = statistics.median(took(stack, "--version") for _ in range(told.runs))
        print(
            f"{told.targets} targets, {told.dashboards} dashboards, {told.rules} rules; --version {least:.2f} s"
        )
        for kind in KINDS:
            words = ("export", kind, "-o", str(stack.home / "out"))
            new = [anew(stack, words) for _ in range(told.runs)]
            again = [took(stack, *words) for _ in range(told.runs)]
            print(
                f"export {kind}: {statistics.median(new):.2f} s, unchanged {statistics.median(again):.2f} s"
            )
    return 0


def anew(stack: Stack, words: tuple[str, ...]) -> float:
    """Into a folder that is not there."""
    shutil.rmtree(stack.home / "out", ignore_errors=True)
    return took(stack, *words)


def took(stack: Stack, *words: str) -> float:
    """Seconds of one command."""
    began = time.perf_counter()
    stack.ok(*words)
    return time.perf_counter() - began


if __name__ == "__main__":
    raise SystemExit(main())
