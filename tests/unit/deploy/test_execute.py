"""Running a plan: order, parallelism, what a failure takes with it, Ctrl-C."""

from __future__ import annotations

import threading

import pytest

from stack.common.errors import Interrupted, StartFailed
from stack.common.wait import Clock
from stack.deploy.execute import apply
from stack.model.events import Event, StepBegun, StepDone
from stack.model.plan import Plan, Step, Verb


def step(name: str, *after: str) -> Step:
    return Step(Verb.START, name, "because", after=tuple(f"{Verb.START} {a}" for a in after))


def void(value: object) -> None:
    del value


def run(plan: Plan, broken: str = "") -> tuple[list[str], dict[str, str]]:
    order: list[str] = []

    def do(what: Step) -> None:
        if what.target == broken:
            raise StartFailed(f"{what.target} broke")
        order.append(what.target)

    outcome = apply(plan, do, lambda event: None)
    return order, {done.target: done.outcome for done in outcome.done}


def test_predecessors_come_first() -> None:
    order, ends = run(Plan("p", (step("a"), step("b", "a"), step("c", "b"), step("d"))))
    assert [order.index(x) for x in ("a", "b", "c")] == sorted(order.index(x) for x in ("a", "b", "c"))
    assert set(ends.values()) == {"done"}


def test_an_empty_plan_does_nothing_and_is_fine() -> None:
    outcome = apply(Plan("p"), lambda what: None, lambda event: None)
    assert outcome.done == ()
    assert outcome.ok


def test_independent_steps_run_side_by_side() -> None:
    meet = threading.Barrier(3, timeout=10)
    steps = tuple(Step(Verb.WRITE, name, "because") for name in "abc")
    outcome = apply(Plan("p", steps), lambda what: void(meet.wait()), lambda event: None)
    assert outcome.ok


def test_a_failure_skips_its_dependants_and_nobody_else() -> None:
    order, ends = run(
        Plan("p", (step("a"), step("b", "a"), step("c", "b"), step("d"), step("e", "d"))), broken="a"
    )
    assert ends == {"a": "failed", "b": "skipped", "c": "skipped", "d": "done", "e": "done"}
    assert order == ["d", "e"]


def test_events_tell_everything_with_the_error() -> None:
    heard: list[Event] = []

    def do(what: Step) -> None:
        raise StartFailed("no")

    outcome = apply(Plan("p", (step("a"), step("b", "a"))), do, heard.append)
    begun, first = heard[:2]
    assert begun == StepBegun(Verb.START, "a")
    assert isinstance(first, StepDone)
    assert isinstance(first.error, StartFailed)
    assert [e.outcome for e in heard if isinstance(e, StepDone)] == ["failed", "skipped"]
    assert [f.target for f in outcome.failures] == ["a"]


def test_ctrl_c_waits_for_what_runs_and_starts_nothing_more() -> None:
    done: list[str] = []

    def emit(event: Event) -> None:
        if isinstance(event, StepDone):
            raise KeyboardInterrupt

    clock = Clock()
    with pytest.raises(Interrupted, match="start again"):
        apply(
            Plan("p", (step("a"), step("b", "a"))), lambda what: done.append(what.target), emit, clock=clock
        )
    assert done == ["a"]
    assert clock.called_off.is_set(), "whoever still waits is called off"


def test_containers_start_in_the_plans_order_a_few_at_a_time() -> None:
    steps = [
        Step(Verb.WRITE, "slow", "because"),
        step("a"),
        step("b"),
        step("c"),
        Step(Verb.CREATE, "x", "because"),
    ]
    steps[1] = Step(Verb.START, "a", "because", after=(f"{Verb.WRITE} slow",))
    written, order, together_now, most = threading.Event(), list[str](), 0, 0
    lock = threading.Lock()

    def do(what: Step) -> None:
        nonlocal together_now, most
        if what.verb is not Verb.START:
            if what.verb is Verb.WRITE:
                assert written.wait(10)
            else:
                written.set()
            return
        with lock:
            order.append(what.target)
            together_now += 1
            most = max(most, together_now)
        with lock:
            together_now -= 1

    assert apply(Plan("p", tuple(steps)), do, lambda event: None, starts=1).ok
    assert (order, most) == (["a", "b", "c"], 1)
