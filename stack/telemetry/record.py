"""What a running metrics server leaves in its state folder: its process, its address, its certificate.

One JSON file, put in place whole and locked by the server for as long as it lives: whether it runs is whether the lock
is held, so a number that was given out again to another process is never taken for the server's. A file without a
lock is what a killed server left; an unreadable one counts as none. No secret may stand in it.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from stack.telemetry.settings import MonitorError


@dataclass(frozen=True, slots=True)
class ServerRecord:
    """A server that was started; ``certificate`` and the files of secrets are paths or empty."""

    pid: int
    url: str
    certificate: str = ""
    token_file: str = ""
    basic_auth_file: str = ""


def record_file(state_dir: Path) -> Path:
    """Where the record is."""
    return state_dir / "monitor.pid"


def read_record(file: Path) -> ServerRecord | None:
    """The record, or None when there is no file or none that we wrote."""
    try:
        record = ServerRecord(**json.loads(file.read_text(encoding="utf-8")))
        pid, *texts = asdict(record).values()
        return record if pid > 0 and all(isinstance(text, str) for text in texts) else None
    except (OSError, ValueError, TypeError):
        return None


def is_held(file: Path) -> bool:
    """Whether the server that wrote the file still runs."""
    try:
        with file.open("rb") as opened:
            fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


@contextmanager
def held(file: Path, record: ServerRecord) -> Iterator[None]:
    """Has the record in place, readable by the owner only, for as long as the block runs."""
    aside = file.with_suffix(f".{record.pid}")
    aside.touch(mode=0o600)
    with aside.open("w", encoding="utf-8") as opened:
        json.dump(asdict(record), opened)
        opened.flush()
        fcntl.flock(opened, fcntl.LOCK_EX)
        aside.replace(file)
        yield
        file.unlink(missing_ok=True)


@contextmanager
def exclusive(state_dir: Path) -> Iterator[None]:
    """Makes the folder and holds its lock; MonitorError when another start or stop is under way."""
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = os.open(state_dir, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise MonitorError(
            f"{state_dir}: cannot be used ({error.strerror}); give another state folder"
        ) from error
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise MonitorError(f"{state_dir}: another monitor command is at work; wait for it to end") from error
    finally:
        os.close(folder)
