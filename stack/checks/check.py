"""What a check is: one question about a stack, whom it asks, in which stage, and by when the answer must be there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from stack.checks.context import CheckContext
from stack.checks.model import Evidence, Expected, Stage

LOGS = "monitoring-stack logs shows why"
RELOAD = "monitoring-stack reload writes and loads the rendered files"


@dataclass(frozen=True, slots=True)
class Check:
    """One question. ``run`` returns its evidence, raises ``NotYet`` or ``Pending`` to be asked again, or ``Broken``.

    ``component`` is whom it asks, ``needs`` who else must be part of the stack; ``seconds`` is its deadline,
    ``pending`` that for answers which come true by themselves (0: the same), ``every`` the first pause between two
    tries. ``hint`` says how to mend what a deadline has found.
    ``by_engine``: it runs a command in a container, so it is asked where the engine is at hand, never from inside.
    ``after``: checks without whose success the answer means nothing; where one failed, this one is not asked.
    ``recurring``: what it asks can change by itself, so that each start asks it, of an unchanged stack too.
    """

    name: str
    proves: str
    component: str
    stage: Stage
    run: Callable[[CheckContext], str | Evidence]
    hint: str = ""
    seconds: float = 20.0
    pending: float = 0.0
    every: float = 0.02
    needs: tuple[str, ...] = ()
    unless: str = ""
    database: bool = False
    by_engine: bool = False
    after: tuple[str, ...] = ()
    recurring: bool = False

    def concerns(self, expected: Expected) -> bool:
        """Whether the stack has all whom, and what, the question is about, and lacks the one named in ``unless``."""
        present = all(expected.has(component) for component in (self.component, *self.needs))
        stored = expected.database or not self.database
        return present and stored and not (self.unless and expected.has(self.unless))
