"""Walks a folder that people keep: links are followed, and what cannot be followed or read is named. Bounded."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from stack.model.left_out import LeftOut

MAX_BYTES = 8 * 1024 * 1024
MAX_DEPTH = 16
MAX_FILES = 20_000
HIDDEN = "its name begins with a dot"
Found = tuple[str, bytes] | LeftOut
Folder = tuple[int, int]
"""A folder's identity, however it was reached: device and number."""


def walk(root: Path, name: str) -> Iterator[Found]:
    """Each file below ``root`` by its path, which begins with ``name``, with its content; in a stable order."""
    files = 0
    for path, file in _entries(root, name, ()):
        if isinstance(file, LeftOut):
            yield file
            continue
        files += 1
        if files > MAX_FILES:
            yield LeftOut(name, f"more than {MAX_FILES} files", "does a link lead too far up?", "fault")
            return
        yield _read(file, path)


def _entries(
    folder: Path, name: str, above: tuple[Folder, ...]
) -> Iterator[tuple[str, Path] | tuple[str, LeftOut]]:
    """Files and what is no file; ``above`` are the folders on the way here."""
    try:
        info = folder.stat()
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        yield name, _unreadable(name, error)
        return
    here = (*above, (info.st_dev, info.st_ino))
    for entry in entries:
        path = f"{name}/{entry.name}"
        kind = _kind(entry, path, here)
        if isinstance(kind, LeftOut):
            yield path, kind
        elif kind:
            yield from _entries(folder / entry.name, path, here)
        else:
            yield path, folder / entry.name


def _kind(entry: os.DirEntry[str], path: str, above: tuple[Folder, ...]) -> bool | LeftOut:
    """Whether it is a folder to go into, a file, or neither."""
    if entry.name.startswith("."):
        return LeftOut(path, HIDDEN, weight="quiet")
    if any("\udc80" <= letter <= "\udcff" for letter in entry.name):
        return LeftOut(path, "its name is not UTF-8", "rename it", "fault")
    try:
        info = entry.stat()
    except OSError as error:
        return _unreadable(path, error, entry)
    if stat.S_ISDIR(info.st_mode):
        return _leads_on(info, path, above)
    return False if stat.S_ISREG(info.st_mode) else LeftOut(path, "neither a file nor a folder")


def _leads_on(info: os.stat_result, path: str, above: tuple[Folder, ...]) -> bool | LeftOut:
    if (info.st_dev, info.st_ino) in above:
        return LeftOut(path, "a link back to a folder that it lies in", "remove the link", "fault")
    if len(above) > MAX_DEPTH:
        return LeftOut(path, f"more than {MAX_DEPTH} folders deep", "move it up", "fault")
    return True


def _unreadable(path: str, error: OSError, entry: os.DirEntry[str] | None = None) -> LeftOut:
    if error.errno == errno.ELOOP:
        return LeftOut(path, "a link that leads back to itself", "remove the link", "fault")
    if error.errno == errno.ENOENT and entry is not None and entry.is_symlink():
        target = os.readlink(entry.path)  # noqa: PTH115 - as it is written
        return LeftOut(path, f"a link that leads nowhere, to {target}", "mend or remove the link", "fault")
    hints = {errno.ENOTDIR: "a folder is needed here", errno.ENOENT: "a link that leads nowhere?"}
    hint = hints.get(error.errno or 0, "mend its permissions")
    return LeftOut(path, error.strerror or str(error), hint, "fault")


def _read(file: Path, path: str) -> Found:
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
            size = os.fstat(opened.fileno()).st_size
    except OSError as error:
        return _unreadable(path, error)
    if len(content) > MAX_BYTES:
        return LeftOut(path, f"{size} bytes", f"at most {MAX_BYTES}", "fault")
    return path, content
