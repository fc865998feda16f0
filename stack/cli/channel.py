"""One output stream that never breaks the work: what cannot be encoded is escaped, what cannot be written is noted.

A reader may leave (``| head``), a disk may be full, a stream may be closed from the start. Decides nothing about it.
"""

from __future__ import annotations

import contextlib
import errno
import os
from typing import TextIO

CLOSED = OSError(errno.EBADF, os.strerror(errno.EBADF))


class OutputLost(Exception):
    """Nobody reads on, and the command has nothing to do but to show."""


class Channel:
    """Standard output or standard error; ``lost`` is why the last write failed, None while all have arrived."""

    def __init__(self, stream: TextIO | None) -> None:
        self.stream = stream
        self.lost: OSError | None = None
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")

    def isatty(self) -> bool:
        """Whether a person looks at it."""
        return self.stream is not None and self.lost is None and self.stream.isatty()

    @property
    def encoding(self) -> str:
        """How characters become bytes."""
        return getattr(self.stream, "encoding", None) or "utf-8"

    def flush(self) -> None:
        """Nothing: every write is complete."""

    def write(self, text: str) -> None:
        """The text at once, or never: after a failure nothing more is tried."""
        if self.lost:
            return
        try:
            if self.stream is None or self.stream.closed:
                raise CLOSED
            self.stream.write(text)
            self.stream.flush()
        except OSError as error:
            self.lost = error
            self._discard()

    def _discard(self) -> None:
        """What is still buffered goes nowhere, since the interpreter writes it out once more at its end."""
        if self.stream is None:
            return
        with contextlib.suppress(OSError, ValueError):  # a stream without a descriptor has no buffer below it
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.stream.fileno())
            os.close(nowhere)
