"""What the metrics cost the url and path gates in full use, 20 threads: names looked up through the system's
resolver, paths checked against a root on disk. ``telemetry_gates`` has the same gates without input or output.

    python -m benchmarks.gates_overhead [passes]

Prints calls per second with and without metrics, and the overhead, of one run. No network: every name is
looked up as ``localhost`` and then counts as public.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.telemetry_gates import compare, paths, urls
from stack.app.gates import url


def look_up(host: str) -> list[str]:
    """One real look-up, one public address."""
    url.system_resolver("localhost")
    return ["93.184.215.14"]


def main() -> int:
    """Compares both gates."""
    passes = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name in ("docs", "src", "a/b/c", "images"):
            (root / name).mkdir(parents=True)
        compare("url_gate", (urls(False, look_up), urls(True, look_up)), passes)
        compare("filesystem_gate", (paths(False, root), paths(True, root)), passes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
