"""DEPLOY_MONITORING_STACK.sh itself: found from anywhere, quick on its second run, honest exit codes."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from stack import __version__
from tests.e2e.stack_command import SCRIPT

pytestmark = pytest.mark.e2e
NEEDED = ("bash", "env", "readlink", "dirname")
DEAD = "tcp://127.0.0.1:1"


def run(
    *words: str, script: Path = SCRIPT, cwd: Path | None = None, **extra: str
) -> subprocess.CompletedProcess[str]:
    """The script, in an environment that knows of no stack."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("STACK_")}
    return subprocess.run(
        [str(script), *words],
        env={**plain, **extra},
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def bare_path(tmp_path: Path) -> str:
    """A PATH of a shell's bare necessities: no pip, no python, no docker, no apt-get, no curl."""
    for name in NEEDED:
        found = shutil.which(name)
        assert found
        (tmp_path / name).symlink_to(found)
    return str(tmp_path)


def test_it_works_from_another_folder(tmp_path: Path) -> None:
    ran = run("--version", cwd=tmp_path)
    assert (ran.returncode, ran.stdout.strip()) == (0, f"monitoring-stack {__version__}")
    assert list(tmp_path.iterdir()) == []


def test_it_works_through_symbolic_links(tmp_path: Path) -> None:
    near, far = tmp_path / "near", tmp_path / "folder" / "far"
    far.parent.mkdir()
    far.symlink_to(SCRIPT)
    near.symlink_to("folder/far")
    assert run("--version", script=near, cwd=tmp_path).returncode == 0


def test_its_second_run_needs_nothing_but_a_shell(bare_path: str) -> None:
    ran = run("--version", PATH=bare_path, DOCKER_HOST=DEAD)
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize("words", [("--version",), ("--help",), ("start", "--help"), ("completion", "bash")])
def test_what_needs_no_engine_works_without(words: tuple[str, ...]) -> None:
    ran = run(*words, DOCKER_HOST=DEAD)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout


@pytest.mark.parametrize(
    "words", [("status",), ("start",), ("stop",), ("destroy",), ("plan",), ("smoke",), ("logs",), ("images",)]
)
def test_a_dead_engine_is_one_line_and_exit_code_three(words: tuple[str, ...], tmp_path: Path) -> None:
    ran = run(*words, DOCKER_HOST=DEAD, STACK_HOME=str(tmp_path))
    assert (ran.returncode, ran.stdout) == (3, "")
    (line,) = ran.stderr.splitlines()
    assert line.startswith(f"error: no Docker engine answers at {DEAD}: ")
    assert "DOCKER_HOST" in line.partition(DEAD)[2], "the way out"


@pytest.mark.parametrize(
    ("words", "extra", "message"),
    [
        ((), {}, "COMMAND"),
        (("deploy",), {}, "deploy"),
        (("start", "--nonsense"), {}, "--nonsense"),
        (("start", "--without", "prometheus"), {}, "prometheus cannot be left out"),
        (("start", "--with", "loki"), {}, "unknown component loki"),
        (("start", "--with", "app", "--without", "app"), {}, "both wanted and left out"),
        (("restart", "--dry-run"), {}, "unrecognized arguments: --dry-run"),
        (("destroy", "--volumes"), {}, "--yes"),
        (("reload",), {}, "start it first"),
        (("logs", "grafana"), {}, "no container of grafana"),
        (("status", "--port-base", "70000"), {}, "port_base: must be 1-65535, got 70000"),
        (("status", "--bind", "0.0.0.0"), {}, "STACK_INSECURE_BIND=true"),
        (("status",), {"STACK_GRAFANA": "maybe"}, "grafana.mode: must be one of"),
        (("status",), {"STACK_APP_PORT": "9090"}, "app.port: 9090 is the port of prometheus too"),
    ],
)
def test_what_cannot_be_meant_is_exit_code_two(
    words: tuple[str, ...], extra: dict[str, str], message: str, tmp_path: Path
) -> None:
    given: Any = {"STACK_HOME": str(tmp_path), "STACK_NAME": "e2e-nothing", **extra}
    ran = run(*words, **given)
    assert ran.returncode == 2, ran.stderr
    assert message in ran.stderr.splitlines()[-1]
    assert "Traceback" not in ran.stderr


def test_status_of_a_stack_that_never_was(tmp_path: Path) -> None:
    ran = run("status", STACK_HOME=str(tmp_path), STACK_NAME="e2e-nothing")
    assert ran.returncode == 5
    assert "absent" in ran.stdout
