"""Reads the lock of official digests. Cheap, since every start reads it; ``inventory`` writes it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from stack.common.files import read_json
from stack.images.pins import Pin

LOCK_NAME = "images.lock.json"


def read_lock(folder: Path, pins: Mapping[str, Pin]) -> dict[str, str]:
    """Locked digests by component; one that was locked for another pin no longer counts."""
    entries = read_json(folder / LOCK_NAME)
    return {
        component: str(entry["digest"])
        for component, entry in entries.items()
        if isinstance(entry, dict) and component in pins and entry.get("image") == pins[component].official
    }
