"""What a stack remembers of itself, as one document that lies on its engine: secrets, switches, the last proof.

Values, and their form as JSON. Nothing that opens a stack to a network is ever part of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field, to_builtins

FORMAT = 1


class OneOff(Struct, frozen=True):
    """A component that was switched on the command line: how, and what the settings said then (empty: nothing)."""

    switch: str
    settings: str = ""


class ProvenStack(Struct, frozen=True):
    """What was proven, by its identity, and when (UTC, for people)."""

    identity: str
    when: str


class TestedReceiver(Struct, frozen=True):
    """A receiver that has taken a test alert: its identity then, and when (UTC, for people)."""

    identity: str
    when: str


class Restoring(Struct, frozen=True):
    """A restore under way: the volumes that it fills, and the image of which that is done.

    ``made``: those that were not there before. ``decided``: all is laid beside, and counts. ``fresh``: there was no
    state before.
    """

    image: str
    volumes: tuple[str, ...]
    made: tuple[str, ...] = ()
    decided: bool = False
    fresh: bool = False


class StackState(Struct, frozen=True):
    """``started``: components of the last start. ``versions``: those in each configuration volume, oldest first.

    ``drilled``: services whose containers a drill has stopped and not yet started again. ``hosts``: further hosts on
    which something was put, by name and URL of the engine.
    """

    secrets: Mapping[str, str] = field(default_factory=dict)
    switches: Mapping[str, OneOff] = field(default_factory=dict)
    started: tuple[str, ...] = ()
    proven: ProvenStack | None = None
    versions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tested: Mapping[str, TestedReceiver] = field(default_factory=dict)
    drilled: tuple[str, ...] = ()
    restoring: Restoring | None = None
    hosts: tuple[tuple[str, str], ...] = ()

    def dump(self) -> bytes:
        """The document."""
        return json.dumps({"format": FORMAT, **to_builtins(self)}, sort_keys=True).encode()


def parse(content: bytes) -> StackState:
    """The state in a document; ValueError where it is none that this version reads."""
    document = json.loads(content)
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError(f"not a state of format {FORMAT}")
    try:
        return _state(document)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a state: {type(error).__name__}: {error}") from error


def _restoring(told: Mapping[str, Any] | None) -> Restoring | None:
    if told is None:
        return None
    lists = {name: tuple(told[name]) for name in ("volumes", "made")}
    return Restoring(**{**told, **lists})


def _state(document: Mapping[str, Any]) -> StackState:
    proven = document["proven"]
    return StackState(
        secrets={str(name): str(text) for name, text in document["secrets"].items()},
        switches={name: OneOff(**one) for name, one in document["switches"].items()},
        started=tuple(document["started"]),
        proven=ProvenStack(**proven) if proven else None,
        versions={volume: tuple(found) for volume, found in document["versions"].items()},
        tested={name: TestedReceiver(**one) for name, one in document.get("tested", {}).items()},
        drilled=tuple(document.get("drilled", ())),
        restoring=_restoring(document.get("restoring")),
        hosts=tuple((str(name), str(engine)) for name, engine in document.get("hosts", ())),
    )
