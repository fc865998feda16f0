"""A start whose output nobody reads, or reads only the beginning of, brings up and proves the stack all the same."""

from __future__ import annotations

import shlex
import subprocess

import pytest

from tests.e2e.conftest import Make
from tests.e2e.stack_command import SCRIPT, Stack

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def stack(make_stack: Make) -> Stack:
    return make_stack("e2e-output", 27600, STACK_GRAFANA="off")


def shell(stack: Stack, line: str) -> tuple[int, str]:
    """The exit code of ``start`` in a pipeline, and what reached standard error; START stands for the command."""
    command = f"set -o pipefail; {line.replace('START', f'{shlex.quote(str(SCRIPT))} start')}"
    done = subprocess.run(
        ["bash", "-c", command],
        env=stack.environment,
        cwd=stack.home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("line", ["START -v | head -1", "START --json | true", "START >&-"])
def test_start_is_finished_without_a_reader(stack: Stack, line: str) -> None:
    stack.ok("destroy", "--yes")
    code, err = shell(stack, line)
    assert code == 1
    assert stack.ok("status", "--json").json()["status"] == "running"
    assert stack.ok("start", "--json").json()["milestones"][-1]["summary"].endswith(" UTC)")
    assert "error: standard output: " in err


def test_start_without_standard_error_is_no_failure(stack: Stack) -> None:
    stack.ok("destroy", "--yes")
    assert shell(stack, "START 2>&-") == (0, "")
    assert stack.ok("status", "--json").json()["status"] == "running"
