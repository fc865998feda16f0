"""Pulls that give up early on a registry that does not answer, and a short memory of which ones did not.

The engine pulls, not this process, so a pull is the only honest probe: the first word that the engine reports means
that the registry has answered. All pulls from one registry share one deadline, so silence costs it once. Refusals are
passed on unchanged: they are errors, not a reason to look elsewhere.

Silence is forgotten before its time where this machine can reach a registry that it could not reach when it was silent:
who has mended the way to it need not wait.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from stack.common.durations import duration
from stack.common.errors import RegistryUnreachable
from stack.common.files import read_json, write_atomically
from stack.images.interface import ImageEngine
from stack.images.pins import registry_of

MEMORY = "silent-registries.json"
"""The file in the cache that several commands share."""
HTTPS = 443
LOOK_SECONDS = 0.3
"""What a look from this machine may take; it is taken only at a registry that was silent."""


class Patience(Struct, frozen=True):
    """Seconds for a registry's first word, and for which its silence is remembered."""

    answer: float = 3.0
    remember: float = 300.0


def in_reach(registry: str) -> bool:
    """Whether a connection to it can be made from this machine."""
    host, _, port = registry.rpartition(":") if ":" in registry else (registry, "", str(HTTPS))
    made: list[bool] = []

    def connect() -> None:
        try:
            with socket.create_connection((host, int(port)), LOOK_SECONDS):
                made.append(True)
        except (OSError, ValueError):
            pass

    looking = threading.Thread(target=connect, daemon=True)  # a name may be looked up for longer
    looking.start()
    looking.join(LOOK_SECONDS)
    return bool(made)


class Registries:
    """Reachability of registries as the engine sees them; safe for use by several threads.

    ``memory`` is the file of silent registries; ``scope`` names the engine, since another one may reach more.
    ``look`` tells whether this machine reaches a registry; of a remote engine that says nothing.
    """

    def __init__(
        self,
        memory: Path,
        *,
        scope: str = "",
        clock: Callable[[], float] = time.time,
        patience: Patience | None = None,
        look: Callable[[str], bool] = in_reach,
    ) -> None:
        self._memory = memory
        self._scope = scope
        self._clock = clock
        self._patience = patience or Patience()
        self._look = look
        self._looked: dict[str, bool] = {}
        self._timed_out: set[str] = set()
        self._changed = threading.Condition()
        self._answered: set[str] = set()
        self._silent: set[str] = set()
        self._deadlines: dict[str, float] = {}

    def silent(self, registry: str) -> bool:
        """Whether this registry did not answer now or within the last minutes."""
        with self._changed:
            if registry in self._silent:
                return True
        return self._since(registry) is not None and not self._back(registry)

    def words(self, registry: str) -> str:
        """What is to be said of a silence beside its fact; empty where the registry was refused at once."""
        wait, again = duration(self._patience.answer), duration(self._patience.remember)
        if registry in self._silent:
            return f"within {wait}: STACK_REGISTRY_PATIENCE" if registry in self._timed_out else ""
        ago = duration(round(self._since(registry) or 0.0))
        return f"asked {ago} ago; STACK_REGISTRY_REMEMBER is {again}, images pull asks at once"

    def before(self, registry: str) -> str:
        """How long ago it last did not answer, such as ``20m5s``, though it is to be asked again; empty if never."""
        gone = self._gone(registry)
        return duration(round(gone)) if gone is not None else ""

    def _since(self, registry: str) -> float | None:
        """Seconds since it was silent, as far as that keeps anybody from asking it."""
        gone = self._gone(registry)
        return gone if gone is not None and gone < self._patience.remember else None

    def _gone(self, registry: str) -> float | None:
        """Seconds since it was silent; None where no moment is known that lies behind."""
        then = _entry(read_json(self._memory).get(self._key(registry))).get("when")
        gone = self._clock() - then if isinstance(then, int | float) else -1.0
        return gone if gone >= 0 else None

    def _back(self, registry: str) -> bool:
        """Whether this machine reaches it now and did not when it was silent."""
        reached = _entry(read_json(self._memory).get(self._key(registry))).get("reached", True)
        return not reached and self._looks(registry)

    def _looks(self, registry: str) -> bool:
        """Looked at once by one command."""
        if registry not in self._looked:
            self._looked[registry] = self._look(registry)
        return self._looked[registry]

    def forget(self) -> None:
        """Ask every registry anew, as an explicit pull does."""
        with self._changed:
            self._silent.clear()
            self._timed_out.clear()
            self._deadlines.clear()
        self._memory.unlink(missing_ok=True)

    def pull(self, engine: ImageEngine, ref: str, progress: Callable[[str], None]) -> None:
        """Pull ``ref``. Raises RegistryUnreachable after the shared deadline, or what the engine raises."""
        registry = registry_of(ref)
        attempt = _Attempt(self, registry, progress)
        thread = threading.Thread(target=attempt.run, args=(engine, ref), daemon=True)
        with self._changed:
            self._deadlines.setdefault(registry, time.monotonic() + self._patience.answer)
            thread.start()
            self._changed.wait_for(
                lambda: attempt.done or registry in self._answered | self._silent, self._left(registry)
            )
            if not attempt.done and registry in self._answered:
                self._changed.wait_for(lambda: attempt.done)
            failure = attempt.failure if attempt.done else RegistryUnreachable(_no_answer(registry))
        if isinstance(failure, RegistryUnreachable):
            attempt.abandoned = True
            self._mark_silent(registry, timed_out=not attempt.done)
        if failure is not None:
            raise failure

    def _answer(self, registry: str) -> None:
        with self._changed:
            self._answered.add(registry)
            self._changed.notify_all()

    def _finish(self, attempt: _Attempt) -> None:
        with self._changed:
            attempt.done = True
            if not isinstance(attempt.failure, RegistryUnreachable):
                self._answered.add(attempt.registry)
            self._changed.notify_all()

    def _mark_silent(self, registry: str, *, timed_out: bool) -> None:
        with self._changed:
            self._silent.add(registry)
            self._timed_out |= {registry} if timed_out else set()
            self._changed.notify_all()
        told = {"when": self._clock(), "reached": self._looks(registry)}
        with self._changed:
            known = {**read_json(self._memory), self._key(registry): told}
            write_atomically(self._memory, json.dumps(known).encode())

    def _left(self, registry: str) -> float:
        return max(0.0, self._deadlines[registry] - time.monotonic())

    def _key(self, registry: str) -> str:
        return f"{self._scope} {registry}".strip()


class _Attempt:
    """One pull in its own thread; an abandoned one falls silent."""

    def __init__(self, registries: Registries, registry: str, progress: Callable[[str], None]) -> None:
        self.registry = registry
        self.done = False
        self.abandoned = False
        self.failure: BaseException | None = None
        self._registries = registries
        self._progress = progress

    def run(self, engine: ImageEngine, ref: str) -> None:
        try:
            engine.pull(ref, self._report)
        except BaseException as failure:  # handed to the waiting thread, which raises it
            self.failure = failure
        self._registries._finish(self)

    def _report(self, line: str) -> None:
        self._registries._answer(self.registry)
        if not self.abandoned:
            self._progress(line)


def never_in_reach(registry: str) -> bool:
    """What this machine reaches says nothing of what an engine elsewhere does."""
    del registry
    return False


def _entry(told: object) -> dict[str, object]:
    """What is remembered of one registry; nothing where it is of another form."""
    return told if isinstance(told, dict) else {}


def _no_answer(registry: str) -> str:
    return f"registry {registry} does not answer the engine"
