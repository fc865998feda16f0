"""The log of the last run, ``.stack/NAME/last.log``: every event with its time, what was printed, errors in full.

Private, bounded, and never a reason to fail: where it cannot be written, or a command that still runs has its log
there, there is none. No secret is told to it.
"""

from __future__ import annotations

import fcntl
import os
import re
import shlex
import threading
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from stack import __version__
from stack.model.events import Event, Milestone, StepBegun, StepDone

NAME = "last.log"
MOST_BYTES = 1024 * 1024
FOR_ERRORS = 64 * 1024
"""Bytes of these that only errors may use, since they come last."""
SECRET_OPTION = re.compile(
    r"--(?!.*-file$)[\w-]*(?:password|secret|token|credential|key)[\w-]*", re.IGNORECASE
)
SECRET_IN_URL = re.compile(r"(?<=://)[^/@\s]+@")
HIDDEN = "***"


class RunLog:
    """The log of one command line; nothing is written before ``keep`` says where and something has happened."""

    def __init__(self, argv: Sequence[str]) -> None:
        self._pending = [_stamped(f"monitoring-stack {__version__}: {command_line(argv)}")]
        self._folder: Path | None = None
        self._file: int | None = None
        self._room = MOST_BYTES
        self._lock = threading.Lock()

    def keep(self, folder: Path) -> None:
        """The stack's own folder, which is made, for its owner alone, when the first line is written."""
        self._folder = folder

    def event(self, event: Event) -> None:
        """One event on one line, and the traceback of a step that failed."""
        self._record(_words(event))
        if isinstance(event, StepDone) and event.error is not None:
            self.error(event.error)

    def said(self, text: str) -> None:
        """A line as it was printed."""
        if text:
            self._record(f"said    {text}")

    def error(self, error: BaseException) -> None:
        """Where an error came from, with its causes."""
        self._record(f"error   {''.join(traceback.format_exception(error)).rstrip()}", reserve=0)

    def close(self) -> None:
        """The file is complete."""
        with self._lock:
            if self._file is not None:
                os.close(self._file)
            self._file, self._room = None, 0

    def _record(self, text: str, reserve: int = FOR_ERRORS) -> None:
        line = _stamped(text)
        with self._lock:
            if len(line) > self._room - reserve:
                return
            self._room -= len(line)
            self._pending.append(line)
            if self._folder is not None:
                content, self._pending = b"".join(self._pending), []
                try:
                    self._write(self._folder, content)
                except OSError:
                    self._room = 0

    def _write(self, folder: Path, content: bytes) -> None:
        if self._file is None:
            for made in (folder.parent, folder):
                made.mkdir(mode=0o700, exist_ok=True)
            self._file = _emptied(folder / NAME)
        os.write(self._file, content)


def _emptied(path: Path) -> int:
    """The open file, this process' alone until it ends; BlockingIOError where another one has it."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.fchmod(file, 0o600)
        os.ftruncate(file, 0)
    except OSError:
        os.close(file)
        raise
    return file


def command_line(argv: Sequence[str]) -> str:
    """The words as a shell takes them, without what might be a secret."""
    shown, hide = [], False
    for word in argv:
        option, equals, _ = word.partition("=")
        secret = SECRET_OPTION.fullmatch(option) is not None
        if hide or (secret and equals):
            shown.append(f"{option}={HIDDEN}" if not hide else HIDDEN)
        else:
            shown.append(shlex.quote(SECRET_IN_URL.sub(f"{HIDDEN}@", word)))
        hide = secret and not equals
    return " ".join(shown)


def _stamped(text: str) -> bytes:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return f"{now}  {text[:FOR_ERRORS]}\n".encode(errors="backslashreplace")


def _words(event: Event) -> str:
    if isinstance(event, StepBegun):
        return f"begins  {event.step} {event.target}"
    if isinstance(event, StepDone):
        return f"{event.outcome:<7} {event.step} {event.target} {event.seconds:.3f} s"
    if isinstance(event, Milestone):
        return f"reached {event.name} {event.seconds:.3f} s: {event.summary}"
    return f"waits   {event.topic}: {event.detail or 'over'}"
