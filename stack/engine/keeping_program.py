"""Runs in a short-lived container that has one volume: gives its content as a tar, or replaces it. Stands alone.

What it gives is whole at one moment although the volume's owner goes on: SQLite files are copied by SQLite itself,
blocks of a time series database are linked, since they never change, and of its log only whole records are taken.
It must import nothing of this package: an engine gets this one file.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

ASIDE = ".stack-backup"
"""Folder in a volume for copies and links of a backup under way."""
STAGED, DECIDED = ".stack-restore", ".stack-restored"
"""Folder in a volume with what a restore brings, and its name once everything else has been removed."""
BEFORE = ".stack-before"
"""Folder in a volume with all that it held before a program of another version opened it."""
DUMP, DUMPED = ".stack-dump", "restore.dump"
"""A database as its server wrote it down, in its volume and in the tar."""
MOVED = ".damaged-"
"""How the names of folders begin in which a repair keeps what it moved aside."""
OURS = (ASIDE, STAGED, DECIDED, BEFORE, DUMP)
SQLITE = b"SQLite format 3\0"
BESIDE_SQLITE = ("-wal", "-shm", "-journal")
LOGS = ("wal", "wbl")
PAGE, HEAD = 32768, 7
"""Of Prometheus' write-ahead log: bytes of a page, and of what stands before each part of a record."""
CHUNK, TRIES = 1 << 20, 5
WHOLE = "whole"
"""The last word of one that did all it was asked for."""


class Unfit(Exception):
    """The volume cannot be given as it is; says why."""


def gather(root: Path, kind: str, out: BinaryIO) -> None:
    """All of the volume as a tar; ``kind`` is ``tsdb``, ``files``, or ``dump``: then only what lies at ``DUMP``."""
    aside = root / ASIDE
    discard(aside)
    aside.mkdir(0o700)
    try:
        if kind == "tsdb":
            link_database(root, aside)
        listed = iter([(DUMPED, root / DUMP)]) if kind == "dump" else walk(aside if kind == "tsdb" else root)
        with tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT, bufsize=CHUNK) as tar:
            _add(tar, root, ".", root)
            for name, path in listed:
                _add(tar, path, name, aside)
    finally:
        discard(aside)
        discard(root / DUMP)


def link_database(root: Path, aside: Path) -> None:
    """Links to all that belongs to the samples. Anew where a compaction removed something meanwhile."""
    for _ in range(TRIES):
        discard(aside)
        aside.mkdir(0o700)
        before = _database(root)
        try:
            for name in before:
                link(root / name, aside / name)
            _cut_logs(root, aside)
        except FileNotFoundError:
            continue
        if _steady(before, _database(root)):
            return
    raise Unfit("Prometheus rewrites its blocks all the time")


def _steady(before: list[str], after: list[str]) -> bool:
    """Nothing went, and nothing came but segments of a log."""
    new = set(after) - set(before)
    return set(before) <= set(after) and all(
        n.partition("/")[0] in LOGS and "checkpoint" not in n for n in new
    )


def _database(root: Path) -> list[str]:
    """Blocks, and the segments and checkpoints of both logs, by path; what is being made is left out."""
    blocks = [one.parent.name for one in sorted(root.glob("*/meta.json")) if len(one.parent.name) == 26]
    logs = [
        f"{log}/{one.name}"
        for log in LOGS
        if (root / log).is_dir()
        for one in sorted((root / log).iterdir())
        if one.name.isdigit() or (one.name.startswith("checkpoint.") and not one.name.endswith(".tmp"))
    ]
    return [*blocks, *logs]


def link(source: Path, target: Path) -> None:
    """The same file or folder once more, with owners and permissions."""
    target.parent.mkdir(exist_ok=True)
    if not source.is_dir():
        _same_file(source, target)
        return
    target.mkdir()
    shutil.copystat(source, target)
    os.chown(target, source.stat().st_uid, source.stat().st_gid)
    for one in source.iterdir():
        link(one, target / one.name)


def _same_file(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:  # a file system without links
        shutil.copy2(source, target)
        os.chown(target, source.stat().st_uid, source.stat().st_gid)


def _cut_logs(root: Path, aside: Path) -> None:
    """The last segment of a log still grows: a copy of its whole records takes its place."""
    for log in LOGS:
        segments = sorted(one for one in (aside / log).glob("*") if one.name.isdigit())
        if segments:
            last, seen = segments[-1], (root / log / segments[-1].name)
            content, owner = seen.read_bytes(), seen.stat()
            last.unlink()
            last.write_bytes(content[: whole_records(content)])
            os.chown(last, owner.st_uid, owner.st_gid)
            last.chmod(stat.S_IMODE(owner.st_mode))
        if (aside / log).is_dir():
            owner = (root / log).stat()
            os.chown(aside / log, owner.st_uid, owner.st_gid)
            (aside / log).chmod(stat.S_IMODE(owner.st_mode))


def whole_records(log: bytes) -> int:
    """Bytes of a segment up to the end of its last whole record.

    A record has parts of type 1 (whole), 2 (first), 3 (middle), 4 (last); 0 fills the rest of a page.
    """
    at = end = 0
    while at + HEAD <= len(log):
        room = PAGE - at % PAGE
        part = log[at] & 7
        if room < HEAD or part == 0:
            at += room
            continue
        at += HEAD + int.from_bytes(log[at + 1 : at + 3], "big")
        if at > len(log):
            break
        if part in (1, 4):
            end = at
    return end


def walk(top: Path) -> Iterator[tuple[str, Path]]:
    """Folders and files below ``top`` with their paths in it; links and what is no file are left out."""
    for folder, folders, files in os.walk(top):
        folders[:] = sorted(
            name for name in folders if not (_ours(name) or (Path(folder) / name).is_symlink())
        )
        for name in (*folders, *sorted(files)):
            path = Path(folder) / name
            if not (path.is_symlink() or _ours(name) or _beside_sqlite(path)):
                yield str(path.relative_to(top)), path


def _ours(name: str) -> bool:
    """Whether it is nothing of the volume's owner."""
    return name in OURS or name.startswith(MOVED)


def _beside_sqlite(path: Path) -> bool:
    """Whether SQLite keeps it beside a database, whose copy has all that is in it."""
    ends = (end for end in BESIDE_SQLITE if path.name.endswith(end))
    return any(is_sqlite(Path(str(path).removesuffix(end))) for end in ends)


def is_sqlite(path: Path) -> bool:
    """Whether a file is a database of SQLite."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(SQLITE)) == SQLITE


def _add(tar: tarfile.TarFile, path: Path, name: str, aside: Path) -> None:
    """A file as long as it is now, whatever is added to it meanwhile; one that went meanwhile is left out."""
    try:
        if path.is_dir():
            tar.addfile(_entry(path.stat(), name, tarfile.DIRTYPE))
            return
        seen = path.lstat()
        if not stat.S_ISREG(seen.st_mode):
            return
        content = copied(path, aside) if is_sqlite(path) else path
        with content.open("rb") as file:
            entry = _entry(seen, name, tarfile.REGTYPE)
            entry.size = os.fstat(file.fileno()).st_size
            tar.addfile(entry, file)
    except FileNotFoundError:
        return


def _entry(seen: os.stat_result, name: str, kind: bytes) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.mtime = kind, stat.S_IMODE(seen.st_mode), int(seen.st_mtime)
    entry.uid, entry.gid = seen.st_uid, seen.st_gid
    return entry


def copied(path: Path, aside: Path) -> Path:
    """A copy of a database as of one moment, while others may write into it."""
    copy = aside / "database"
    copy.unlink(missing_ok=True)
    try:
        source = sqlite3.connect(f"file:{quote(str(path))}?mode=rw", uri=True, timeout=30)
        with closing(source), closing(sqlite3.connect(copy)) as target:
            source.backup(target)
    except sqlite3.Error as error:
        raise Unfit(f"{path.name}: SQLite says: {error}") from error
    return copy


def adopt(root: Path) -> None:
    """What was staged takes the place of everything. Can be repeated after an interruption, until it is done."""
    staged, decided = root / STAGED, root / DECIDED
    if staged.is_dir():
        for one in sorted(root.iterdir()):
            if one != staged:
                discard(one)
        staged.rename(decided)
    if decided.is_dir():
        seen = decided.stat()
        os.chown(root, seen.st_uid, seen.st_gid)
        root.chmod(stat.S_IMODE(seen.st_mode))
        for one in sorted(decided.iterdir()):
            one.rename(root / one.name)
        decided.rmdir()


def unstage(root: Path) -> None:
    """What was staged goes; what was there stays."""
    for name in OURS:
        discard(root / name)


def discard(path: Path) -> None:
    """Removes a file or a folder; fine if there is none."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _end_with_the_client(root: Path) -> None:
    """Whoever asked for this is gone once nothing more can come in: nothing is left behind then."""

    def watch() -> None:
        while os.read(0, 1):
            pass
        discard(root / ASIDE)
        os._exit(3)

    threading.Thread(target=watch, daemon=True).start()


def ended(work: Callable[[], None]) -> int:
    """Does the work; its exit code, with ``WHOLE`` as the last word or what hindered it."""
    try:
        work()
    except (OSError, Unfit, tarfile.TarError, sqlite3.Error) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stderr.write(f"{WHOLE}\n")
    return 0


def main(verb: str, root: str, kind: str = "") -> int:
    """One verb on the volume at ``root``."""
    place = Path(root)

    def work() -> None:
        if verb == "gather":
            _end_with_the_client(place)
            gather(place, kind, sys.stdout.buffer)
            sys.stdout.buffer.flush()
        else:
            {"adopt": adopt, "unstage": unstage}[verb](place)
            os.sync()

    return ended(work)
