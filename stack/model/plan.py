"""What is to be done, as values: verbs, steps with their reasons, and a plan whose text is stable.

Values only; ``stack.deploy.reconcile`` decides.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from msgspec import Struct


class Verb(StrEnum):
    """What a step does; each is one call of the engine or of a product's API."""

    CREATE_NETWORK = "create network"
    CREATE_VOLUME = "create volume"
    WRITE = "write files"
    CREATE = "create container"
    RENAME = "rename"
    CONNECT = "connect"
    JOIN = "join network"
    LEAVE = "leave network"
    LIMIT = "set limits"
    START = "start"
    RELOAD = "reload"
    RESTART = "restart"
    VERIFY = "verify"
    RECORD = "record"
    STOP = "stop"
    REMOVE = "remove container"
    REMOVE_NETWORK = "remove network"
    REMOVE_VOLUME = "remove volume"


class Step(Struct, frozen=True):
    """One call: ``verb`` on ``target`` because of ``why``, once all steps named in ``after`` are done.

    ``component`` is the service concerned, ``object_id`` the engine's id where the object exists already. ``network``:
    the one of somebody else that is joined or left.
    """

    verb: Verb
    target: str
    why: str
    component: str = ""
    object_id: str = ""
    after: tuple[str, ...] = ()
    network: str = ""

    @property
    def key(self) -> str:
        """Identity within a plan."""
        return f"{self.verb} {self.target}"


class Plan(Struct, frozen=True):
    """Steps in an order in which they could run one after another."""

    name: str
    steps: tuple[Step, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.steps)

    def text(self) -> str:
        """One line a step: verb, target, reason."""
        return "\n".join(f"{s.verb:<16} {s.target:<28} {s.why}" for s in self.steps)

    def document(self) -> dict[str, Any]:
        """The plan as plain values."""
        return {"plan": [{"verb": s.verb, "target": s.target, "why": s.why} for s in self.steps]}

    def touched(self) -> tuple[str, ...]:
        """Components that some step concerns, in order of appearance."""
        return tuple(dict.fromkeys(s.component for s in self.steps if s.component))
