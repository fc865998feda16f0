"""Measures archives inside archives as if they were extracted too (42.zip, zip quines).

Their expanded size and entries count on the outer archive's budget. A nested file that is no sound archive is
plain data. It must never write a nested archive's content anywhere but to an anonymous temporary file.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import BinaryIO, Final, cast

from stack.app.gates.archives.budget import Budget, reject
from stack.app.gates.archives.formats import HEAD, is_archive, members
from stack.app.gates.types import Rejected

_IN_MEMORY: Final = 4 * 1024 * 1024
_BOMBS: Final = frozenset(("E_BOMB_RATIO", "E_ENTRY_RATIO", "E_ENTRY_BUDGET", "E_FILE_SIZE"))


class Scratch:
    """Takes a file's bytes and keeps them only while they may be an archive."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._head = b""
        self._decided = False
        self._file: BinaryIO | None = None

    def write(self, chunk: bytes) -> int:
        """The next bytes of the file; returns their number."""
        if self._file is not None:
            self._file.write(chunk)
        elif not self._decided:
            self._head += chunk
            if len(self._head) >= HEAD:
                self._decide()
        return len(chunk)

    def archive(self) -> BinaryIO | None:
        """The whole file if it may be an archive, else None; the caller closes it."""
        if not self._decided:
            self._decide()
        return self._file

    def _decide(self) -> None:
        self._decided = True
        if is_archive(self._head):
            spool = tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=str(self._folder))  # noqa: SIM115 - the caller closes
            self._file = cast(BinaryIO, spool)
            self._file.write(self._head)


def measure(source: BinaryIO, name: str, budget: Budget, folder: Path, depth: int = 1) -> None:
    """Draw a nested archive's whole content on the budget. Raises Rejected when that is too much."""
    if depth > budget.policy.max_nesting:
        limit = budget.policy.max_nesting
        reject("E_BOMB_RATIO", name, f"archives must be nested at most {limit} deep (CWE-409)")
    try:
        for member in members(source, name, budget, lone=True):
            if member.folder or member.special is not None:
                continue
            budget.declared(member)
            scratch = Scratch(folder)
            for chunk in budget.metered(member):
                scratch.write(chunk)
            inner = scratch.archive()
            if inner is not None:
                with inner:
                    measure(inner, name, budget, folder, depth + 1)
    except Rejected as refused:
        if refused.error_code in _BOMBS:
            raise
