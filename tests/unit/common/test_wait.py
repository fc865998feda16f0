"""The poller: bounded, patient with what it was told to be patient with, and no more."""

from __future__ import annotations

import threading

import pytest

from stack.common.wait import Clock, NotYet, TimedOut, together, until


class FakeTime:
    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def clock(self) -> Clock:
        return Clock(lambda: self.now, self.sleep)


def answers(*values: object) -> object:
    left = list(values)

    def ask() -> object:
        value = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(value, Exception):
            raise value
        return value

    return ask


def test_the_first_good_answer_ends_it() -> None:
    time = FakeTime()
    assert until(answers(NotYet("a"), NotYet("b"), 7), seconds=5, clock=time.clock()) == 7  # type: ignore[arg-type]
    assert len(time.pauses) == 2


def test_the_deadline_carries_the_last_failure() -> None:
    time = FakeTime()
    with pytest.raises(TimedOut, match=r"the last answer \(waited 3 s\)"):
        until(answers(NotYet("the first"), NotYet("the last answer")), seconds=3, clock=time.clock())  # type: ignore[arg-type]
    assert time.now <= 3
    assert max(time.pauses) <= 0.5


def test_other_errors_pass_at_once() -> None:
    time = FakeTime()
    with pytest.raises(ZeroDivisionError):
        until(lambda: 1 / 0, seconds=3, clock=time.clock())
    assert time.pauses == []


def test_a_wait_that_is_called_off_ends_at_once() -> None:
    clock = Clock()
    threading.Timer(0.05, clock.called_off.set).start()
    with pytest.raises(TimedOut, match="called off"):
        until(answers(NotYet("never")), seconds=600, every=300, clock=clock)  # type: ignore[arg-type]


def test_together_keeps_the_order_and_raises_the_first_error() -> None:
    meet = threading.Barrier(3, timeout=10)

    def work(number: int) -> int:
        meet.wait()
        return number * 2

    assert together(work, (3, 1, 2)) == [6, 2, 4]
    assert together(work, ()) == []
    with pytest.raises(ZeroDivisionError):
        together(lambda number: 1 // number, (1, 0))


def test_ctrl_c_calls_off_those_who_wait() -> None:
    clock = Clock()

    def work(number: int) -> int:
        if number == 0:
            raise KeyboardInterrupt
        return until(answers(NotYet("never")), seconds=600, every=300, clock=clock)  # type: ignore[arg-type]

    with pytest.raises(KeyboardInterrupt):
        together(work, (0, 1), clock=clock)
    assert clock.called_off.is_set()
