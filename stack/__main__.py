"""``python -m stack``: the same as the console script."""

from __future__ import annotations

import sys

from stack.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
