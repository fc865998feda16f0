"""What stands before the packet store while ``substrate-down``, ``no-transaction`` or ``old-migration`` is on.

With all off there is nothing. It never changes what is stored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from stack.app.faults import Faults
from stack.app.gatekeeper import check_write
from stack.app.memory.answers import StoreUnavailable
from stack.app.memory.packet import Packet


@dataclass(frozen=True, slots=True)
class Obstructed:
    """The ``Boundary`` of an empty store on which a write must be refused."""

    begun: bool
    version: int = 1

    def in_transaction(self) -> bool:
        return self.begun

    def migration(self) -> int:
        return self.version

    def latest(self, segment: str) -> str | None:
        del segment
        return None


def obstacle(faults: Faults) -> Callable[[Packet | None], None]:
    """Raises what a call must end with, given the packet of a single write: StoreUnavailable, Rejected."""

    def check(packet: Packet | None) -> None:
        if faults.on("substrate-down"):
            raise StoreUnavailable("the fault substrate-down is on: switch it off")
        if packet is not None and faults.on("no-transaction"):
            check_write(Obstructed(begun=False), packet.segment, 1)
        if packet is not None and faults.on("old-migration"):
            check_write(Obstructed(begun=True), packet.segment, 2)

    return check
