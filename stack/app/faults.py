"""Fault switches for drills: each breaks one thing on purpose, for a while, in the real code path.

Without the setting ``faults`` no switch can be thrown. A switch with seconds falls back by itself. Nothing here may
harm stored data.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from threading import Event, Lock
from typing import Final, Literal

SLOW_GATE_SECONDS: Final = 0.03

FAULTS: Final[dict[str, str]] = {
    "reject-all": "every gate but db_boundary_gate refuses everything",
    "slow-gate": f"every decision of a gate takes {SLOW_GATE_SECONDS * 1000:g} ms longer",
    "substrate-down": "the packet store answers nothing; audits wait on disk",
    "storage-put": "the content store cannot take an object (E_STORAGE_PUT)",
    "storage-move": "the content store cannot move an object into place (E_STORAGE_MOVE)",
    "storage-marker": "the content store cannot write a marker (E_STORAGE_MARKER)",
    "no-transaction": "the packet store is written to outside a transaction (E_DB_TX)",
    "old-migration": "the packet store is written to on a schema that is behind (E_DB_MIGRATION)",
    "host-denials": "the load generator asks for denied hosts",
    "zip-bombs": "the load generator sends zip bombs",
    "path-traversal": "the load generator sends paths that climb out",
    "latest-mismatch": "the load generator writes packets on a stale read",
    "tool-failures": "the load generator calls tools with what they cannot do",
    "tool-timeouts": "the load generator calls tools that take too long",
    "quiet": "the load generator pauses",
}


@dataclass(frozen=True, slots=True)
class FaultView:
    """A switch as it stands; ``seconds_left`` is None when it is off or stays on."""

    name: str
    state: Literal["on", "off"]
    seconds_left: float | None
    meaning: str


class Faults:
    """The switches. Thread safe; asking costs one dictionary look-up while all are off."""

    def __init__(self, enabled: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self.enabled = enabled
        self._clock = clock
        self._until: dict[str, float] = {}
        self._lock = Lock()
        self._never = Event()

    def switch(self, name: str, on: bool, seconds: float | None = None) -> FaultView:
        """Throws a switch. Raises KeyError for an unknown name, PermissionError when drills are not enabled."""
        if name not in FAULTS:
            raise KeyError(name)
        if not self.enabled:
            raise PermissionError("faults are not enabled: start the application with --faults on")
        with self._lock:
            if on:
                self._until[name] = inf if seconds is None else self._clock() + seconds
            else:
                self._until.pop(name, None)
        return self.view(name)

    def on(self, name: str) -> bool:
        """Whether this fault is to happen now."""
        until = self._until.get(name)
        if until is None:
            return False
        if until > self._clock():
            return True
        with self._lock:
            if self._until.get(name) == until:
                del self._until[name]
        return False

    def active(self) -> tuple[str, ...]:
        """The names of all faults that happen now."""
        return tuple(name for name in FAULTS if self._until and self.on(name))

    def view(self, name: str) -> FaultView:
        """One switch. Raises KeyError."""
        on = self.on(name)
        left = self._until.get(name, inf) - self._clock() if on else inf
        return FaultView(name, "on" if on else "off", None if left == inf else max(0.0, left), FAULTS[name])

    def delay(self) -> None:
        """Takes the time that ``slow-gate`` adds to a decision."""
        if self._until and self.on("slow-gate"):
            self._never.wait(SLOW_GATE_SECONDS)
