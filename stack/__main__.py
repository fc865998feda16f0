"""``python -m stack``: the same as the console script.

A Ctrl-C that comes while the program is still being read ends it like any other, without a traceback.
"""

from __future__ import annotations

import gc
import sys

OBJECTS = 100_000
"""New objects after which Python looks for circles: at its own 700 this took a twelfth of a short command's time."""


def run() -> int:
    """The exit code of the command line."""
    gc.set_threshold(OBJECTS)
    try:
        from stack.cli.main import main

        return main()
    except KeyboardInterrupt:
        if sys.stderr:
            sys.stderr.write("error: interrupted\n")
        return 130
    finally:
        gc.freeze()  # what ends with the process need not be looked through


if __name__ == "__main__":
    sys.exit(run())
