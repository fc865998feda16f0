"""Things break; the next start repairs just them. Every failure says what it is and loses nothing."""

from __future__ import annotations

import pytest

from stack.common.errors import PortTaken, StackError, StartFailed
from stack.model.events import StepDone
from tests.scenarios.world import NAME, World


def test_a_killed_container_is_started_again_and_nothing_else_is_touched() -> None:
    world = World()
    world.start()
    before = world.ids()
    world.engine.crash(f"{NAME}-app")
    plan = world.plan()
    assert plan.touched() == ("app",)
    assert "exited with 137" in plan.text()
    world.start()
    assert world.ids() == before
    assert world.state("app") == "running"


def test_a_removed_container_comes_back_with_its_data_volume() -> None:
    world = World()
    world.start()
    volumes = world.engine.observe(NAME).volumes
    world.engine.remove(f"{NAME}-prometheus")
    world.start()
    assert world.state("prometheus") == "running"
    assert world.engine.observe(NAME).volumes == volumes


def test_a_taken_port_names_itself_and_the_rest_goes_on() -> None:
    world = World()
    world.engine.occupy(9090)
    with pytest.raises(PortTaken, match="9090"):
        world.start()
    ended = {(e.step, e.target): e.outcome for e in world.events if isinstance(e, StepDone)}
    assert ended["start", f"{NAME}-alertmanager"] == "done"
    assert ended["verify", f"{NAME}-prometheus"] == "skipped"
    world.engine.occupied.clear()
    world.start()
    assert not world.plan()


def test_a_foreign_container_of_the_same_name_is_never_touched() -> None:
    world = World()
    world.engine.foreign_container(f"{NAME}-app")
    with pytest.raises(StackError, match=f"{NAME}-app"):
        world.start()
    world.destroy(data=True)
    assert [c.name for c in world.engine.containers.values()] == [f"{NAME}-app"]


def test_helpers_of_an_interrupted_run_are_cleared() -> None:
    world = World()
    world.engine.leave_helper(NAME)
    world.start()
    assert world.engine.observe(NAME).leftovers == ()


@pytest.mark.parametrize("call", ["create_network", "create_volume", "write_volume", "create", "start"])
def test_whatever_call_fails_once_the_next_start_converges(call: str) -> None:
    world = World()
    world.engine.fail(call, StartFailed("no space left on device", hint="free space"))
    with pytest.raises(StackError, match="no space left"):
        world.start()
    world.start()
    assert not world.plan()
    assert {world.state(c) for c in world.spec().components} == {"running"}
