"""Pulls that give up early on a registry that does not answer, and a short memory of which ones did not.

The engine pulls, not this process, so a pull is the only honest probe: the first word that the engine reports means
that the registry has answered. All pulls from one registry share one deadline, so silence costs it once. Refusals are
passed on unchanged: they are errors, not a reason to look elsewhere.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

from stack.common.errors import RegistryUnreachable
from stack.common.files import read_json, write_atomically
from stack.images.interface import ImageEngine
from stack.images.pins import registry_of

CONTACT_SECONDS = 3.0
REMEMBER_SECONDS = 300.0


class Registries:
    """Reachability of registries as the engine sees them; safe for use by several threads.

    ``memory`` is the file of silent registries; ``scope`` names the engine, since another one may reach more.
    """

    def __init__(
        self,
        memory: Path,
        *,
        scope: str = "",
        clock: Callable[[], float] = time.time,
        contact_seconds: float = CONTACT_SECONDS,
    ) -> None:
        self._memory = memory
        self._scope = scope
        self._clock = clock
        self._contact_seconds = contact_seconds
        self._changed = threading.Condition()
        self._answered: set[str] = set()
        self._silent: set[str] = set()
        self._deadlines: dict[str, float] = {}

    def silent(self, registry: str) -> bool:
        """Whether this registry did not answer now or within the last minutes."""
        with self._changed:
            if registry in self._silent:
                return True
        then = read_json(self._memory).get(self._key(registry))
        return isinstance(then, int | float) and 0 <= self._clock() - then < REMEMBER_SECONDS

    def forget(self) -> None:
        """Ask every registry anew, as an explicit pull does."""
        with self._changed:
            self._silent.clear()
            self._deadlines.clear()
        self._memory.unlink(missing_ok=True)

    def pull(self, engine: ImageEngine, ref: str, progress: Callable[[str], None]) -> None:
        """Pull ``ref``. Raises RegistryUnreachable after the shared deadline, or what the engine raises."""
        registry = registry_of(ref)
        attempt = _Attempt(self, registry, progress)
        thread = threading.Thread(target=attempt.run, args=(engine, ref), daemon=True)
        with self._changed:
            self._deadlines.setdefault(registry, time.monotonic() + self._contact_seconds)
            thread.start()
            self._changed.wait_for(
                lambda: attempt.done or registry in self._answered | self._silent, self._left(registry)
            )
            if not attempt.done and registry in self._answered:
                self._changed.wait_for(lambda: attempt.done)
            failure = attempt.failure if attempt.done else RegistryUnreachable(_no_answer(registry))
        if isinstance(failure, RegistryUnreachable):
            attempt.abandoned = True
            self._mark_silent(registry)
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

    def _mark_silent(self, registry: str) -> None:
        with self._changed:
            self._silent.add(registry)
            self._changed.notify_all()
            known = {**read_json(self._memory), self._key(registry): self._clock()}
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


def _no_answer(registry: str) -> str:
    return f"registry {registry} does not answer the engine"
