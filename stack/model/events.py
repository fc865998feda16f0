"""What happens while the stack works, as frozen values: the printer shows them, tests compare them.

An event describes; it never acts and never formats itself for a terminal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class StepDone:
    """One step of a plan ended. ``seconds`` since the step began."""

    step: str
    target: str
    outcome: Literal["done", "failed", "skipped"]
    seconds: float = 0.0
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """Long work goes on: what is waited for and the last answer."""

    subject: str
    detail: str


@dataclass(frozen=True, slots=True)
class Milestone:
    """A stage of ``start`` was reached, ``seconds`` after the command began."""

    name: str
    summary: str
    seconds: float


Event = StepDone | Progress | Milestone
