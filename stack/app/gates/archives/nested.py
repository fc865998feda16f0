"""Measures archives inside archives as if they were extracted too (42.zip, zip quines).

Their expanded size and entries count on the outer archive's budget. A nested file that is no sound archive is
plain data, but all that can be read of it is measured, entries that lie about their size included. It must
never write a nested archive's content anywhere but to an anonymous temporary file.
"""

from __future__ import annotations

import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Final, cast

from stack.app.cancel import NESTED
from stack.app.gates.archives.budget import Budget, Member, Unsound, reject
from stack.app.gates.archives.formats import HEAD, is_archive, members

_IN_MEMORY: Final = 4 * 1024 * 1024


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


def measure(source: BinaryIO, name: str, budget: Budget, folder: Path) -> None:
    """Draw a nested archive's whole content on the budget. Raises Rejected when that is too much, Cancelled."""
    with NESTED.held():
        _measure(source, name, budget, folder, 1)


def _measure(source: BinaryIO, name: str, budget: Budget, folder: Path, depth: int) -> None:
    if depth > budget.policy.max_nesting:
        limit = budget.policy.max_nesting
        reject("E_BOMB_RATIO", name, f"archives must be nested at most {limit} deep (CWE-409)")
    with suppress(Unsound):
        for member in members(source, name, budget, nested=True):
            if member.folder:
                continue
            budget.declared(member)
            inner = _content(member, budget, folder)
            if inner is not None:
                with inner:
                    _measure(inner, name, budget, folder, depth + 1)


def _content(member: Member, budget: Budget, folder: Path) -> BinaryIO | None:
    """Draws one member on the budget, as long as it really is; gives it back if it may be an archive."""
    scratch = Scratch(folder)
    with suppress(Unsound):
        for chunk in budget.metered(replace(member, exact=False)):
            scratch.write(chunk)
    return scratch.archive()
