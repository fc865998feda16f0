"""Structured logs: one JSON object a line on standard error, with the id of the request that it belongs to.

``configure`` is called once by the entry point; importing this module changes nothing. A log line never holds a
header, a body or a secret. Lines are written by a thread: whoever logs never waits for the reader of the log.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from contextlib import suppress
from datetime import UTC, datetime
from typing import TextIO

from stack.telemetry.request import REQUEST_ID

WAITING_BYTES = 4 << 20
"""Of lines that nobody has read yet. Beyond that, lines are dropped, and how many is the next line."""
END_SECONDS = 1.0
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}


class JsonFormatter(logging.Formatter):
    """Writes a record as one line of JSON; what was passed as ``extra`` becomes fields."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without a newline."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {
            "time": moment.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if current := REQUEST_ID.get():
            line["request_id"] = current
        line |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=True, default=str)


class Writer(logging.Handler):
    """Writes to a stream in a thread of its own, everything that waits at once."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._changed = threading.Condition()
        self._lines: list[str] = []
        self._waiting = self._dropped = 0
        self._writing = False
        threading.Thread(target=self._write, name="log", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Takes the record's line; it is formatted here, where its request is known."""
        try:
            line = self.format(record)
        except Exception:
            self.handleError(record)
            return
        with self._changed:
            if self._waiting + len(line) > WAITING_BYTES:
                self._dropped += 1
                return
            self._lines.append(line)
            self._waiting += len(line)
            self._changed.notify_all()

    def flush(self) -> None:
        """Waits for what is to be written, END_SECONDS at most."""
        with self._changed:
            self._changed.wait_for(lambda: not self._lines and not self._writing, END_SECONDS)

    def _write(self) -> None:
        while True:
            with self._changed:
                self._writing = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._lines)
                lines, dropped = self._lines, self._dropped
                self._lines, self._waiting, self._dropped, self._writing = [], 0, 0, True
            if dropped:
                lines.append(self.format(_told_of(dropped)))
            with suppress(OSError, ValueError):  # nobody is there to be told
                self._stream.write("\n".join((*lines, "")))
                self._stream.flush()


def _told_of(dropped: int) -> logging.LogRecord:
    text = "%d lines were dropped: the log was read too slowly"
    return logging.LogRecord(__name__, logging.WARNING, "", 0, text, (dropped,), None)


def configure(level: str, stream: TextIO | None = None) -> None:
    """Sends everything from ``level`` on to ``stream`` (standard error) as JSON lines."""
    handler = Writer(stream or sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
