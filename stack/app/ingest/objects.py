"""The content store as the application uses it: each put one measured decision, subject to the fault switches.

Whoever removes an object must be the one who put it; nothing else in the process may share its content.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from typing import BinaryIO, Final

from stack.app.faults import Faults
from stack.app.gatekeeper import Gatekeeper
from stack.app.gates.policy import StoragePolicy
from stack.app.gates.storage import ContentStore, Disk, StoredObject
from stack.app.gates.types import Accepted

AT_ONCE: Final = 8
"""Files put at the same time: a disk syncs several about as fast as one."""


class FaultyDisk(Disk):
    """A disk that fails where the faults ``storage-put``, ``storage-move`` and ``storage-marker`` say so."""

    def __init__(self, durable: bool, faults: Faults) -> None:
        super().__init__(durable)
        self._faults = faults

    def sync(self, file: BinaryIO) -> None:
        """See ``Disk.sync``."""
        self._fail("storage-put")
        super().sync(file)

    def rename(self, source: Path, target: Path) -> None:
        """See ``Disk.rename``."""
        self._fail("storage-marker" if target.parent.parent.name == "markers" else "storage-move")
        super().rename(source, target)

    def _fail(self, fault: str) -> None:
        if self._faults.on(fault):
            raise OSError(5, f"the fault {fault} is on")


class Objects:
    """Objects by digest under one folder. Opening it removes what an earlier process left half-written."""

    def __init__(self, root: Path, policy: StoragePolicy, gates: Gatekeeper, faults: Faults) -> None:
        self._content = ContentStore(root, policy, FaultyDisk(policy.durable, faults))
        self._gates = gates
        self._content.recover()

    def put(self, source: BinaryIO) -> Accepted[StoredObject]:
        """Stores what ``source`` yields. Raises Rejected with E_STORAGE_PUT, E_STORAGE_MOVE or E_STORAGE_MARKER."""
        return self._gates.measured("storage_gate", lambda: self._content.put(source))

    def put_all(self, paths: Iterable[Path]) -> None:
        """Stores files. Raises as ``put`` does; no put is under way when it returns or raises."""
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="objects") as pool:
            puts = [pool.submit(copy_context().run, self._put_file, path) for path in paths]
            try:
                for each in puts:
                    each.result()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def has(self, digest: str) -> bool:
        """Whether there is such an object."""
        return self._content.find(digest) is not None

    def read(self, digest: str) -> bytes:
        """An object's content. Raises FileNotFoundError when there is none."""
        found = self._content.find(digest)
        if found is None:
            raise FileNotFoundError(f"{digest}: no such object")
        return found.path.read_bytes()

    def remove(self, digest: str) -> None:
        """Removes an object, if it is there. Raises OSError."""
        self._content.remove(digest)

    def _put_file(self, path: Path) -> None:
        with path.open("rb") as file:
            self.put(file)

    def count(self) -> int:
        """How many objects there are."""
        return sum(1 for _ in self._content.digests())
