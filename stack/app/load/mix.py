"""The mix of the load generator as one table, and the order in which it is dealt. Data and arithmetic only.

A deck is dealt evenly: the cards of one kind are the same distance apart, over the end of the deck too, so a rare
rejection stays rare in every window that an alert looks at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Final


@dataclass(frozen=True, slots=True)
class Card:
    """An operation, and how many of it a deck of each profile holds. A rejection is named by its error code."""

    kind: str
    steady: int
    full: int

    def count(self, profile: str) -> int:
        """How many there are in a profile's deck."""
        return {"steady": self.steady, "full": self.full}[profile]


MIX: Final[tuple[Card, ...]] = (
    Card("url", 1388, 8),
    Card("path", 1300, 8),
    Card("archive", 500, 6),
    Card("config", 300, 4),
    Card("object", 300, 4),
    Card("ingest", 60, 3),
    Card("memory-write", 500, 8),
    Card("memory-search", 350, 6),
    Card("memory-recent", 150, 4),
    Card("tool-hash", 350, 6),
    Card("tool-text-search", 250, 4),
    Card("tool-archive-inspect", 150, 4),
    Card("tool-fetch-check", 150, 4),
    Card("tool-wait", 200, 4),
    Card("tool-failure", 3, 2),
    Card("tool-denied", 3, 2),
    Card("tool-timeout", 2, 2),
    Card("tool-unknown", 1, 1),
    Card("E_CONFIG_INVALID", 2, 1),
    Card("E_CONFIG_VALIDATION", 2, 1),
    Card("E_SCHEME", 3, 1),
    Card("E_USERINFO", 2, 1),
    Card("E_HOST_DENY", 4, 1),
    Card("E_PORT_DENY", 2, 1),
    Card("E_DNS_FAIL", 3, 1),
    Card("E_PRIVATE_NET", 3, 1),
    Card("E_TRAVERSAL", 3, 1),
    Card("E_CASEFOLD_COLLISION", 3, 1),
    Card("E_DEPTH", 2, 1),
    Card("E_SEGMENT_LEN", 2, 1),
    Card("E_PATH_LEN", 2, 1),
    Card("E_PORTABILITY", 4, 1),
    Card("E_SPECIAL_TYPE", 1, 1),
    Card("E_BOMB_RATIO", 1, 1),
    Card("E_ENTRY_RATIO", 1, 1),
    Card("E_FILE_SIZE", 1, 1),
    Card("E_FILE_SIZE_STREAM", 1, 1),
    Card("E_ENTRY_BUDGET", 1, 1),
    Card("E_STORAGE_PUT", 0, 1),
    Card("E_STORAGE_MOVE", 0, 1),
    Card("E_STORAGE_MARKER", 0, 1),
    Card("E_DB_TX", 0, 1),
    Card("E_DB_MIGRATION", 0, 1),
    Card("E_LATEST_MISMATCH", 0, 1),
)

BURSTS: Final[dict[str, tuple[str, ...]]] = {
    "host-denials": ("E_HOST_DENY",),
    "zip-bombs": ("E_BOMB_RATIO", "E_ENTRY_RATIO"),
    "path-traversal": ("E_TRAVERSAL",),
    "latest-mismatch": ("E_LATEST_MISMATCH",),
    "tool-failures": ("tool-failure",),
    "tool-timeouts": ("tool-timeout",),
}
"""What the generator does as every second operation while a fault of that name is on."""


def deck(profile: str, seed: int) -> tuple[str, ...]:
    """All kinds of one deck in the order of dealing; the same for the same seed."""
    random = Random(seed)  # noqa: S311 - a reproducible mix, nothing secret
    dealt: list[tuple[float, str]] = []
    for card in MIX:
        count, phase = card.count(profile), random.random()
        dealt += [((number + phase) / count, card.kind) for number in range(count)]
    return tuple(kind for _, kind in sorted(dealt))


def kinds(profile: str, seed: int) -> Iterator[str]:
    """The endless sequence of operations: the same deck again and again; nothing at all for ``off``."""
    if profile == "off":
        return
    dealt = deck(profile, seed)
    while True:
        yield from dealt
