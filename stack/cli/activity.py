"""What goes on right now, as rows: steps of the plan, images on their way, checks that wait with their last answer.

State only: it draws nothing, and hears events from any thread.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from msgspec import Struct

from stack.cli.amounts import Amount
from stack.model.events import Event, Progress, StepBegun, StepDone


class Row(Struct, frozen=True):
    """One thing that goes on; ``seconds`` since it began, ``share`` of it that is done (0 to 1) where that is known."""

    topic: str
    detail: str
    seconds: float
    share: float | None = None


@dataclass
class _Entry:
    topic: str
    detail: str
    began: float
    amount: Amount = field(default_factory=Amount)


class Activity:
    """The rows, oldest first. ``now`` is in seconds."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._entries: dict[str, _Entry] = {}
        self._lock = threading.Lock()

    def hear(self, event: Event) -> None:
        """A milestone ends all that went on before it."""
        with self._lock:
            if isinstance(event, StepBegun):
                self._entries[f"{event.step} {event.target}"] = _Entry(event.target, event.step, self._now())
            elif isinstance(event, StepDone):
                self._entries.pop(f"{event.step} {event.target}", None)
            elif isinstance(event, Progress):
                self._progress(event)
            else:
                self._entries.clear()

    def rows(self) -> tuple[Row, ...]:
        """What goes on at this moment."""
        with self._lock:
            now = self._now()
            return tuple(
                Row(e.topic, e.detail, now - e.began, e.amount.share) for e in self._entries.values()
            )

    def _progress(self, event: Progress) -> None:
        step = next((key for key in self._entries if _concerns(key, event.topic)), "")
        if step:  # what a component answers belongs to the step that asks it
            self._entries[step].detail = f"{step.partition(' ')[0]}: {_one_line(event.detail)}"
        elif event.detail:
            if event.topic not in self._entries:
                self._entries[event.topic] = _Entry(event.topic, "", self._now())
            entry = self._entries[event.topic]
            entry.detail = entry.amount.hear(_one_line(event.detail))
        else:
            self._entries.pop(event.topic, None)


def _concerns(key: str, component: str) -> bool:
    """Whether a step's key (``verify monitoring-grafana``) is about the component."""
    _, space, target = key.partition(" ")
    return bool(space) and (target == component or target.endswith(f"-{component}"))


def _one_line(text: str) -> str:
    """Other people's text, without anything that moves a cursor."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
