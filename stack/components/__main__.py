"""``python -m stack.components FILE``: the checks of all components that an order names, asked from inside the network.

What a short-lived container does for an engine on another machine; the report goes to standard output as one line.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from stack.checks.messages import dump_report
from stack.checks.prober import answer
from stack.components import all_checks

FAILED, NO_ORDER = 6, 2


def run(argv: Sequence[str]) -> int:
    """Exit code: 0 where every check found what it expects, 6 where one did not, 2 where there is no usable order."""
    try:
        (name,) = argv
        report = answer(Path(name).read_text(encoding="utf-8"), all_checks())
    except (OSError, ValueError) as error:
        sys.stderr.write(f"error: {error}: give the one file that a prober wrote\n")
        return NO_ORDER
    sys.stdout.write(dump_report(report) + "\n")
    return 0 if report.ok else FAILED


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
