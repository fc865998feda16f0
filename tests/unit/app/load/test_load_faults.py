"""The fault switches."""

from __future__ import annotations

import pytest

from stack.app.faults import FAULTS, Faults


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_all_are_off_and_cannot_be_thrown_unless_enabled() -> None:
    faults = Faults()
    assert faults.active() == ()
    with pytest.raises(PermissionError, match="--faults"):
        faults.switch("reject-all", True)
    assert not faults.on("reject-all")


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(KeyError):
        Faults(enabled=True).switch("earthquake", True)


def test_a_switch_goes_on_and_off() -> None:
    faults = Faults(enabled=True)
    view = faults.switch("quiet", True)
    assert (view.state, view.seconds_left) == ("on", None)
    assert faults.active() == ("quiet",)
    assert faults.switch("quiet", False).state == "off"
    assert faults.switch("quiet", False).state == "off"


def test_a_switch_with_seconds_falls_back_by_itself() -> None:
    clock = Clock()
    faults = Faults(enabled=True, clock=clock)
    assert faults.switch("quiet", True, 30).seconds_left == 30
    clock.now += 29
    assert faults.on("quiet")
    clock.now += 1
    assert not faults.on("quiet")
    assert faults.view("quiet").seconds_left is None


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_says_what_it_does(name: str) -> None:
    assert Faults().view(name).meaning
