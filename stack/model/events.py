"""What happens while the stack works, as frozen values: the printer shows them, tests compare them.

An event describes; it never acts and never formats itself for a terminal.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class StepBegun(Struct, frozen=True):
    """One step of a plan begins."""

    step: str
    target: str


class StepDone(Struct, frozen=True):
    """One step of a plan ended. ``seconds`` since the step began."""

    step: str
    target: str
    outcome: Literal["done", "failed", "skipped"]
    seconds: float = 0.0
    error: Exception | None = None


class Progress(Struct, frozen=True):
    """Long work goes on: what is waited for and the last answer.

    ``passing``: for somebody who watches; it comes too often for a line of its own.
    """

    topic: str
    detail: str
    passing: bool = False

    @classmethod
    def over(cls, topic: str) -> Progress:
        """Nothing is waited for any more; an empty detail."""
        return cls(topic, "", passing=True)


class Milestone(Struct, frozen=True):
    """A stage of ``start`` was reached, ``seconds`` after the command began."""

    name: str
    summary: str
    seconds: float


Event = StepBegun | StepDone | Progress | Milestone
