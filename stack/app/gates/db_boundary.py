"""db_boundary_gate: is this write to the packet store made inside a transaction, on the schema it was written
for, and on top of the packet that the writer has read?

It asks the store through ``Boundary`` and must never write, begin or roll back anything itself. Call it
inside the transaction that will do the write, so that nothing changes between the check and the write.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, NoReturn, Protocol

from stack.app.gates.types import Accepted, Rejected

GATE: Final = "db_boundary_gate"


class Boundary(Protocol):
    """What a packet store tells about itself on the connection that is about to write."""

    def in_transaction(self) -> bool:
        """Whether a transaction is open on this connection."""
        ...

    def migration(self) -> int:
        """Number of the newest migration applied to the schema."""
        ...

    def latest(self, segment: str) -> str | None:
        """Identity of the segment's latest packet, None when it has none."""
        ...


class Latest(Enum):
    """``ANY`` as the expected latest packet: the write does not depend on what was read."""

    ANY = "any"


def check_write(
    boundary: Boundary,
    segment: str,
    expected_migration: int,
    expected_latest: str | Latest | None = Latest.ANY,
) -> Accepted[str]:
    """Accept a write to ``segment``; None as ``expected_latest`` means that it was read as empty.

    Raises Rejected with E_DB_TX, E_DB_MIGRATION or E_LATEST_MISMATCH, in this order.
    """
    if not boundary.in_transaction():
        _reject("E_DB_TX", segment, "begin a transaction before writing")
    found = boundary.migration()
    if found != expected_migration:
        _reject(
            "E_DB_MIGRATION", str(found), f"the schema must be at migration {expected_migration}; migrate it"
        )
    if not isinstance(expected_latest, Latest):
        latest = boundary.latest(segment)
        if latest != expected_latest:
            _reject("E_LATEST_MISMATCH", str(latest), f"{segment} changed since it was read; read it again")
    return Accepted(GATE, segment)


def _reject(error_code: str, value: str, hint: str) -> NoReturn:
    raise Rejected(GATE, error_code, value, hint)
