"""A plan while it is drawn up: steps in order, each after those that are part of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from msgspec.structs import replace

from stack.model.observed import ObservedContainer
from stack.model.plan import Step, Verb


@dataclass
class Draft:
    """Steps so far; ``keys`` of them."""

    steps: list[Step] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)

    def add(self, step: Step) -> str:
        """Puts a step at the end, and returns its key; predecessors that no step is are left out."""
        kept = tuple(k for k in dict.fromkeys(step.after) if k in self.keys)
        self.steps.append(replace(step, after=kept))
        self.keys.add(step.key)
        return step.key


def remove(draft: Draft, container: ObservedContainer, why: str, after: Iterable[str] = ()) -> str:
    """The container goes, stopped first where it is alive; the key of its removal."""
    first = tuple(after)
    if alive(container):
        first = (draft.add(Step(Verb.STOP, container.name, why, container.component, container.id, first)),)
    return draft.add(Step(Verb.REMOVE, container.name, why, container.component, container.id, first))


def alive(container: ObservedContainer) -> bool:
    """Whether a process is there that would have to be stopped."""
    return container.state in ("running", "restarting", "paused")
