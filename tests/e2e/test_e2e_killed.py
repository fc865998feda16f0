"""The orchestrator dies by SIGKILL at some moment; the next start brings about what was wanted, and nothing else."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections.abc import Callable

import pytest

from stack.common.wait import NotYet, until
from tests.e2e.conftest import Make
from tests.e2e.stack_command import Stack
from tests.e2e.test_e2e_whole_stack import RULES, durations

pytestmark = pytest.mark.e2e
COLD, RELOADED = 5, 4
QUICK = ("start", "--quick")


def moments(seconds: float, count: int) -> list[float]:
    """One random moment in each of ``count`` equal parts, the same parts every time."""
    chance = random.Random(20)
    return [seconds * (part + chance.random()) / count for part in range(count)]


@pytest.fixture(scope="module")
def stack(make_stack: Make) -> Stack:
    """A stack without Grafana, not started."""
    return make_stack("e2e-killed", 27300, STACK_GRAFANA="off")


@pytest.fixture(scope="module")
def whole(stack: Stack, image_of: Callable[[str], str]) -> tuple[float, list[str]]:
    """How long a cold start takes here once images are there, and what is there after it."""
    for component in ("prometheus", "alertmanager", "node_exporter", "app"):
        image_of(component)
    began = time.monotonic()
    stack.ok(*QUICK)
    return time.monotonic() - began, sorted(stack.left())


def forget(stack: Stack) -> None:
    """Nothing is left of it, here or there: the next start is the first."""
    stack.away()
    shutil.rmtree(stack.home / ".stack" / stack.name)


def test_a_cold_start_killed_anywhere_goes_on_from_there(
    stack: Stack, whole: tuple[float, list[str]]
) -> None:
    seconds, complete = whole
    for moment in moments(seconds, COLD):
        forget(stack)
        killed = stack.kill_after(moment, *QUICK)
        stack.ok(*QUICK)
        assert sorted(stack.left()) == complete, (moment, killed)
        assert stack.ok("plan", "--json").json()["plan"] == [], (moment, killed)


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [
        (signal.SIGKILL, -signal.SIGKILL, []),
        (signal.SIGINT, 130, ["error: interrupted: start again: it goes on from here"]),
    ],
)
def test_a_start_that_was_ended_in_its_midst_can_be_destroyed_at_once(
    stack: Stack, whole: tuple[float, list[str]], number: int, code: int, said: list[str]
) -> None:
    forget(stack)
    process = stack.begin(*QUICK)
    until(lambda: something_of(stack), seconds=60)
    os.killpg(process.pid, number)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors.splitlines()) == (code, said)
    stack.away()
    stack.ok(*QUICK)
    assert sorted(stack.left()) == whole[1]


def something_of(stack: Stack) -> None:
    if not stack.left():
        raise NotYet("nothing is made yet")


def test_a_killed_destroy_is_finished_by_the_next(stack: Stack, whole: tuple[float, list[str]]) -> None:
    for moment in moments(whole[0] / 2, 2):
        stack.kill_after(moment, "destroy", "--volumes", "--yes")
        stack.away()
        stack.ok(*QUICK)
        assert sorted(stack.left()) == whole[1], moment


def test_a_reload_killed_anywhere_goes_on_from_there(stack: Stack, whole: tuple[float, list[str]]) -> None:
    path = stack.home / RULES
    text, before = path.read_text(), stack.starts()
    began = time.monotonic()
    stack.ok("reload")
    idle = time.monotonic() - began
    for minutes, moment in enumerate(moments(2 * idle, RELOADED), start=11):
        path.write_text(text.replace("for: 2m", f"for: {minutes}m", 1))
        killed = stack.kill_after(moment, "reload")
        stack.ok(*QUICK)
        assert minutes * 60 in durations(stack), (moment, killed)
        assert stack.starts() == before, (moment, killed)
        assert sorted(stack.left()) == whole[1], (moment, killed)
        assert stack.ok("plan", "--json").json()["plan"] == [], (moment, killed)
