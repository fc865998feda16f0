"""What the running metrics server left in its state folder: its process, its address, its certificate.

One JSON file, written whole or not at all, by the server itself: a starter that dies leaves no server
without a file. An unreadable file counts as none. No secret may stand in it.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from stack.telemetry.errors import MonitorError
from stack.telemetry.process import Process


@dataclass(frozen=True, slots=True)
class ServerRecord:
    """A server that was started: ``pid`` and ``started`` name its process, ``certificate`` is a path or
    empty.
    """

    pid: int
    started: str
    url: str
    certificate: str = ""

    @property
    def process(self) -> Process:
        """The process that was recorded, whether it still runs or not."""
        return Process(self.pid, self.started)


def pid_file(state_dir: Path) -> Path:
    """Where the record is."""
    return state_dir / "monitor.pid"


def log_file(state_dir: Path) -> Path:
    """Where the server's own output goes."""
    return state_dir / "monitor.log"


def read_record(file: Path) -> ServerRecord | None:
    """The record, or None when there is no file or none that we wrote."""
    try:
        fields = json.loads(file.read_text(encoding="utf-8"))
        record = ServerRecord(**fields)
    except (OSError, ValueError, TypeError):
        return None
    whole = isinstance(record.pid, int) and record.pid > 0
    texts = (record.started, record.url, record.certificate)
    return record if whole and all(isinstance(text, str) for text in texts) else None


def write_record(file: Path, record: ServerRecord) -> None:
    """Puts the record in place in one step, readable by the owner only."""
    aside = file.with_suffix(f".{record.pid}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump(asdict(record), stream)
    aside.replace(file)


def remove_record(file: Path, record: ServerRecord) -> None:
    """Removes the file if it still holds this record, not another server's."""
    if read_record(file) == record:
        file.unlink(missing_ok=True)


@contextmanager
def exclusive(state_dir: Path) -> Iterator[None]:
    """Makes the folder and holds its lock; MonitorError when another start or stop is under way."""
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(state_dir / "monitor.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise MonitorError(
            f"{state_dir}: cannot be used ({error.strerror}); give another state folder"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise MonitorError(f"{state_dir}: another monitor command is at work; wait for it to end") from error
    finally:
        os.close(lock)
