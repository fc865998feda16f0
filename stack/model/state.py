"""What a stack remembers of itself, as one document that lies on its engine: secrets, switches, the last proof.

Values, and their form as JSON. Nothing that opens a stack to a network is ever part of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from msgspec import Struct, ValidationError, convert, field, to_builtins

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


class Upgrading(Struct, frozen=True):
    """The exchange of one component's image for another, under way.

    ``old``: its container of before, by id, which ``ran`` with the image ``stays`` (id ``stays_id``) and the version
    ``files`` of its files; ``image`` and ``image_id`` are the new ones, ``helper`` is one that works on volumes.
    ``volume``: its data, empty where it keeps none; ``kept``: what that held lies beside, and counts. ``paused``:
    containers, by id, that are stopped meanwhile. ``variable``: what names the new image in .env, if anything is to.
    ``proven``: the new one counts.
    """

    component: str
    old: str
    stays: str
    stays_id: str
    image: str
    image_id: str
    helper: str = ""
    volume: str = ""
    files: str = ""
    variable: str = ""
    paused: tuple[str, ...] = ()
    ran: bool = True
    kept: bool = False
    proven: bool = False


class Refused(Struct, frozen=True):
    """An image that failed its upgrade, by reference and id, and the one that runs in place of it."""

    image: str
    image_id: str
    stays: str
    stays_id: str


class StackState(Struct, frozen=True):
    """``started``: components of the last start. ``versions``: those in each configuration volume, oldest first.

    ``drilled``: services whose containers a drill has stopped and not yet started again; ``detour``: the version of
    Prometheus' files that one has put in use. ``refused``: by component.
    ``hosts``: further hosts on which something was put: name, URL of the engine, and folder of certificates if any.
    """

    secrets: Mapping[str, str] = field(default_factory=dict)
    switches: Mapping[str, OneOff] = field(default_factory=dict)
    started: tuple[str, ...] = ()
    proven: ProvenStack | None = None
    versions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tested: Mapping[str, TestedReceiver] = field(default_factory=dict)
    drilled: tuple[str, ...] = ()
    detour: str = ""
    restoring: Restoring | None = None
    upgrading: Upgrading | None = None
    refused: Mapping[str, Refused] = field(default_factory=dict)
    hosts: tuple[tuple[str, ...], ...] = ()

    @property
    def unfinished(self) -> bool:
        """Whether a command was killed that left data half changed, for the next one to end it."""
        return self.restoring is not None or self.upgrading is not None

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
    except (KeyError, TypeError, AttributeError, ValidationError) as error:
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
        detour=str(document.get("detour", "")),
        restoring=_restoring(document.get("restoring")),
        upgrading=convert(document.get("upgrading"), Upgrading | None),
        refused=convert(document.get("refused", {}), dict[str, Refused]),
        hosts=convert(document.get("hosts", ()), tuple[tuple[str, ...], ...]),
    )
