"""What is judged by the CIS Docker Benchmark, and how: values that the rules and their reasons share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from msgspec import Struct

Level = Literal["warn", "info", "note"]
"""What a finding is: a fault, a matter of opinion, or something that only a person can judge."""
Result = Literal["pass", "warn", "info", "note"]


class Host(Struct, frozen=True):
    """What the engine says of itself: its swarm's state, and the names of its security modules.

    ``trust``: whether this client asks for content trust.
    """

    swarm: str = ""
    security: tuple[str, ...] = ()
    trust: bool = False

    @property
    def restrains(self) -> bool:
        """Whether no container of its can gain privileges, whatever it was started with."""
        return any(one.startswith("name=no-new-privileges") for one in self.security)


class Seen(Struct, frozen=True):
    """One running container: the engine's description, the names of its processes, whether its image says how its
    health is checked."""

    inspect: Mapping[str, Any]
    processes: tuple[str, ...] = ()
    image_has_check: bool = False

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.inspect["Name"]).removeprefix("/")

    @property
    def host(self) -> Mapping[str, Any]:
        """How it was started."""
        found: Mapping[str, Any] = self.inspect["HostConfig"]
        return found


Look = Callable[[Seen], str]
"""What is wrong with a container; empty where nothing is."""


class Rule(Struct, frozen=True):
    """One recommendation. ``says`` is the evidence of a container that follows it."""

    id: str
    title: str
    look: Look
    says: str
    level: Level = "warn"


class Judged(Struct, frozen=True):
    """One recommendation and one container. ``reason``: why it is so on purpose; empty where nobody says."""

    id: str
    title: str
    container: str
    result: Result
    evidence: str
    reason: str = ""

    @property
    def fault(self) -> bool:
        """Whether it is a warning without a written reason."""
        return self.result == "warn" and not self.reason


Reason = Callable[[str, Seen | None], str]
"""Why a recommendation is not followed on purpose: by its id and the container, None for the engine. Empty: nobody
says."""
