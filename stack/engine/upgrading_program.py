"""Runs beside ``keeping_program`` in a container that has one volume: keeps its content, which may come back.

A program of another version may change all it finds, so what was there lies in a folder of the volume meanwhile. It
must import nothing of this package but that one module: an engine gets these files.
"""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

from stack.engine.keeping_program import (
    ASIDE,
    BEFORE,
    DECIDED,
    DUMP,
    DUMPED,
    MOVED,
    OURS,
    STAGED,
    Unfit,
    adopt,
    copied,
    discard,
    ended,
    is_sqlite,
    link,
    link_database,
    walk,
)


def keep(root: Path, kind: str) -> None:
    """A second copy of all that a stopped owner has left, under its name once it is whole.

    What never changes (``tsdb``) and what the owner will not open again (``dump``) is linked, the rest copied.
    """
    aside = root / ASIDE
    discard(aside)
    discard(root / BEFORE)
    aside.mkdir(0o700)
    if kind == "tsdb":
        link_database(root, aside)
    elif kind == "dump":
        for one in sorted(root.iterdir()):
            if one.name not in OURS and not one.name.startswith(MOVED):
                link(one, aside / one.name)
    else:
        _copy(root, aside)
    _as(root, aside)
    os.sync()
    aside.rename(root / BEFORE)


def _copy(root: Path, aside: Path) -> None:
    for name, path in walk(root):
        target = aside / name
        if path.is_dir():
            target.mkdir()
        elif not stat.S_ISREG(path.lstat().st_mode):
            continue
        elif is_sqlite(path):
            copied(path, aside).rename(target)
        else:
            shutil.copyfile(path, target)
        _as(path, target)


def _as(source: Path, target: Path) -> None:
    """The same owner, permissions and times."""
    seen = source.stat()
    os.chown(target, seen.st_uid, seen.st_gid)
    target.chmod(stat.S_IMODE(seen.st_mode))
    os.utime(target, ns=(seen.st_atime_ns, seen.st_mtime_ns))


def from_dump(root: Path) -> None:
    """Nothing is left but what is kept and what the owner wrote down, for another one to begin with."""
    if not (root / BEFORE).is_dir():
        raise Unfit("what was there is not kept")
    if not ((root / DUMP).is_file() or (root / DUMPED).is_file()):
        raise Unfit("nothing was written down")
    for one in sorted(root.iterdir()):
        if one.name not in (BEFORE, DUMP, DUMPED) and not one.name.startswith(MOVED):
            discard(one)
    if (root / DUMP).is_file():
        seen = root.stat()
        os.chown(root / DUMP, seen.st_uid, seen.st_gid)
        (root / DUMP).rename(root / DUMPED)


def give_back(root: Path) -> None:
    """What was kept takes the place of everything. Can be repeated after an interruption, until it is done."""
    before, staged = root / BEFORE, root / STAGED
    if before.is_dir():
        for one in sorted(root.glob(f"{MOVED}*")):
            one.rename(before / one.name)
        discard(root / DECIDED)
        discard(staged)
        before.rename(staged)
    adopt(root)


def main(verb: str, root: str, kind: str = "") -> int:
    """One verb on the volume at ``root``."""
    place = Path(root)

    def work() -> None:
        if verb == "keep":
            keep(place, kind)
        else:
            {"give_back": give_back, "from_dump": from_dump}[verb](place)
        os.sync()

    return ended(work)
