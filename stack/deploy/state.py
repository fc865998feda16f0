"""The stack's own memory on its engine: read once a command, written where something changed, guarded by its lock.

It belongs to the stack, not to this client: another checkout or machine finds the same secrets and switches.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from msgspec.structs import replace

from stack.common.errors import StackError
from stack.components.manifest import SecretSpec
from stack.config.cache import Cache
from stack.config.settings import Settings
from stack.engine.interface import Engine
from stack.model.state import OneOff, StackState, parse

SECRET_BYTES = 18


@dataclass
class StateStore:
    """The state of one stack; ``cache`` may still hold the secrets that an older version kept there."""

    engine: Engine
    stack: str
    cache: Cache
    damaged: bool = False
    """Whether what was read is no state any more; known once it was read."""
    _written: list[StackState] = field(default_factory=list)
    _made: dict[str, str] = field(default_factory=dict)
    _versions: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _one: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @cached_property
    def _found(self) -> StackState:
        content = self.engine.read_state(self.stack)
        self.damaged = content == b""
        if not content:
            return StackState()
        try:
            return parse(content)
        except ValueError as error:
            raise StackError(
                f"the state of stack {self.stack} on the engine cannot be read: {error}",
                hint="was it written by a newer version? use that one",
            ) from error

    @property
    def now(self) -> StackState:
        """The state as this command knows it."""
        return self._written[-1] if self._written else self._found

    def change(self, **fields: Any) -> None:
        """Writes the state with these fields and the versions noted meanwhile, where it differs."""
        new = replace(self.now, **{"versions": {**self.now.versions, **self._versions}, **fields})
        if new != self.now:
            self.engine.write_state(self.stack, new.dump())
            self._written.append(new)

    def forget_all(self) -> None:
        """The document is gone: the next change is the first."""
        self._written.clear()
        self.__dict__.pop("_found", None)

    def lacks(self, fields: Mapping[str, Any]) -> bool:
        """Whether the state has something else in one of these fields."""
        return replace(self.now, **fields) != self.now

    def refresh(self) -> bool:
        """Reads it again once the lock is held; whether somebody else has written it meanwhile."""
        before = self.__dict__.pop("_found", None)
        return before is not None and before != self._found

    def written(self, volume: str, version: str) -> tuple[str, ...]:
        """See ``stack.deploy.actions.Versions``."""
        with self._one:
            known = tuple(v for v in self._versions_in(volume) if v != version)
            self._versions[volume] = (*known, version)
            return self._versions[volume]

    def forget(self, volume: str, versions: tuple[str, ...]) -> None:
        """See ``stack.deploy.actions.Versions``."""
        with self._one:
            self._versions[volume] = tuple(v for v in self._versions_in(volume) if v not in versions)
            self.change()

    def _versions_in(self, volume: str) -> tuple[str, ...]:
        return self._versions.get(volume, self.now.versions.get(volume, ()))

    def with_secrets(self, wanted: Iterable[SecretSpec]) -> dict[str, str]:
        """Stored secrets by name, with those that are wanted and missing: generated (144 bits), not yet written."""
        known = self.known_secrets(wanted)
        for spec in wanted:
            if spec.generated and spec.name not in known:
                made = secrets.token_urlsafe(SECRET_BYTES)
                known[spec.name] = self._made.setdefault(spec.name, made)
        return known

    def known_secrets(self, wanted: Iterable[SecretSpec]) -> dict[str, str]:
        """Stored secrets by name; where the stack has none, those that this client kept once, or made for compose."""
        known = dict(self.now.secrets)
        for spec in wanted:
            kept = self.cache.text(f"secrets/{spec.name}") or self.cache.text(f"compose/{spec.name}")
            if kept:
                known.setdefault(spec.name, kept)
        return known


def remembered(settings: Settings, state: StackState) -> dict[str, str]:
    """One-off switches that still hold, as settings by path: the settings say what they said when each was given."""
    return {
        f"components.{name}": one.switch
        for name, one in state.switches.items()
        if name in settings.table.names and one.settings == _said(settings, name)
    }


def switched(settings: Settings, asked: Mapping[str, str], state: StackState) -> dict[str, OneOff]:
    """What is to be remembered after ``asked`` (component > switch): nothing where the settings say so themselves."""
    held = {
        name: one
        for name, one in state.switches.items()
        if f"components.{name}" in remembered(settings, state)
    }
    for name, switch in asked.items():
        held.pop(name, None)
        if settings.switch(name) != switch:
            held[name] = OneOff(switch, _said(settings, name))
    return held


def _said(settings: Settings, component: str) -> str:
    path = f"components.{component}"
    return str(settings[path]) if path in settings.given else ""
