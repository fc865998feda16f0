"""Log lines in the real server's form, on standard output."""

from __future__ import annotations

import sys
from datetime import UTC, datetime


def log(logger: str, message: str, level: str = "info", **details: object) -> None:
    """One line; details follow as key=value."""
    now = datetime.now(UTC).isoformat(timespec="microseconds")
    rest = "".join(f" {key}={value!r}".replace("'", '"') for key, value in details.items())
    sys.stdout.write(f'logger={logger} t={now} level={level} msg="{message}"{rest}\n')
    sys.stdout.flush()
