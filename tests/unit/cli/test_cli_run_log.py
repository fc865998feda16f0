"""The log of the last run: what is in it, what is never in it, whom it is for, and that it is no reason to fail."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from stack import __version__
from stack.cli.run_log import MOST_BYTES, RunLog, command_line
from stack.common.errors import NotReady, StackError
from stack.model.events import Milestone, Progress, StepBegun, StepDone

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / ".stack" / "demo"


def text(folder: Path) -> str:
    return (folder / "last.log").read_text()


def failed() -> NotReady:
    """An error with a cause and a place."""
    try:
        try:
            raise ValueError("the cause")
        except ValueError as cause:
            raise NotReady("demo-app: no answer", hint="look") from cause
    except NotReady as error:
        return error


def test_every_event_is_a_line_with_its_time(folder: Path) -> None:
    log = RunLog(["start", "--name", "demo"])
    log.said("engine    Docker 1")
    log.keep(folder)
    log.event(StepBegun("start", "demo-app"))
    log.event(StepDone("start", "demo-app", "done", 0.25))
    log.event(Progress("grafana.panels", "3 are empty", passing=True))
    log.event(Progress.over("grafana.panels"))
    log.event(Milestone("ready", "all", 1.5))
    log.close()
    lines = [line.split("  ", 1) for line in text(folder).splitlines()]
    assert all(moment.startswith("20") and moment.endswith("+00:00") for moment, _ in lines)
    assert [said for _, said in lines] == [
        f"monitoring-stack {__version__}: start --name demo",
        "said    engine    Docker 1",
        "begins  start demo-app",
        "done    start demo-app 0.250 s",
        "waits   grafana.panels: 3 are empty",
        "waits   grafana.panels: over",
        "reached ready 1.500 s: all",
    ]


def test_an_error_is_there_with_its_traceback_and_cause(folder: Path) -> None:
    log = RunLog(["start"])
    log.keep(folder)
    log.event(StepDone("verify", "demo-app", "failed", 0.1, failed()))
    log.error(failed())
    assert "in failed" in text(folder)
    for part in ("ValueError: the cause", "NotReady: demo-app: no answer: look"):
        assert text(folder).count(part) == 2


def test_the_log_is_for_its_owner_alone(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "last.log").write_text("of an older run")
    (folder / "last.log").chmod(0o644)
    log = RunLog(["stop"])
    log.keep(folder)
    log.said("x")
    assert stat.S_IMODE((folder / "last.log").stat().st_mode) == 0o600
    assert "older" not in text(folder)
    new = RunLog(["stop"])
    new.keep(folder.parent / "other")
    new.said("x")
    assert stat.S_IMODE((folder.parent / "other").stat().st_mode) == 0o700


def test_it_is_bounded_and_the_error_at_the_end_is_kept(folder: Path) -> None:
    log = RunLog(["start"])
    log.keep(folder)
    for _ in range(40):
        log.event(Progress("app", "x" * 50_000))
    log.error(failed())
    assert (folder / "last.log").stat().st_size <= MOST_BYTES
    assert "NotReady" in text(folder)
    for _ in range(40):
        log.error(StackError("y" * 50_000))
    assert (folder / "last.log").stat().st_size <= MOST_BYTES


def test_what_happens_before_its_place_is_known_is_bounded_too(folder: Path) -> None:
    log = RunLog(["start"])
    for _ in range(40):
        log.said("x" * 50_000)
    log.keep(folder)
    log.error(failed())
    assert (folder / "last.log").stat().st_size <= MOST_BYTES


def test_without_a_place_or_an_event_nothing_is_written(folder: Path) -> None:
    RunLog(["start"]).said("x")
    log = RunLog(["start"])
    log.keep(folder)
    log.close()
    assert not folder.parent.exists()


def test_where_it_cannot_be_written_there_is_none(folder: Path) -> None:
    folder.parent.mkdir()
    folder.write_text("a file where the folder should be")
    log = RunLog(["start"])
    log.keep(folder)
    log.said("x")
    log.error(failed())
    log.close()
    assert folder.read_text() == "a file where the folder should be"


def test_a_command_that_still_runs_keeps_its_log(folder: Path) -> None:
    first, second = RunLog(["start"]), RunLog(["stop"])
    for log in (first, second):
        log.keep(folder)
        log.said("one line")
    assert text(folder).count("\n") == 2
    assert "start" in text(folder)
    first.close()
    second.said("another")
    assert "stop" not in text(folder) and "another" not in text(folder)


def test_a_link_is_not_followed(folder: Path, tmp_path: Path) -> None:
    folder.mkdir(parents=True)
    (tmp_path / "precious").write_text("precious")
    (folder / "last.log").symlink_to(tmp_path / "precious")
    log = RunLog(["start"])
    log.keep(folder)
    log.said("x")
    assert (tmp_path / "precious").read_text() == "precious"


@pytest.mark.parametrize(
    ("argv", "shown"),
    [
        (["start", "--name", "a b"], "start --name 'a b'"),
        (["x", "--password", "hunter2", "more"], "x --password *** more"),
        (["x", "--smtp-password=hunter2"], "x --smtp-password=***"),
        (["x", "--api-key", "hunter2"], "x --api-key ***"),
        (["x", "--token-file", "/run/token"], "x --token-file /run/token"),
        (["x", "--url", "https://me:hunter2@host/path"], "x --url 'https://***@host/path'"),
    ],
)
def test_a_secret_of_the_command_line_is_not_shown(argv: list[str], shown: str) -> None:
    assert command_line(argv) == shown


@pytest.mark.parametrize(
    ("words", "kept"),
    [(("stop",), True), (("stop", "--json"), True), (("start", "--dry-run"), False), (("status",), False)],
)
def test_commands_that_change_something_keep_one(tmp_path: Path, words: tuple[str, ...], kept: bool) -> None:
    environ = {**os.environ, "STACK_HOME": str(tmp_path), "DOCKER_HOST": f"unix://{tmp_path}/none"}
    ran = subprocess.run(
        [sys.executable, "-m", "stack", *words], cwd=ROOT, env=environ, capture_output=True, check=False
    )
    assert ran.returncode == 3
    log = tmp_path / ".stack" / "monitoring" / "last.log"
    assert log.exists() is kept
    if kept:
        assert "EngineUnavailable" in log.read_text() and "Traceback" in log.read_text()
