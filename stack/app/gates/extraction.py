"""extraction_gate: may this archive be unpacked? It decides while it unpacks, or while it only reads.

zip, tar, tar.gz, tar.bz2 and tar.xz, told apart by content. Every member's name goes through filesystem_gate,
whose rejections keep their own gate and code. Files are written to a staging folder beside the target, mode 0600 in
folders of 0700, and the folder is renamed when all is accepted; a rejection removes it. It must never follow, create
or keep a link, a device or a permission bit from an archive.

E_SPECIAL_TYPE: neither file nor folder, a name taken twice, or no sound archive. E_BOMB_RATIO: the whole.
E_ENTRY_RATIO: one entry. E_FILE_SIZE: as declared. E_FILE_SIZE_STREAM: as found, damaged data included.
E_ENTRY_BUDGET: too many entries or bytes in all.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from stack.app.gates.archives.budget import GATE, Budget, Member, reject
from stack.app.gates.archives.formats import HEAD, is_archive, members
from stack.app.gates.archives.nested import Scratch, measure
from stack.app.gates.filesystem import check_path
from stack.app.gates.names import collision_key
from stack.app.gates.policy import ArchivePolicy, PathPolicy
from stack.app.gates.types import Accepted

_STAGING_PREFIX: Final = ".extracting-"

Take = Callable[[str, Member, Budget], int]
PathCheck = Callable[[str, PathPolicy, Path | None, Iterable[str]], Accepted[str]]


@dataclass(frozen=True, slots=True)
class Entry:
    """One file: its path inside the target, and its size in bytes."""

    path: str
    size: int


@dataclass(frozen=True, slots=True)
class Extraction:
    """What an archive holds: its files in the archive's order, and their sizes' sum."""

    entries: tuple[Entry, ...]
    total_bytes: int


def extract(
    archive: Path, into: Path, policy: ArchivePolicy, paths: PathPolicy, check: PathCheck = check_path
) -> Accepted[Extraction]:
    """Unpack into a folder that must not exist yet (or be empty); it appears complete or not at all.

    Raises Rejected, with nothing left behind; FileExistsError when the target is taken.
    """
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise FileExistsError(f"{into}: is there already; choose a new folder")
    staging = into.parent / f"{_STAGING_PREFIX}{secrets.token_hex(8)}"
    missing = [folder for folder in into.parents if not folder.exists()]
    staging.mkdir(mode=0o700, parents=True)
    try:
        accepted = _run(archive, policy, paths, check, _writer(staging))
        staging.replace(into)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        for folder in missing:
            with suppress(OSError):
                folder.rmdir()
        raise
    return accepted


def inspect(
    archive: Path, policy: ArchivePolicy, paths: PathPolicy, check: PathCheck = check_path
) -> Accepted[Extraction]:
    """The same decision as ``extract`` without a target: nothing is unpacked."""
    return _run(archive, policy, paths, check, _reader(archive.parent))


def _run(
    archive: Path, policy: ArchivePolicy, paths: PathPolicy, check: PathCheck, take: Take
) -> Accepted[Extraction]:
    budget = Budget(policy, archive.stat().st_size)
    layout = Layout(paths, check, budget)
    entries: list[Entry] = []
    with archive.open("rb") as source:
        for member in members(source, archive.name, budget):
            if member.special is not None:
                reject("E_SPECIAL_TYPE", member.name, member.special)
            path = layout.place(member)
            if path is None:
                continue
            budget.declared(member)
            size = take(path, member, budget)
            if not member.folder:
                entries.append(Entry(path, size))
    return Accepted(GATE, Extraction(tuple(entries), sum(entry.size for entry in entries)))


def _writer(staging: Path) -> Take:
    def take(path: str, member: Member, budget: Budget) -> int:
        target = staging / path
        if member.folder:
            _make_folder(target)
            return sum(map(len, budget.metered(member)))
        _make_folder(target.parent)
        target.touch(mode=0o600, exist_ok=False)
        with target.open("r+b") as file:
            size = sum(file.write(chunk) for chunk in budget.metered(member))
            file.seek(0)
            if is_archive(file.read(HEAD)):
                measure(file, member.name, budget, staging)
        return size

    return take


def _make_folder(folder: Path) -> None:
    """With those above it: ``parents=True`` would make them by the umask alone."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(mode=0o700)


def _reader(folder: Path) -> Take:
    def take(path: str, member: Member, budget: Budget) -> int:
        if member.folder:
            return sum(map(len, budget.metered(member)))
        scratch = Scratch(folder)
        size = sum(scratch.write(chunk) for chunk in budget.metered(member))
        inner = scratch.archive()
        if inner is not None:
            with inner:
                measure(inner, member.name, budget, folder)
        return size

    return take


class Layout:
    """The tree that an extraction builds: each name through filesystem_gate, each place taken once.

    The folders that are merely implied count too, so that two members cannot meet on a caseless or normalising file
    system.
    """

    def __init__(self, policy: PathPolicy, check: PathCheck, budget: Budget) -> None:
        self._policy = policy
        self._check = check
        self._budget = budget
        self._places: dict[str, tuple[str, str]] = {}  # by collision key: the place, and who took it
        self._folders: set[str] = set()

    def place(self, member: Member) -> str | None:
        """The member's path; None for the archive's own root folder. Raises Rejected from either gate."""
        if member.folder and member.name in (".", "./"):
            return None
        path = self._check(member.name, self._policy, None, ()).value
        if not member.folder and member.name.endswith(("/", "/.")):
            reject("E_SPECIAL_TYPE", member.name, "a file with a folder's name")
        for end in (i for i, c in enumerate(path) if c == "/"):
            self._take(member.name, path, end, folder=True, implied=True)
        self._take(member.name, path, len(path), folder=member.folder, implied=False)
        return path

    def _take(self, name: str, path: str, end: int, *, folder: bool, implied: bool) -> None:
        """Claims the first ``end`` characters of a path, which are a place of their own."""
        place = path[:end]
        if folder and place in self._folders:
            return
        key = collision_key(place)
        if key in self._places:
            taken, by = self._places[key]
            self._check(name, self._policy, None, (taken + path[end:], by))
            reject("E_SPECIAL_TYPE", name, "another member has this name already")
        self._places[key] = (place, name)
        if implied:
            self._budget.entry(name)
        if folder:
            self._folders.add(place)
