"""Reads the lock of official digests. Cheap, since every start reads it; ``inventory`` writes it.

An entry has the image's layers too, as one checksum: an archive brings an image without its digest, which is of the
registry, while layers have the same names on every engine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from stack.common.files import read_json
from stack.images.pins import Pin

LOCK_NAME = "images.lock.json"


def read_lock(folder: Path, pins: Mapping[str, Pin]) -> dict[str, str]:
    """Locked digests by component; one that was locked for another pin no longer counts."""
    return _read(folder, pins, "digest")


def read_layers(folder: Path, pins: Mapping[str, Pin]) -> dict[str, str]:
    """Checksums of the layers of the locked images by component; none for what an older version locked."""
    return _read(folder, pins, "layers")


def checksum(layers: Iterable[str]) -> str:
    """One text for an image's layers, lowest first; empty for none."""
    told = "\n".join(layers)
    return f"sha256:{hashlib.sha256(told.encode()).hexdigest()}" if told else ""


def _read(folder: Path, pins: Mapping[str, Pin], key: str) -> dict[str, str]:
    return {
        component: str(entry[key])
        for component, entry in read_json(folder / LOCK_NAME).items()
        if isinstance(entry, dict)
        and component in pins
        and entry.get("image") == pins[component].official
        and entry.get(key)
    }
