"""Faults of the stack's state and lock on the engine, and of the engine itself."""

from __future__ import annotations

import signal

from stack.common.wait import NotYet, until
from tests.breakage.breakage import Breakage, each, nothing
from tests.breakage.hands import api, edited, pristine
from tests.e2e.stack_command import KEEPERS, Stack

RULES = "prometheus/rules/app-gates.yml"


def keeper_removed(stack: Stack) -> None:
    """The container that gives access to the state."""
    api().remove_container(f"{stack.name}-state", force=True)


def state_removed(stack: Stack) -> None:
    """The state itself."""
    keeper_removed(stack)
    api().remove_volume(f"{stack.name}-state")


def killed_under_lock(stack: Stack) -> None:
    """A reload dies by SIGKILL once it holds the lock."""
    process = stack.begin("reload")

    def held() -> None:
        if KEEPERS[1] not in stack.keepers():
            raise NotYet("no lock yet")

    until(held, seconds=20)
    process.send_signal(signal.SIGKILL)
    process.communicate()


GONE = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}
REFUSED = {"DOCKER_HOST": "tcp://127.0.0.1:1"}
CONTEXT = {"DOCKER_CONTEXT": "nobody", "DOCKER_HOST": ""}

ROWS = (
    Breakage("keeper-removed", keeper_removed),
    Breakage("state-removed", state_removed),
    Breakage(
        "killed-under-lock",
        each(edited(RULES, "for: 2m", "for: 3m"), killed_under_lock),
        r"prometheus\.config: loaded files have digest \w+, rendered ones \w+",
        "reload",
        "prometheus.config: loaded files have digest DIGEST, rendered ones DIGEST",
        undo=pristine,
    ),
    Breakage(
        "engine-gone",
        nothing,
        r"no Docker engine answers at unix:///nowhere/docker\.sock",
        r"DOCKER_HOST|docker",
        "no Docker engine answers at unix://...",
        code=3,
        status=3,
        start="refuses",
        undo=nothing,
        environment=GONE,
    ),
    Breakage(
        "engine-refuses",
        nothing,
        r"no Docker engine answers at tcp://127\.0\.0\.1:1",
        r"DOCKER_HOST|docker",
        "no Docker engine answers at tcp://...",
        code=3,
        status=3,
        start="refuses",
        undo=nothing,
        environment=REFUSED,
    ),
    Breakage(
        "context-unknown",
        nothing,
        r"context nobody .*does not exist",
        r"docker context",
        "context NAME (...) does not exist",
        code=3,
        status=3,
        start="refuses",
        undo=nothing,
        environment=CONTEXT,
        on="whole",
    ),
)
