"""The orchestrator dies by SIGKILL at some moment; the next start brings about what was wanted, and nothing else.

``STACK_KILLS`` says how often it is killed in all, over every command that changes something.
"""

from __future__ import annotations

import io
import os
import random
import shutil
import signal
import tarfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

import docker
import pytest

from stack.common.wait import NotYet, until
from tests.e2e.conftest import Make
from tests.e2e.stack_command import Stack
from tests.e2e.test_e2e_whole_stack import RULES, durations

pytestmark = pytest.mark.e2e
KILLS = int(os.environ.get("STACK_KILLS", "8"))
START = ("start", "--no-smoke")
COMMANDS = {
    "start": START,
    "restart": ("restart", "--no-smoke"),
    "reload": ("reload",),
    "stop": ("stop",),
    "destroy": ("destroy",),
}
DATA = {"prometheus": "/prometheus", "alertmanager": "/alertmanager", "app": "/data"}
MARK = "mark"


@dataclass
class Victim:
    """A stack without Grafana, and how long each of its commands takes here, in seconds."""

    stack: Stack
    text: str
    seconds: dict[str, float] = field(default_factory=dict)
    complete: list[str] = field(default_factory=list)
    minutes: count[int] = field(default_factory=lambda: count(11))

    def edit(self) -> int:
        """Changes a rule; returns its new duration in seconds."""
        minutes = next(self.minutes)
        (self.stack.home / RULES).write_text(self.text.replace("for: 2m", f"for: {minutes}m", 1))
        return minutes * 60

    def forget(self) -> None:
        """Nothing is left of it, here or there: the next start is the first."""
        self.stack.away()
        shutil.rmtree(self.stack.home / ".stack" / self.stack.name, ignore_errors=True)

    def time(self, *words: str) -> float:
        """Runs a command to its end."""
        began = time.monotonic()
        self.stack.ok(*words)
        return time.monotonic() - began

    def marked(self, mark: str) -> None:
        """Puts a file beside the data of each component that keeps some."""
        with io.BytesIO() as content:
            with tarfile.open(fileobj=content, mode="w") as tar:
                entry = tarfile.TarInfo(MARK)
                entry.size = len(mark)
                tar.addfile(entry, io.BytesIO(mark.encode()))
            for component, folder in DATA.items():
                container = self.stack.inspect()[component]["Id"]
                assert docker.from_env().api.put_archive(container, folder, content.getvalue())

    def marks(self) -> set[str]:
        """What those files say."""
        found = self.stack.inspect()
        return {self._mark(found[component]["Id"], folder) for component, folder in DATA.items()}

    @staticmethod
    def _mark(container: str, folder: str) -> str:
        chunks, _ = docker.from_env().api.get_archive(container, f"{folder}/{MARK}")
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
            file = tar.extractfile(MARK)
            return file.read().decode() if file else ""

    def started_again(self, what: object) -> None:
        """The next start ends where an undisturbed one would."""
        self.stack.ok(*START)
        assert sorted(self.stack.left()) == self.complete, what
        assert {d["State"]["Status"] for d in self.stack.inspect().values()} == {"running"}, what
        assert self.stack.ok("plan", "--json").json()["plan"] == [], what


@pytest.fixture(scope="module")
def victim(make_stack: Make, image_of: Callable[[str], str]) -> Victim:
    """A stack that runs."""
    stack = make_stack("e2e-killed", 27300, STACK_GRAFANA="off")
    for component in ("prometheus", "alertmanager", "node_exporter", "app"):
        image_of(component)
    made = Victim(stack, (stack.home / RULES).read_text())
    stack.ok(*START)  # what is kept between runs is there from now on
    made.forget()
    made.seconds["start"] = made.time(*START)
    made.complete = sorted(stack.left())
    for name in ("reload", "restart", "stop", "destroy"):
        made.edit()
        made.seconds[name] = made.time(*COMMANDS[name])
    stack.ok(*START)
    return made


def moments(seconds: float, number: int) -> list[float]:
    """One random moment in each of ``number`` equal parts, the same parts every time."""
    chance = random.Random(20)
    return [seconds * (part + chance.random()) / number for part in range(number)]


@pytest.mark.parametrize("name", COMMANDS)
def test_killed_anywhere_the_next_start_goes_on_from_there(victim: Victim, name: str) -> None:
    place = list(COMMANDS).index(name)
    times = KILLS // len(COMMANDS) + (place < KILLS % len(COMMANDS))
    for moment in moments(victim.seconds[name], times):
        duration = victim.edit()
        if name == "start":
            victim.forget()
        else:
            victim.marked(str(duration))
        before = victim.stack.starts()
        killed = victim.stack.kill_after(moment, *COMMANDS[name])
        victim.started_again((name, moment, killed))
        assert duration in durations(victim.stack), (name, moment, killed)
        if name != "start":
            assert victim.marks() == {str(duration)}, (name, moment, killed)
        if name == "reload":
            assert victim.stack.starts() == before, (moment, killed)


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [
        (signal.SIGKILL, -signal.SIGKILL, []),
        (signal.SIGINT, 130, ["error: interrupted: start again: it goes on from here"]),
    ],
)
def test_a_start_that_was_ended_in_its_midst_can_be_destroyed_at_once(
    victim: Victim, number: int, code: int, said: list[str]
) -> None:
    victim.forget()
    process = victim.stack.begin(*START)
    until(lambda: something_of(victim.stack), seconds=60)
    os.killpg(process.pid, number)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors.splitlines()) == (code, said)
    victim.stack.away()
    victim.started_again(number)


def something_of(stack: Stack) -> None:
    if not stack.left():
        raise NotYet("nothing is made yet")


def test_a_killed_destroy_of_all_data_is_finished_by_the_next(victim: Victim) -> None:
    (moment,) = moments(victim.seconds["destroy"], 1)
    victim.stack.kill_after(moment, "destroy", "--volumes", "--yes")
    victim.stack.away()
    victim.started_again(moment)
