"""A changed rule file: seconds from the command's start until it is verified, and the scrapes that were missed.

    python -m benchmarks.reload_rules [--runs 5]

Beside it, in the same run, what a user of ``docker compose`` does: restart the container and wait until it serves.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import docker
import requests

from stack.clients.http import Http, HttpFailure
from stack.common.wait import until
from tests.e2e.stack_command import Stack

RULES = "prometheus/rules/app-gates.yml"
WINDOW = 60
INTERVAL = 5


def main() -> int:
    """Runs the comparison and prints both medians."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=5)
    runs = options.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack.make("bench-reload", 23100, Path(folder), STACK_GRAFANA="off")
        stack.ok("start", "--quick")
        try:
            time.sleep(WINDOW)
            ours = [reload_once(stack, number) for number in range(runs)]
            seen = samples(stack)
            theirs = [restart_once(stack) for _ in range(runs)]
        finally:
            stack.away()
    reloaded, restarted = statistics.median(ours), statistics.median(theirs)
    print(
        f"reload: {reloaded:.2f} s of work, verified; {seen:.0f} of {WINDOW // INTERVAL} scrapes in that minute"
    )
    print(f"restart of the container until ready: {restarted:.2f} s; ratio {reloaded / restarted:.2f}")
    return 0


def reload_once(stack: Stack, number: int) -> float:
    """Seconds that the command says it took, after its imports."""
    path = stack.home / RULES
    path.write_text(path.read_text() + f"# {number}\n")
    return float(stack.ok("reload", "--json").json()["seconds"])


def samples(stack: Stack) -> float:
    """Scrapes of the application within the last minute."""
    (value,) = stack.query(f'count_over_time(up{{job="app"}}[{WINDOW}s])')
    return value


def restart_once(stack: Stack) -> float:
    """Seconds until Prometheus is ready again."""
    http = Http(stack.url("prometheus"), timeout=1)
    began = time.perf_counter()
    docker.from_env().api.restart(f"{stack.name}-prometheus")
    until(lambda: http.get("/-/ready"), seconds=60, retry=(HttpFailure, requests.RequestException))
    return time.perf_counter() - began


if __name__ == "__main__":
    raise SystemExit(main())
