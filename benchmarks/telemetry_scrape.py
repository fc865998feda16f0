"""How long a scrape takes: the application's own registry, and one of 10,000 series beside it, in one run.

``python -m benchmarks.telemetry_scrape [series]``. Prints time and size in both formats and the ratio.
"""

from __future__ import annotations

import sys
from time import perf_counter

from prometheus_client import CollectorRegistry, Counter

from stack.telemetry.exposition import expose
from stack.telemetry.series import Series

ROUNDS = 5
FORMATS = {"text": "", "openmetrics": "application/openmetrics-text"}


def large(series: int) -> CollectorRegistry:
    """A registry with that many series in one family."""
    registry = CollectorRegistry()
    family = Counter("requests_total", "Requests.", ["route", "status"], registry=registry)
    for number in range(series):
        family.labels(f"/route/{number // 5}", str(200 + number % 5)).inc(number)
    return registry


def milliseconds(accept: str, registry: CollectorRegistry) -> tuple[float, int]:
    """The best of some rounds, and the size of the body."""
    best, size = float("inf"), 0
    for _ in range(ROUNDS):
        started = perf_counter()
        size = len(expose(accept, registry).body)
        best = min(best, perf_counter() - started)
    return best * 1000, size


def main() -> int:
    """Prints one line per format."""
    series = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    application, many = Series().registry, large(series)
    own = sum(len(family.samples) for family in application.collect())
    for name, accept in FORMATS.items():
        small_ms, small_size = milliseconds(accept, application)
        large_ms, large_size = milliseconds(accept, many)
        print(
            f"{name:12} {own} series {small_ms:6.1f} ms {small_size:8,} bytes   "
            f"{series} series {large_ms:6.1f} ms {large_size:9,} bytes   ratio {large_ms / small_ms:.1f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
