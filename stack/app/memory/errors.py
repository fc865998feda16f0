"""The errors of the memory substrate, so that a caller can tell "later" from "never".

    StoreError
    ├── StoreUnavailable   the store cannot answer now: try again later
    └── PacketRefused      the database will not take this packet, now or later
    InvalidPacket          (a ValueError) the packet breaks a limit; nothing was sent to the store

Database drivers' own exceptions never leave this package.
"""

from __future__ import annotations


class StoreError(Exception):
    """The packet store did not do what was asked; the message says what, where and how to fix it."""


class StoreUnavailable(StoreError):
    """The store is down, locked, full or unreachable: the same call may succeed later."""


class PacketRefused(StoreError):
    """The database refuses the packet for its content: the same call will never succeed."""


class InvalidPacket(ValueError):
    """A packet breaks one of the limits of `stack.app.memory.packet`."""
