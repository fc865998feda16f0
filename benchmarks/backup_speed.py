"""A backup of a running stack beside ``docker cp`` of the same volumes, in turn: seconds, bytes, and their ratios.

    python -m benchmarks.backup_speed [--runs 5] [--age SECONDS]

With a passphrase, without, and what each volume takes. ``--age``: how long the stack gathers samples first.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from tests.e2e.stack_command import Stack

DATA = {"prometheus": "/prometheus", "alertmanager": "/alertmanager", "app": "/data"}


def main() -> int:
    """Runs the comparison and prints the medians."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--age", type=float, default=30.0)
    told = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack.make("bench-backup", 23200, Path(folder), STACK_GRAFANA="off")
        stack.ok("start", "--quick")
        try:
            time.sleep(told.age)
            compare(stack, Path(folder), told.runs)
        finally:
            stack.away()
    return 0


def compare(stack: Stack, folder: Path, runs: int) -> None:
    """Each way in turn, so that what else the machine does falls on all of them."""
    key = folder / "key"
    key.write_text("correct horse\n")
    words = {"with a passphrase": ("--passphrase-file", str(key)), "without secrets": ()}
    seconds: dict[str, list[float]] = {name: [] for name in (*words, "docker cp")}
    sizes: dict[str, int] = {}
    for _ in range(runs):
        for name, more in words.items():
            file = folder / "a.backup.tar"
            file.unlink(missing_ok=True)
            began = time.perf_counter()
            stack.ok("backup", "-o", str(file), "--json", *more)
            seconds[name].append(time.perf_counter() - began)
            sizes[name] = file.stat().st_size
        began = time.perf_counter()
        sizes["docker cp"] = sum(copied(stack, component, place) for component, place in DATA.items())
        seconds["docker cp"].append(time.perf_counter() - began)
    plain = statistics.median(seconds["docker cp"])
    for name, measured in seconds.items():
        median = statistics.median(measured)
        ratios = f"ratios {median / plain:.2f} and {sizes[name] / sizes['docker cp']:.2f}"
        print(f"{name:<18} {median:6.2f} s {sizes[name] / 1e6:8.1f} MB   {ratios}")


def copied(stack: Stack, component: str, folder: str) -> int:
    """Bytes that ``docker cp`` gives of a data folder."""
    words = ["docker", "cp", f"{stack.name}-{component}:{folder}/.", "-"]
    return len(subprocess.run(words, capture_output=True, check=True, timeout=120).stdout)


if __name__ == "__main__":
    raise SystemExit(main())
