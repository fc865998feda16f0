"""Puts into the content store and writes at the boundary of the packet store, as the load generator does them.

A rejection meets a real obstacle: a source that breaks off, a file where a folder must be, a connection on which
nobody has begun a transaction. The obstacles stand in a scratch folder, never in the application's own store.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Final

from stack.app.faulty_store import PlainConnection
from stack.app.gates.guarded import ContentStore, check_write
from stack.app.load import archives
from stack.app.load.operations import POOL, Targets, rejected

_CONTENT: Final = b"an object that meets an obstacle"


class BrokenSource(io.BytesIO):
    """Yields its content, and then what a failing medium says instead of the end."""

    def read(self, size: int | None = -1) -> bytes:
        """Some of the content. Raises OSError once there is no more."""
        content = super().read(size)
        if not content:
            raise OSError(5, "Input/output error")
        return content


def storage_operations(on: Targets) -> dict[str, Callable[[], None]]:
    """Operations of storage_gate and db_boundary_gate, by kind."""
    pool = [archives.text(on.random, 200) for _ in range(POOL)]
    return {
        "object": lambda: _put(on, on.random.choice(pool)),
        "E_STORAGE_PUT": partial(_broken_put, on),
        "E_STORAGE_MOVE": partial(_blocked_put, on, "objects", "E_STORAGE_MOVE"),
        "E_STORAGE_MARKER": partial(_blocked_put, on, "markers", "E_STORAGE_MARKER"),
        "E_DB_TX": partial(_write, "E_DB_TX", begun=False, expected=1),
        "E_DB_MIGRATION": partial(_write, "E_DB_MIGRATION", begun=True, expected=2),
    }


def _put(on: Targets, content: bytes) -> None:
    on.objects.put(io.BytesIO(content))


def _broken_put(on: Targets) -> None:
    with rejected("E_STORAGE_PUT"):
        on.objects.put(BrokenSource(_CONTENT))


def _blocked_put(on: Targets, folder: str, code: str) -> None:
    root = on.scratch / f"blocked-{folder}"
    try:
        store = ContentStore(root, on.gates.policy.storage)
        _block(root / folder)
        with rejected(code):
            store.put(io.BytesIO(_CONTENT))
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _block(folder: Path) -> None:
    """Puts a file where the folder of the content's digest belongs."""
    (folder / sha256(_CONTENT).hexdigest()[:2]).touch()


def _write(code: str, *, begun: bool, expected: int) -> None:
    connection = PlainConnection(version=1)
    try:
        if begun:
            connection.begin()
        with rejected(code):
            check_write(connection, "session_context", expected)
    finally:
        connection.close()
