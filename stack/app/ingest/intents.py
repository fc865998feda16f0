"""The write-ahead record of an ingest: what has to be undone, or finished, when the process dies on the way.

One small file per ingest, always replaced whole. ``storing``: objects are being put; after a crash the new ones are
removed. ``ready``: all objects are there; after a crash the packet is written (again: its id makes that harmless).
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from stack.app.memory.packet import Packet


@dataclass(frozen=True, slots=True)
class Intent:
    """``new``: digests that were in no store before. ``packet``: the packet as text, once all objects are stored."""

    ingest_id: str
    new: tuple[str, ...]
    packet: str = ""

    @property
    def ready(self) -> bool:
        """Whether it is to be finished rather than undone."""
        return bool(self.packet)

    def with_packet(self, packet: Packet) -> Intent:
        """The same, ready."""
        return replace(self, packet=packet.to_json())


class IntentLog:
    """The intents in one folder. Every method is durable when it returns. Raises OSError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def write(self, intent: Intent) -> None:
        """Writes an intent, or replaces it."""
        aside = self._folder / f"{intent.ingest_id}.new"
        with aside.open("w", encoding="utf-8") as file:
            json.dump(asdict(intent), file)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(self._path(intent))
        self._sync()

    def remove(self, intent: Intent) -> None:
        """Forgets an intent."""
        self._path(intent).unlink(missing_ok=True)
        self._sync()

    def all(self) -> list[Intent]:
        """The intents that were neither finished nor undone; what was never whole is swept away."""
        for half in self._folder.glob("*.new"):
            half.unlink(missing_ok=True)
        found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(self._folder.glob("*.json"))]
        return [Intent(each["ingest_id"], tuple(each["new"]), each["packet"]) for each in found]

    def _path(self, intent: Intent) -> Path:
        return self._folder / f"{intent.ingest_id}.json"

    def _sync(self) -> None:
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
