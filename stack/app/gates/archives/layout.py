"""Where an archive's members go: each name through filesystem_gate, each place taken once.

It remembers every file and folder so far, the folders that are merely implied included, so that two members
cannot meet on a caseless or normalising file system. It must never touch a disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from stack.app.gates.archives.budget import Budget, reject
from stack.app.gates.archives.member import Member
from stack.app.gates.names import collision_key
from stack.app.gates.policy import PathPolicy
from stack.app.gates.types import Accepted

PathCheck = Callable[[str, PathPolicy, Path | None, Iterable[str]], Accepted[str]]


class Layout:
    """The tree that an extraction builds."""

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
