"""The lock's decisions, with an engine that can be silenced and a clock that tests move."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from stack.common.errors import Busy, EngineUnavailable
from stack.common.wait import Clock
from stack.engine.holder import is_dead, this_process
from stack.engine.interface import Holder
from stack.engine.lock import Held, HeldLease, Pace, acquire

FAR = Holder("far-away", "ann", "start", 4242, "2026-01-01 10:00:00 UTC")
PACE = Pace(sign=2.0, silent=10.0)


@dataclass
class Engine:
    """``stack.engine.lock.Place`` with one lock at most; each look may do something first."""

    stack: str = "demo"
    held: Held | None = None
    broken: bool = False
    removed: list[str] = field(default_factory=list)
    before_looking: list[Callable[[], None]] = field(default_factory=list)
    made: int = 0

    def create(self, holder: Holder) -> str:
        if self.held is not None:
            return ""
        self.made += 1
        self.held = Held(f"lock-{self.made}", holder, "0", 0.0)
        return self.held.id

    def look(self) -> Held | None:
        if self.before_looking:
            self.before_looking.pop(0)()
        return self.held

    def sign(self, lock: str) -> bool:
        if self.broken:
            raise EngineUnavailable("no Docker engine answers")
        return self.held is not None and self.held.id == lock

    def remove(self, lock: str) -> None:
        self.removed.append(lock)
        if self.held is not None and self.held.id == lock:
            self.held = None

    def holds(self, holder: Holder, *, age: float, sign: str = "1") -> None:
        self.held = Held("theirs", holder, sign, age)


@dataclass
class Time:
    """A clock that stands still but for its sleeper."""

    seconds: float = 0.0

    def pass_by(self, seconds: float) -> None:
        self.seconds += seconds

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.seconds, self.pass_by)


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def time() -> Time:
    return Time()


def test_a_holder_heard_of_lately_has_the_lock_and_nobody_waits(engine: Engine, time: Time) -> None:
    engine.holds(FAR, age=9.0)
    with pytest.raises(Busy, match="ann on far-away"):
        acquire(engine, this_process("stop"), PACE, time.clock)
    assert (time.seconds, engine.removed) == (0.0, [])


def test_a_silent_holder_loses_the_lock_after_a_last_look(engine: Engine, time: Time) -> None:
    engine.holds(FAR, age=11.0)
    acquire(engine, this_process("stop"), PACE, time.clock)
    assert engine.removed == ["theirs"]
    assert 0 < time.seconds <= 2 * PACE.sign


def test_a_clock_that_was_set_takes_no_lock_from_a_living_holder(engine: Engine, time: Time) -> None:
    """The engine's clock jumped by an hour; the next sign of life comes while one looks."""
    engine.holds(FAR, age=3600.0)
    engine.before_looking = [lambda: None] * 5 + [lambda: engine.holds(FAR, age=0.0, sign="2")]
    with pytest.raises(Busy):
        acquire(engine, this_process("stop"), PACE, time.clock)
    assert engine.removed == []


def test_a_lock_released_between_two_questions_is_taken(engine: Engine, time: Time) -> None:
    engine.holds(FAR, age=0.0)
    engine.before_looking = [lambda: engine.remove("theirs")]
    acquire(engine, this_process("stop"), PACE, time.clock)
    assert engine.held is not None and engine.held.holder.command == "stop"


def test_somebody_else_is_quicker_at_taking_over(engine: Engine, time: Time) -> None:
    engine.holds(FAR, age=11.0)

    def other_takes_it() -> None:
        engine.held = Held("new", FAR, "1", 0.0)

    engine.before_looking = [lambda: None, other_takes_it]
    with pytest.raises(Busy):
        acquire(engine, this_process("stop"), PACE, time.clock)
    assert engine.held is not None and engine.held.id == "new"


def test_an_engine_out_of_reach_is_told_only_when_it_lasts_and_forgiven_when_it_is_back(
    engine: Engine, time: Time
) -> None:
    lock = engine.create(FAR)
    lease = HeldLease(engine, lock, PACE, lambda: time.seconds)
    engine.broken = True
    time.seconds = 9.0
    lease.check()
    time.seconds = 11.0
    with pytest.raises(EngineUnavailable):
        lease.check()
    engine.broken = False
    lease.check()


def test_a_machine_that_slept_finds_its_lock_taken(engine: Engine, time: Time) -> None:
    lease = HeldLease(engine, engine.create(FAR), PACE, lambda: time.seconds)
    time.seconds = 3600.0
    engine.held = Held("theirs", FAR, "1", 0.0)
    with pytest.raises(Busy, match="another command took over"):
        lease.check()


def test_the_end_of_a_block_never_hides_its_own_error(engine: Engine) -> None:
    with pytest.raises(ValueError, match="mine"), HeldLease(engine, engine.create(FAR), PACE) as lease:
        engine.held = None
        lease._sign()
        raise ValueError("mine")


def test_this_process_lives() -> None:
    assert not is_dead(this_process("start"))


@pytest.mark.parametrize("machine", ["", "another boot pid:[1]"])
def test_a_process_of_another_machine_may_live(machine: str) -> None:
    gone = Holder("here", "me", "start", 2**22 + 1, "", machine, "12345")
    assert not is_dead(gone)


def test_a_number_that_another_process_has_now_is_no_life() -> None:
    mine = this_process("start")
    assert is_dead(Holder("here", "me", "start", mine.pid, "", mine.machine, "1"))
