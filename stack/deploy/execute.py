"""Runs a plan: steps whose predecessors are done run side by side; what depends on a failed step is skipped.

No decisions: which steps there are, and why, was settled by ``reconcile``; what one does is settled by ``actions``.
Containers start in the plan's order and a few at a time, for they take the engine's processors: all at once, the
slowest to answer would be held up by the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from msgspec import Struct

from stack.common.errors import Interrupted
from stack.common.wait import CLOCK, Clock
from stack.model.events import Event, StepBegun, StepDone
from stack.model.plan import Plan, Step, Verb

WORKERS = 16
STARTS = 3


class Outcome(Struct, frozen=True):
    """How every step of a plan ended, in the order in which they ended."""

    done: tuple[StepDone, ...]

    @property
    def ok(self) -> bool:
        """Whether every step is done."""
        return all(step.outcome == "done" for step in self.done)

    @property
    def failures(self) -> tuple[StepDone, ...]:
        """Steps that failed themselves; skipped ones are their consequence."""
        return tuple(step for step in self.done if step.outcome == "failed")


def apply(
    plan: Plan,
    do: Callable[[Step], None],
    emit: Callable[[Event], None],
    *,
    clock: Clock = CLOCK,
    starts: int = STARTS,
) -> Outcome:
    """Runs all steps, at most ``starts`` containers starting at a time; errors end up in the outcome.

    ``Interrupted`` after Ctrl-C, once running steps have ended.
    """
    run = _Run(do, emit, clock)
    waiting = {step.key: step for step in plan.steps}
    with ThreadPoolExecutor(max_workers=WORKERS, thread_name_prefix="step") as pool:
        running: dict[Future[StepDone], Step] = {}
        try:
            while waiting or running:
                for step in run.ready(waiting, tuple(running.values()), starts):
                    del waiting[step.key]
                    emit(StepBegun(step.verb, step.target))
                    running[pool.submit(run.one, step)] = step
                if not running:
                    continue
                finished, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    del running[future]
                    run.note(future.result())
                run.skip(waiting)
        except KeyboardInterrupt as error:
            clock.called_off.set()
            wait(running)
            raise Interrupted("interrupted", hint="start again: it goes on from here") from error
    return Outcome(tuple(run.ended))


class _Run:
    """The books of one run: what ended how."""

    def __init__(self, do: Callable[[Step], None], emit: Callable[[Event], None], clock: Clock) -> None:
        self.do, self.emit, self.clock = do, emit, clock
        self.ended: list[StepDone] = []
        self.done: set[str] = set()
        self.lost: set[str] = set()

    def ready(self, waiting: dict[str, Step], running: Iterable[Step], starts: int) -> list[Step]:
        """Steps that may begin: no start before one that the plan has earlier, no record while others have work."""
        busy = [*waiting.values(), *running]
        lanes = starts - sum(step.verb is Verb.START for step in running)
        only_records = all(step.verb is Verb.RECORD for step in busy)
        chosen = []
        for step in waiting.values():
            begins = self.done.issuperset(step.after)
            if step.verb is Verb.START:
                begins, lanes = begins and lanes > 0, lanes - 1 if begins else 0
            if begins and (only_records or step.verb is not Verb.RECORD):
                chosen.append(step)
        return chosen

    def one(self, step: Step) -> StepDone:
        began = self.clock.now()
        try:
            self.do(step)
        except Exception as error:  # the outcome carries it; the caller decides
            return StepDone(step.verb, step.target, "failed", self.clock.now() - began, error)
        return StepDone(step.verb, step.target, "done", self.clock.now() - began)

    def note(self, ended: StepDone) -> None:
        self.ended.append(ended)
        (self.done if ended.outcome == "done" else self.lost).add(f"{ended.step} {ended.target}")
        self.emit(ended)

    def skip(self, waiting: dict[str, Step]) -> None:
        """Gives up all steps that depend, directly or not, on a failed one."""
        while doomed := [step for step in waiting.values() if not self.lost.isdisjoint(step.after)]:
            for step in doomed:
                del waiting[step.key]
                self.note(StepDone(step.verb, step.target, "skipped"))
