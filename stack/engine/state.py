"""A stack's state document on the engine: two slots, so that a write that broke off never costs the last whole one.

Pure: names and bytes in, names and bytes out. Each slot begins with one line: a mark, its generation, and the SHA-256
of generation and content. The slot with the highest generation whose checksum holds counts; the other is written next.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

SLOTS = ("one", "two")
_MARK = b"monitoring-stack-state"


def newest(slots: Mapping[str, bytes]) -> bytes | None:
    """The content of the newest whole slot; empty where what is there is damaged, None where nothing is."""
    found = _newest(slots)
    return found[2] if found else b"" if any(slots.values()) else None


def following(slots: Mapping[str, bytes], content: bytes) -> tuple[str, bytes]:
    """Name and bytes of the slot that makes ``content`` the newest."""
    found = _newest(slots)
    generation, used = (found[0], found[1]) if found else (0, SLOTS[1])
    name = SLOTS[1] if used == SLOTS[0] else SLOTS[0]
    return name, b"%s %d %s\n%s" % (_MARK, generation + 1, _checksum(generation + 1, content), content)


def _newest(slots: Mapping[str, bytes]) -> tuple[int, str, bytes] | None:
    whole = [(*read, name) for name in SLOTS if (read := _read(slots.get(name, b"")))]
    return max(((generation, name, content) for generation, content, name in whole), default=None)


def _read(data: bytes) -> tuple[int, bytes] | None:
    head, newline, content = data.partition(b"\n")
    words = head.split(b" ")
    if not newline or len(words) != 3 or words[0] != _MARK or not words[1].isdigit():
        return None
    generation = int(words[1])
    return (generation, content) if words[2] == _checksum(generation, content) else None


def _checksum(generation: int, content: bytes) -> bytes:
    return hashlib.sha256(b"%d\n%s" % (generation, content)).hexdigest().encode()
