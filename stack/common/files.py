"""Small file operations that an interruption cannot leave half done: atomic writes, atomic folders, one lock.

Everything is written beside its final name and renamed.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from stack.common.errors import StackError

UNFINISHED = ".unfinished-"
_SPACE = "free space there (df -h), or use another disk: STACK_HOME, STACK_CACHE, TMPDIR"
_PLACE = "mend owner or permissions, or use another place: STACK_HOME, STACK_CACHE, TMPDIR"
REMEDIES = {
    errno.ENOSPC: _SPACE,
    errno.EDQUOT: _SPACE,
    errno.EROFS: "it is on a disk that cannot be written: use another place: STACK_HOME, STACK_CACHE, TMPDIR",
    errno.EACCES: _PLACE,
    errno.EPERM: _PLACE,
}
"""By what the operating system says: how a disk or a folder becomes usable."""


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """An error of the block that names no file gets this one: a full disk is met by a write, which knows no name."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


def unusable(error: OSError) -> StackError | None:
    """An error of a disk or of permissions, with its place and remedy; None for any other."""
    if error.errno not in REMEDIES:
        return None
    place = (
        error.filename if isinstance(error.filename, str) else f"a temporary file in {tempfile.gettempdir()}"
    )
    return StackError(f"{place} cannot be used: {error.strerror}", hint=REMEDIES[error.errno])


def read_json(path: Path) -> dict[str, Any]:
    """The object in a file; empty where there is none or it cannot be read, since it is only a memory."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def write_atomically(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Replace the file in one step; unless ``mode`` says more, only its owner can read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with naming(path):
        _write_aside(path, content, mode)


def _write_aside(path: Path, content: bytes, mode: int) -> None:
    handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            os.fchmod(handle, mode)
        Path(aside).replace(path)
    except OSError:
        Path(aside).unlink(missing_ok=True)
        raise


def private_folder(folder: Path, top: Path) -> None:
    """The folder, made if need be, closed to others up to ``top``."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for path in (folder, *folder.parents):
        if path.stat().st_mode & 0o077:
            path.chmod(0o700)
        if path == top:
            break


def scratch_file(folder: Path) -> BinaryIO:
    """An open file without a name in the folder, which is made if need be; its space is free once it is closed."""
    folder.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryFile(dir=folder)


def folder_once(path: Path, fill: Callable[[Path], None]) -> Path:
    """The folder at ``path``, made by ``fill`` in a temporary place first if it is not there yet."""
    if path.is_dir():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(dir=path.parent, prefix=UNFINISHED))
    try:
        with naming(path):
            fill(unfinished)
            unfinished.rename(path)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return path


def clear_unfinished(folder: Path) -> None:
    """Remove what a killed process left behind; only for the holder of the lock."""
    for path in folder.glob(f"{UNFINISHED}*"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


@contextmanager
def exclusive(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock file; calls ``waiting`` once if another process has it, and waits. The kernel frees it at exit."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
