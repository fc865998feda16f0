"""The write-ahead record of an ingest: what has to be undone, or finished, when the process dies on the way.

One small file per ingest, always replaced whole. ``storing``: objects are being put; after a crash the new ones are
removed. ``ready``: all objects are there; after a crash the packet is written (again: its id makes that harmless).
``revoked``: the packet was refused; the new objects are being removed, and after a crash that goes on.
"""

from __future__ import annotations

import json
import logging
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from stack.app.memory.packet import Packet

_VALID: Final = ".json"
_REVOKED: Final = ".undo"
_CORRUPT: Final = ".corrupt"
_LOG = logging.getLogger("stack.app.ingest")


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
    """The intents in one folder. Every change is durable when its method returns. Raises OSError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def write(self, intent: Intent) -> None:
        """Writes an intent, or replaces it."""
        aside = self._path(intent, ".new")
        try:
            with aside.open("w", encoding="utf-8") as file:
                json.dump(asdict(intent), file)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(self._path(intent))
        except OSError:
            aside.unlink(missing_ok=True)
            raise
        self._sync()

    def revoke(self, intent: Intent) -> None:
        """From here on it is to be undone, ready or not. A rename, since the disk may be full."""
        with suppress(FileNotFoundError):
            self._path(intent).replace(self._path(intent, _REVOKED))
        self._sync()

    def remove(self, intent: Intent) -> None:
        """Forgets an intent."""
        for suffix in (_VALID, _REVOKED):
            self._path(intent, suffix).unlink(missing_ok=True)
        self._sync()

    def sweep(self) -> None:
        """Removes what was never whole. Only at the start: another thread's intent may be on its way."""
        for half in self._folder.glob("*.new"):
            half.unlink(missing_ok=True)

    def all(self) -> list[Intent]:
        """The intents that were neither finished nor undone; a file that holds none is moved aside."""
        paths = [path for path in sorted(self._folder.iterdir()) if path.suffix in (_VALID, _REVOKED)]
        return [intent for path in paths if (intent := self._found(path)) is not None]

    def corrupt(self) -> int:
        """Files that were moved aside since they hold no intent."""
        return sum(1 for _ in self._folder.glob(f"*{_CORRUPT}"))

    def _found(self, path: Path) -> Intent | None:
        try:
            return _read(path)
        except FileNotFoundError:
            return None  # another thread has ended the ingest meanwhile
        except (ValueError, TypeError, KeyError, RecursionError) as fault:
            aside = path.with_name(path.name + _CORRUPT)
            path.replace(aside)
            _LOG.error(
                "ingest: %s holds no intent (%r) and is now %s: objects that it put may stay for nothing",
                path,
                fault,
                aside.name,
            )
            return None

    def _path(self, intent: Intent, suffix: str = _VALID) -> Path:
        return self._folder / f"{intent.ingest_id}{suffix}"

    def _sync(self) -> None:
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _read(path: Path) -> Intent:
    found = json.loads(path.read_text(encoding="utf-8"))
    packet = "" if path.suffix == _REVOKED else found["packet"]
    if found["ingest_id"] != path.stem:
        raise ValueError(f"it is of ingest {found['ingest_id']!r:.50}")
    if packet:
        Packet.from_json(packet)
    return Intent(path.stem, tuple(digest + "" for digest in found["new"]), packet)
