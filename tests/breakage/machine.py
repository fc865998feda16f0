"""The machine on which the command runs: its cache, its terminal, two commands at once, one that dies."""

from __future__ import annotations

import os
import subprocess

from tests.breakage.breakage import Act, Breakage, nothing
from tests.breakage.containers import GONE
from tests.breakage.hands import removed
from tests.e2e.stack_command import Stack


def two_starts(stack: Stack) -> None:
    """Two starts at once of a stack that lacks a container: both end well, or one says who works on it."""
    removed("node_exporter")(stack)
    first, second = stack.begin("start", "--no-smoke"), stack.begin("start", "--no-smoke")
    ended = [(*process.communicate(timeout=120), process.returncode) for process in (first, second)]
    assert any(code == 0 for _, _, code in ended), ended
    for _, err, code in ended:
        assert code == 0 or (code == 5 and "another command works on stack" in err), ended


def killed_in_the_middle(moment: float) -> Act:
    """A start that has to make a container anew is killed."""

    def act(stack: Stack) -> None:
        removed("alertmanager")(stack)
        stack.kill_after(moment, "start", "--no-smoke")

    return act


def closed_output(stack: Stack) -> None:
    """Nobody reads what start prints; it does its work, and says that it could not be heard."""
    removed("node_exporter")(stack)
    reader, writer = os.pipe()
    os.close(reader)
    ran = subprocess.run(
        [str(stack.script), "start", "--no-smoke"],
        env=stack.environment,
        cwd=stack.home,
        stdin=subprocess.DEVNULL,
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=120,
    )
    os.close(writer)
    assert ran.returncode == 1, ran
    assert "all work was done, but not all of it could be told" in ran.stderr
    assert "node_exporter" in stack.inspect()


ROWS = (
    Breakage("two-starts-at-once", two_starts),
    Breakage(
        "killed-in-the-middle",
        killed_in_the_middle(0.7),
        r"alertmanager",
        "start",
        GONE,
    ),
    Breakage("output-closed", closed_output),
    Breakage(
        "terminal-dumb",
        removed("alertmanager"),
        r"alertmanager\.container",
        "start",
        GONE,
        environment={"TERM": "dumb"},
    ),
    Breakage(
        "locale-c",
        removed("alertmanager"),
        r"alertmanager\.container",
        "start",
        GONE,
        environment={"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0"},
        on="whole",
    ),
    Breakage(
        "cache-no-folder",
        nothing,
        environment={"STACK_CACHE": "/proc/version/cache"},
    ),
)
