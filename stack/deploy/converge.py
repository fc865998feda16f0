"""From a description to a stack that runs it: observe, reconcile, apply, go back where new files were refused.

Ties the stages together and knows no product; what is printed and which exit code follows is for ``cli``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct

from stack.common.errors import StackError, StartFailed
from stack.deploy.reconcile import reconcile
from stack.deploy.volumes import examined
from stack.engine.interface import Engine
from stack.model.events import Event
from stack.model.observed import Observed
from stack.model.plan import Plan, Verb
from stack.model.spec import StackSpec

if TYPE_CHECKING:
    from stack.deploy.actions import Actions
    from stack.deploy.execute import Outcome


class Converged(Struct, frozen=True):
    """What was found, decided and done."""

    observed: Observed
    plan: Plan
    outcome: Outcome


def decide(spec: StackSpec, engine: Engine, *, thorough: bool = False) -> tuple[Observed, Plan]:
    """The snapshot and the plan that follows from it; ``thorough``: all files in volumes are read."""
    observed = examined(engine, spec, engine.observe(spec.name), thorough=thorough)
    return observed, reconcile(spec, observed)


def carry_out(observed: Observed, plan: Plan, actions: Actions, emit: Callable[[Event], None]) -> Converged:
    """Applies the plan; raises the first failure after previous files went back in use."""
    from stack.deploy.execute import apply  # an unchanged stack needs none of it

    outcome = apply(plan, actions, emit)
    if outcome.failures:
        raise _fault(outcome, observed, plan, actions)
    return Converged(observed, plan, outcome)


def _fault(outcome: Outcome, observed: Observed, plan: Plan, actions: Actions) -> StackError:
    failed = {f"{e.step} {e.target}": e.error for e in outcome.failures}
    steps = [step for step in plan.steps if step.key in failed]
    first = steps[0]
    error = failed[first.key]
    notes = [note for step in steps if (note := _go_back(step.component, step.verb, observed, plan, actions))]
    if not isinstance(error, StackError):
        error = StartFailed(f"{first.verb} {first.target}: {type(error).__name__}: {error}")
    if notes:
        error.hint = "; ".join(filter(None, (error.hint, *notes)))
    return error


def _go_back(component: str, verb: Verb, observed: Observed, plan: Plan, actions: Actions) -> str:
    """Only where a running container was told to take new files and older ones had been verified."""
    found = observed.container(component) if component else None
    written = any(s.component == component and s.verb is Verb.WRITE for s in plan.steps)
    if (
        found is None
        or not found.running
        or not written
        or found.applied.version in ("", actions.spec.service(component).files_digest())
        or verb not in (Verb.RELOAD, Verb.RESTART, Verb.VERIFY)
    ):
        return ""
    try:
        actions.go_back(actions.spec.service(component), found.applied)
    except StackError as error:
        return f"{component}'s previous files could not be put back ({error.message})"
    return f"{component} runs its previous files again"
