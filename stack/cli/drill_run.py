"""One wave of drills: each fault is thrown, its alert watched until it was told, the fault taken back, its end awaited.

Faults are taken back however the command ends: switches fall back by themselves, and which containers are stopped is
written down on the engine before that is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal

from msgspec import Struct

from stack.checks.context import CheckContext
from stack.checks.drill_hearing import Hearing
from stack.checks.drills import PROMETHEUS, Bound, Drill
from stack.cli.drill_detour import back
from stack.clients.alerts import ActiveAlert, active_alerts
from stack.clients.http import HttpFailure
from stack.common.errors import StackError
from stack.common.wait import CLOCK, Clock, TimedOut, until
from stack.deploy.state import StateStore
from stack.engine.interface import Engine
from stack.model.spec import container_name

EVERY = 0.5
"""Seconds between two looks."""
STUBBORN = 10.0
"""Seconds in which a container that does not start again is tried once more."""
APART = ("gate", "instance", "job", "error_code")
"""Labels that tell alerts of one rule apart."""
STAGES = ("pending", "firing", "told", "ended")
Stage = Literal["pending", "firing", "told", "ended"]


class Result(Struct, frozen=True):
    """What came of one drill: seconds until each stage, None where it did not come; ``why`` it failed, else empty."""

    drill: Drill
    bound: Bound
    pending: float | None = None
    firing: float | None = None
    told: float | None = None
    ended: float | None = None
    why: str = ""


@dataclass
class _Run:
    """A drill under way. ``began``: when its fault was thrown, ``back``: when it was taken back (both by the clock)."""

    drill: Drill
    bound: Bound
    began: float
    back: float | None = None
    seen: dict[str, float] = field(default_factory=dict)
    active: list[ActiveAlert] = field(default_factory=list)
    why: str = ""

    @property
    def over(self) -> bool:
        """Whether there is nothing more to wait for."""
        return bool(self.why) or "ended" in self.seen

    def result(self) -> Result:
        """As it stands."""
        return Result(self.drill, self.bound, **{s: self.seen.get(s) for s in STAGES}, why=self.why)


@dataclass
class Wave:
    """Runs drills that do not disturb each other.

    ``tell`` hears of each stage: the drill, the stage, its seconds. ``lead`` sends samples elsewhere for a drill.
    """

    engine: Engine
    state: StateStore
    context: CheckContext
    hearing: Hearing
    tell: Callable[[Drill, str, float], None]
    lead: Callable[[Drill], None]
    clock: Clock = CLOCK
    silent: str = ""
    """Why nobody could be asked at the latest look."""

    def run(self, drills: Iterable[tuple[Drill, Bound]], *, later: bool = False) -> tuple[Result, ...]:
        """Their results, in their order, once all are over.

        One whose alert is active already fails; ``later``: another wave went before, and its traces are waited for.
        """
        runs = [_Run(drill, bound, self.clock.now()) for drill, bound in drills]
        began = self.clock.now()
        while late := self._active(runs):
            if not later or self.clock.now() - began > max(run.bound.ended for run in late):
                for run in late:
                    self._fail(run, "it is pending or firing already")
                break
            self.clock.sleep(EVERY)
        with self._thrown([run for run in runs if not run.over]):
            while not all(run.over for run in runs):
                self._look(runs)
                self.clock.sleep(EVERY)
        return tuple(run.result() for run in runs)

    def _active(self, runs: list[_Run]) -> list[_Run]:
        active = {alert.name for alert in active_alerts(self.context.prometheus.http)}
        return [run for run in runs if run.drill.alert in active]

    @contextmanager
    def _thrown(self, runs: list[_Run]) -> Iterator[None]:
        """Their faults, all taken back at the end."""
        stopped = tuple(run.drill.stops for run in runs if run.drill.stops)
        self.state.change(drilled=stopped)
        try:
            for run in runs:
                run.began = self.clock.now()
                self.hearing.listen(run.drill, "firing")
                self._throw(run)
            yield
        finally:
            for run in runs:
                if run.back is None:
                    self._take_back(run)
            restore(self.engine, self.state, self.clock)

    def _throw(self, run: _Run) -> None:
        if run.drill.stops:
            self.engine.stop(container_name(self.state.stack, run.drill.stops))
        elif run.drill.sends:
            self.lead(run.drill)
        else:
            self.context.app.throw(run.drill.switch, run.bound.told + 60)

    def _take_back(self, run: _Run) -> None:
        run.back = self.clock.now()
        if run.drill.stops:
            _start(self.engine, self.state.stack, run.drill.stops, self.clock)
            return
        if run.drill.sends:
            back(self.engine, self.state)
            return
        with suppress(HttpFailure):  # it falls back by itself
            self.context.app.throw(run.drill.switch, 0)

    def _look(self, runs: list[_Run]) -> None:
        try:
            alerts = active_alerts(self.context.prometheus.http)
            for run in runs:
                if not run.over:
                    self._follow(run, [alert for alert in alerts if alert.name == run.drill.alert])
            self.silent = ""
        except HttpFailure as failure:  # the deadline tells
            self.silent = str(failure)
        for run in runs:
            if not run.over:
                self._judge(run)

    def _follow(self, run: _Run, alerts: list[ActiveAlert]) -> None:
        """Notes what has come since the last look."""
        now, run.active = self.clock.now(), alerts
        if alerts:
            self._saw(run, "pending", now - run.began)
        if any(alert.state == "firing" for alert in alerts):
            self._saw(run, "firing", now - run.began)
        if "firing" not in run.seen:
            return
        if "told" not in run.seen and self.hearing.heard(run.drill):
            self._saw(run, "told", now - run.began)
            self.hearing.listen(run.drill, "resolved")
            self._take_back(run)
        elif run.back is not None and not alerts and self.hearing.heard(run.drill):
            self._saw(run, "ended", now - run.back)

    def _saw(self, run: _Run, stage: Stage, seconds: float) -> None:
        if stage not in run.seen:
            run.seen[stage] = seconds
            self.tell(run.drill, stage, seconds)

    def _judge(self, run: _Run) -> None:
        """Gives up what is late; its fault goes at once."""
        now = self.clock.now()
        for stage in STAGES[:3]:
            if stage not in run.seen and now - run.began > getattr(run.bound, stage):
                self._fail(run, f"not {stage} within {getattr(run.bound, stage):.0f} s{self._held_back(run)}")
                self._take_back(run)
                return
        if run.back is not None and "ended" not in run.seen and now - run.back > run.bound.ended:
            self._fail(run, f"its end was not told within {run.bound.ended:.0f} s{_still(run)}")

    def _fail(self, run: _Run, why: str) -> None:
        run.why = why
        self.tell(run.drill, f"FAILED: {why}", self.clock.now() - run.began)

    def _held_back(self, run: _Run) -> str:
        """What keeps a firing alert from being told, as far as Alertmanager says."""
        if self.silent or "firing" not in run.seen:
            return f": {self.silent}" if self.silent else ""
        try:
            held = self.context.alertmanager.alerts(run.drill.alert)
        except HttpFailure as failure:
            return f": {failure}"
        if not held:
            return ": Alertmanager has not got it"
        words = {"silenced": any(a.silenced for a in held), "inhibited": any(a.inhibited for a in held)}
        found = [word for word, is_so in (*words.items(), ("muted", any(a.muted for a in held))) if is_so]
        return f": it is {' and '.join(found)}" if found else ": no notification of it came"


def _still(run: _Run) -> str:
    """Which of its alerts have not ended, by the labels that tell them apart."""
    told = [
        " ".join(f"{k}={v}" for k, v in sorted(alert.labels.items()) if k in APART) for alert in run.active
    ]
    return f": it is still {run.active[0].state} ({', '.join(sorted(told))})" if told else ""


def restore(engine: Engine, state: StateStore, clock: Clock = CLOCK) -> tuple[str, ...]:
    """Takes back what a drill has done, also one that was killed; the services that it touched."""
    led = (PROMETHEUS,) if back(engine, state) else ()
    left = state.now.drilled
    there = {c.component for c in engine.observe(state.stack).containers}
    for service in left:
        if service in there:
            _start(engine, state.stack, service, clock)
    if left:
        state.change(drilled=())
    return (*led, *left)


def _start(engine: Engine, stack: str, service: str, clock: Clock) -> None:
    """Starts a container, more than once where the engine is too busy at first; ``StackError`` where it never does."""
    try:
        until(
            lambda: engine.start(container_name(stack, service)),
            seconds=STUBBORN,
            every=EVERY,
            retry=(StackError,),
            clock=clock,
        )
    except TimedOut as failure:
        raise failure.__cause__ or failure from None
