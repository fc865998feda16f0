"""Which source an image comes from: present, pull, build here, or unavailable. A pure function over facts.

Never asks an engine, a registry or a clock: the caller observes, decides, acts, and decides again with what it learnt.
"""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from stack.images.pins import Pin, pinned, registry_of


class Source(Enum):
    """Where the image comes from."""

    PRESENT = "present"
    PULL = "pull"
    BUILD = "build"
    UNAVAILABLE = "unavailable"


class Facts(Struct, frozen=True):
    """What is known when the decision falls.

    ``override`` is the user's own reference, ``digest`` the locked content of the official one. ``local`` says whether
    our own build is there and whether its recipe is today's; ``cannot_build`` is the reason why none can be made.
    ``silence``: what is to be said beside the fact that the registry is silent; ``silent_before``: how long ago it was,
    where it is to be asked again.
    """

    override: str = ""
    digest: str = ""
    wanted_present: bool = False
    local: str = ""
    registry_silent: bool = False
    silence: str = ""
    silent_before: str = ""
    cannot_build: str = ""


LOCAL_CURRENT = "current"
LOCAL_STALE = "stale"


class Decision(Struct, frozen=True):
    """The source, the reference to use or make, and why."""

    source: Source
    ref: str
    why: str


def wanted(pin: Pin, override: str, digest: str) -> str:
    """The reference that is looked for first and pulled: the user's own, else the official one, locked if it is."""
    if override:
        return override
    return pinned(pin.official, digest) if digest else pin.official


def decide(pin: Pin, facts: Facts) -> Decision:
    """The source of one component's image."""
    ref = wanted(pin, facts.override, facts.digest)
    if facts.wanted_present:
        return Decision(Source.PRESENT, ref, "already there")
    if facts.local == LOCAL_CURRENT and not facts.override:
        return Decision(Source.PRESENT, pin.local, "built here before")
    if not facts.registry_silent:
        return Decision(Source.PULL, ref, _not_there(facts, ref))
    return _without_registry(pin, facts, ref)


def _not_there(facts: Facts, ref: str) -> str:
    if not facts.silent_before:
        return "not there yet"
    return f"registry {registry_of(ref)} did not answer {facts.silent_before} ago; start asks again"


def _without_registry(pin: Pin, facts: Facts, ref: str) -> Decision:
    silent = f"registry {registry_of(ref)} does not answer{f' ({facts.silence})' if facts.silence else ''}"
    if facts.override:
        return Decision(
            Source.UNAVAILABLE, ref, f"{silent} and the image that the settings name is not there"
        )
    if not facts.cannot_build:
        return Decision(Source.BUILD, pin.local, silent)
    if facts.local == LOCAL_STALE:
        return Decision(Source.PRESENT, pin.local, f"built here by an older recipe; {facts.cannot_build}")
    return Decision(Source.UNAVAILABLE, ref, f"{silent}; {facts.cannot_build}")
