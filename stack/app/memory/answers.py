"""What a packet store answers with, and the errors that tell "later" from "never"."""

from __future__ import annotations

from dataclasses import dataclass


class StoreError(Exception):
    """The packet store did not do what was asked; the message says what, where and how to fix it."""


class StoreUnavailable(StoreError):
    """The store is down, locked, full or unreachable: the same call may succeed later."""


class PacketRefused(StoreError):
    """The database refuses the packet for its content: the same call will never succeed."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a write did: packets stored now, packets known already, ids refused with their reasons."""

    stored: int
    known: int = 0
    refused: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Probe:
    """Result of one write-read probe; `detail` says in one line what is wrong, empty when healthy."""

    healthy: bool
    duration_ms: float
    detail: str = ""
