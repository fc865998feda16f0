"""A file that a command is given, or the standard input in its place."""

from __future__ import annotations

import sys
from pathlib import Path

from stack.common.errors import UsageError

MOST_BYTES = 8 << 20
STANDARD_INPUT = "-"


def given(file: str) -> tuple[bytes, str]:
    """Its content, and what to call it; a pipe is as good as a file. ``UsageError`` where it cannot be read whole."""
    name = file
    try:
        if file == STANDARD_INPUT:
            name, content = "standard input", sys.stdin.buffer.read(MOST_BYTES + 1)
        else:
            with Path(file).open("rb") as opened:
                content = opened.read(MOST_BYTES + 1)
    except IsADirectoryError as error:
        raise UsageError(f"{file} is a folder", hint="give its files") from error
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror or error}", hint="correct the path") from error
    if len(content) > MOST_BYTES:
        raise UsageError(f"{name}: more than {MOST_BYTES} bytes", hint="give a part of it at a time")
    return content, name
