"""``python -m stack``: the same as the console script.

A Ctrl-C that comes while the program is still being read ends it like any other, without a traceback.
"""

from __future__ import annotations

import sys


def run() -> int:
    """The exit code of the command line."""
    try:
        from stack.cli.main import main

        return main()
    except KeyboardInterrupt:
        if sys.stderr:
            sys.stderr.write("error: interrupted\n")
        return 130


if __name__ == "__main__":
    sys.exit(run())
