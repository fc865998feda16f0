"""The type of a row: one fault, how to bring it about, what must be said, and who repairs it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from tests.e2e.stack_command import Stack

Act = Callable[[Stack], object]
Start = Literal["repairs", "refuses", "accepts"]
"""What ``start`` does of the fault: it repairs it; it refuses, since a person must decide; or it takes what it
finds, and the fault stays."""
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
"""The number of this process in a run; each has stacks of its own, so that any row may go to any of them."""
Kind = Literal["bare", "whole"]
"""On which stack: without Grafana, or with all five components."""


@dataclass(frozen=True, slots=True)
class Breakage:
    """One fault of a stack that was proven before.

    ``said`` and ``remedy``: patterns that the error line of ``smoke`` must match; without ``said`` it must succeed.
    ``code``: its exit code. ``warns``: what one of its warnings must match. ``plan``: what the plan must name, where
    ``smoke`` has nothing to say. ``status``: the exit code of ``status``, where one is demanded.
    ``start``: see there; ``refusal`` (default ``said``) and ``refusal_code`` (default ``code``) are its words.
    ``applied``: the fault lies in files on disk that take effect at ``start``, which is therefore asked before
    ``smoke``. ``undo``: the remedy as a person would follow it.
    ``environment``: what the user's shell has meanwhile.
    ``entry``: the message in docs/troubleshooting.md that a reader of ``smoke`` finds it by; ``refusal_entry`` one of
    ``start``.
    """

    name: str
    how: Act
    said: str = ""
    remedy: str = ""
    entry: str = ""
    code: int = 6
    status: int | None = None
    warns: str = ""
    plan: str = ""
    start: Start = "repairs"
    refusal: str = ""
    refusal_code: int | None = None
    refusal_entry: str = ""
    applied: bool = False
    undo: Act | None = None
    environment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    on: Kind = "bare"

    def __post_init__(self) -> None:
        if self.start in ("refuses", "accepts") and self.undo is None:
            raise ValueError(f"{self.name}: where start does not repair, somebody must")


def nothing(stack: Stack) -> None:
    """Of faults that lie in the environment of the command alone."""
    del stack


def each(*acts: Act) -> Act:
    """One after the other."""

    def act(stack: Stack) -> None:
        for one in acts:
            one(stack)

    return act
