"""What one archive may cost: entries, bytes and ratios, counted as declared and again as they stream.

Every reader draws on the same budget, nested archives included. It must never look at a name: that is
filesystem_gate's task.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, NoReturn

from stack.app.cancel import check_cancelled
from stack.app.gates.policy import ArchivePolicy
from stack.app.gates.types import Rejected

GATE: Final = "extraction_gate"
MAX_DICTIONARIES: Final = 2


@dataclass(frozen=True, slots=True)
class Member:
    """One entry as its reader found it, before anybody has judged it.

    ``size`` is as declared; ``exact`` when it is binding; ``compressed`` where the format counts per entry; ``special``
    says why it is neither a plain file nor a folder. ``chunks`` streams the content, once, and only before the reader
    goes on to the next member.
    """

    name: str
    folder: bool
    size: int
    chunks: Callable[[], Iterator[bytes]]
    compressed: int | None = None
    exact: bool = True
    special: str | None = None


class Unsound(Rejected):
    """The archive is damaged, or two readers would read it differently. A nested one is plain data then."""


def reject(error_code: str, value: str, hint: str) -> NoReturn:
    """Raise the rejection of extraction_gate."""
    raise Rejected(GATE, error_code, value, hint)


def unsound(error_code: str, value: str, hint: str) -> NoReturn:
    """The same for an archive that is not to be relied on at all."""
    raise Unsound(GATE, error_code, value, hint)


class Budget:
    """Counts for one archive of ``archive_bytes``; every method raises Rejected when a limit is passed."""

    def __init__(self, policy: ArchivePolicy, archive_bytes: int) -> None:
        self.policy = policy
        self._archive_bytes = max(archive_bytes, 1)
        self._entries = 0
        self._streamed = 0
        self._dictionaries = 0

    @property
    def entries_left(self) -> int:
        """How many more entries are allowed."""
        return self.policy.max_entries - self._entries

    def entry(self, name: str, count: int = 1) -> None:
        """One more file, folder or header. Raises Cancelled when nobody waits for the decision any more."""
        check_cancelled()
        self._entries += count
        if self._entries > self.policy.max_entries:
            reject("E_ENTRY_BUDGET", name, f"an archive must have at most {self.policy.max_entries} entries")

    def metadata(self, name: str, size: int) -> None:
        """Bytes that only describe a member: they are never written, but they cost time."""
        self._streamed += size
        self._refuse_total(name, self._streamed)

    @contextmanager
    def dictionary(self, name: str) -> Iterator[None]:
        """One LZMA dictionary more in memory, 64 MiB at most, while what is packed with it is read."""
        if self._dictionaries == MAX_DICTIONARIES:
            reject("E_BOMB_RATIO", name, f"LZMA must be nested at most {MAX_DICTIONARIES} deep (CWE-409)")
        self._dictionaries += 1
        try:
            yield
        finally:
            self._dictionaries -= 1

    def declared_total(self, size: int) -> None:
        """The sum of the sizes that an archive's directory declares."""
        self._refuse_total("the archive's directory", self._streamed + size)

    def declared(self, member: Member) -> None:
        """One file's declared sizes."""
        if member.size > self.policy.max_file_bytes:
            reject("E_FILE_SIZE", member.name, f"a file must have at most {self.policy.max_file_bytes} bytes")
        self._refuse_entry_ratio(member, member.size)

    def metered(self, member: Member) -> Iterator[bytes]:
        """The file's bytes, each counted before it is handed on."""
        size = 0
        for chunk in member.chunks():
            check_cancelled()
            size += len(chunk)
            self._streamed += len(chunk)
            self._refuse_total(member.name, self._streamed)
            self._refuse_entry_ratio(member, size)
            if size > self.policy.max_file_bytes:
                reject("E_FILE_SIZE_STREAM", member.name, "the file is larger than allowed")
            if member.exact and size > member.size:
                unsound("E_FILE_SIZE_STREAM", member.name, "the file is larger than declared")
            yield chunk
        if member.exact and size != member.size:
            unsound(
                "E_FILE_SIZE_STREAM", member.name, f"{member.size} bytes are declared but {size} are there"
            )

    def _refuse_total(self, name: str, total: int) -> None:
        limit = max(self.policy.ratio_floor_bytes, self.policy.max_ratio * self._archive_bytes)
        if total > limit:
            reject("E_BOMB_RATIO", name, f"expands more than {self.policy.max_ratio:g} times (CWE-409)")
        if total > self.policy.max_total_bytes:
            reject(
                "E_ENTRY_BUDGET", name, f"must expand to at most {self.policy.max_total_bytes} bytes in all"
            )

    def _refuse_entry_ratio(self, member: Member, size: int) -> None:
        if member.compressed is None or size <= self.policy.ratio_floor_bytes:
            return
        if size > self.policy.max_entry_ratio * max(member.compressed, 1):
            reject(
                "E_ENTRY_RATIO",
                member.name,
                f"expands more than {self.policy.max_entry_ratio:g} times (CWE-409)",
            )
