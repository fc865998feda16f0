"""What stands before the packet store while ``substrate-down``, ``no-transaction`` or ``old-migration`` is on.

With all off there is nothing. It never changes what is stored.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from stack.app.faults import Faults
from stack.app.gates.guarded import check_write
from stack.app.memory.packet import Packet
from stack.app.memory.store import StoreUnavailable


class PlainConnection:
    """A ``Boundary`` over a database of its own, in memory, on which nobody has begun a transaction."""

    def __init__(self, version: int = 1) -> None:
        self._connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._connection.execute(f"PRAGMA user_version = {version:d}")

    def begin(self) -> None:
        """Begins a transaction."""
        self._connection.execute("BEGIN")

    def close(self) -> None:
        """Forgets everything."""
        self._connection.close()

    def in_transaction(self) -> bool:
        """See ``Boundary``."""
        return self._connection.in_transaction

    def migration(self) -> int:
        """See ``Boundary``."""
        return int(self._connection.execute("PRAGMA user_version").fetchone()[0])

    def latest(self, segment: str) -> str | None:
        """See ``Boundary``: it holds nothing."""
        del segment
        return None


def obstacle(faults: Faults) -> Callable[[Packet | None], None]:
    """Raises what a call must end with, given the packet of a single write: StoreUnavailable, Rejected."""

    def check(packet: Packet | None) -> None:
        if faults.on("substrate-down"):
            raise StoreUnavailable("the fault substrate-down is on: switch it off")
        if packet is not None and faults.on("no-transaction"):
            _write_elsewhere(packet.segment, begun=False, behind=0)
        if packet is not None and faults.on("old-migration"):
            _write_elsewhere(packet.segment, begun=True, behind=1)

    return check


def _write_elsewhere(segment: str, *, begun: bool, behind: int) -> None:
    """Asks db_boundary_gate about a connection on which it is right to refuse. Raises Rejected."""
    plain = PlainConnection()
    try:
        if begun:
            plain.begin()
        check_write(plain, segment, plain.migration() + behind)
    finally:
        plain.close()
