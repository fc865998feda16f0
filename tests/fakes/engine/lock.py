"""The lock of the in-memory engine: the same algorithm over containers that exist in memory only."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from msgspec.structs import asdict

from stack.engine import convert, labels
from stack.engine.interface import Holder
from stack.engine.lock import Held

if TYPE_CHECKING:
    from tests.fakes.engine.memory import MemoryEngine


class MemoryLock:
    """``stack.engine.lock.Place``."""

    def __init__(self, engine: MemoryEngine, stack: str) -> None:
        self.stack = stack
        self._engine = engine
        self._name = convert.keeper_name(stack, labels.LOCK)

    def create(self, holder: Holder) -> str:
        """See ``Place``."""
        with self._engine.mutex:
            if self._engine.find(self._name):
                return ""
            body = convert.lock_body(self.stack, "empty", json.dumps(asdict(holder)))
            made = self._engine.put(self._name, body, "sha256:empty")
            made.signed = time.monotonic()
            return made.id

    def look(self) -> Held | None:
        """See ``Place``."""
        with self._engine.mutex:
            found = self._engine.owned(self._name)
            if found is None:
                return None
            holder = Holder(**json.loads(found.marks[labels.HOLDER]))
            return Held(found.id, holder, str(found.signed), time.monotonic() - found.signed)

    def sign(self, lock: str) -> bool:
        """See ``Place``."""
        with self._engine.mutex:
            found = self._engine.find(lock)
            if found is None:
                return False
            found.signed = time.monotonic()
            return True

    def remove(self, lock: str) -> None:
        """See ``Place``."""
        with self._engine.mutex:
            self._engine.containers.pop(lock, None)
