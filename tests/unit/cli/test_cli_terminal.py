"""What a person sees at the lower end of a terminal, drawn alone and in a real one, and that nothing of it is left."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from rich.console import Console

from stack.cli.activity import Row
from stack.cli.channel import Channel
from stack.cli.terminal import Drawing

ROOT = Path(__file__).resolve().parents[3]
HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"


def drawn(rows: Sequence[Row], width: int = 80, height: int = 24, encoding: str = "utf-8") -> list[str]:
    """The lines of one picture."""
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict")
    console = Console(file=out, force_terminal=True, width=width, height=height, color_system=None)
    console.print(Drawing(Channel(None), lambda: rows, console).picture())
    out.seek(0)
    return out.read().splitlines()


def test_a_row_has_subject_answer_and_seconds() -> None:
    (line,) = drawn([Row("grafana.panels", "3 of 15 panels are empty: requests", 4.21)])
    assert re.fullmatch(r". grafana\.panels 3 of 15 panels are empty: requests +4\.2 s ?", line)


def test_a_known_share_is_a_bar() -> None:
    (half,) = drawn([Row("grafana", "40.0 of 80.0 MB", 4.2, 0.5)])
    (full,) = drawn([Row("grafana", "80.0 of 80.0 MB", 4.2, 1.0)])
    assert "40.0 of 80.0 MB" in half and "80.0 of 80.0 MB" in full
    assert 0 < half.count("━") < full.count("━") or half != full


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_a_row_is_one_line_at_any_width(width: int) -> None:
    rows = [Row("grafana.data_source_health", "x" * 500, 61.0), Row("grafana", "1.0 of 2.0 MB", 1.0, 0.5)]
    lines = drawn(rows, width)
    assert len(lines) == 2
    assert all(len(line.rstrip()) <= width - 3 for line in lines)


def test_more_rows_than_fit_are_counted() -> None:
    rows = [Row(f"check.{i}", "waits", 1.0) for i in range(20)]
    lines = drawn(rows, height=7)
    assert len(lines) == 6
    assert "and 15 more" in lines[-1]


def test_an_old_terminal_gets_characters_that_it_has() -> None:
    lines = drawn([Row("grafana", "40.0 of 80.0 MB", 4.2, 0.5), Row("app", "waits", 1.0)], encoding="ascii")
    assert all(line.isascii() for line in lines)


def test_markup_of_other_people_is_text() -> None:
    (line,) = drawn([Row("app", "[red]no[/red] :smile:", 1.0)])
    assert "[red]no[/red] :smile:" in line


SCRIPT = """
import signal; signal.signal(signal.SIGINT, signal.default_int_handler)
import sys, time
from stack.cli import main as cli
from stack.model.events import Milestone, Progress, StepBegun, StepDone

def handler(options, printer):
    printer.line("engine", "Docker 1")
    printer.event(StepBegun("verify", "demo-grafana"))
    printer.event(Progress("grafana", "no answer yet"))
    printer.event(Progress("app", "aaa Downloading [=>   ] 5MB/20MB"))
    time.sleep(SECONDS)
    printer.line("", "a line between")
    time.sleep(SECONDS)
    printer.event(StepDone("verify", "demo-grafana", "done", 1.0))
    printer.event(Milestone("ready", "all", 1.0))
    print("rich" in sys.modules, file=open(sys.argv[1], "w"))
    return 0

cli._handler = lambda name: handler
sys.exit(cli.main(["start", *sys.argv[2:]]))
"""


def watch(
    folder: Path,
    *words: str,
    seconds: float = 0.6,
    interrupt: bool = False,
    out: int | None = None,
    **variables: str,
) -> tuple[int, str]:
    """Exit code and all that a command in a terminal of 100 columns wrote to it; ``out`` replaces standard output."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT.replace("SECONDS", str(seconds)), str(folder / "loaded"), *words],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "TERM": "xterm-256color", "STACK_HOME": str(folder), **variables},
        stdin=follower,
        stdout=follower if out is None else out,
        stderr=follower,
        start_new_session=True,
    )
    os.close(follower)
    seen, deadline = b"", time.monotonic() + 60
    while time.monotonic() < deadline:
        if select.select([leader], [], [], 0.1)[0]:
            try:
                seen += os.read(leader, 65536)
            except OSError:  # the last holder of the other end has gone
                break
        if interrupt and b"no answer yet" in seen:
            process.send_signal(signal.SIGINT)
            interrupt = False
    os.close(leader)
    return process.wait(timeout=10), seen.decode()


def test_what_goes_on_is_shown_and_taken_away(tmp_path: Path) -> None:
    code, seen = watch(tmp_path)
    assert code == 0
    assert "verify: no answer yet" in seen
    assert "5.0 of 20.0 MB" in seen
    assert seen.count(SHOW) == seen.count(HIDE) >= 2, "once before the line between, once for good"
    assert seen.index("a line between") > seen.index(SHOW)
    assert seen.rstrip().endswith("1.0 s")
    assert "demo-grafana" not in seen[seen.rindex(SHOW) :]


def test_an_interrupt_gives_the_cursor_back(tmp_path: Path) -> None:
    code, seen = watch(tmp_path, seconds=30, interrupt=True)
    assert code == 130, seen
    assert seen.count(SHOW) == seen.count(HIDE) >= 1
    assert "error: interrupted" in re.sub(r"\x1b\[[0-9;]*m", "", seen[seen.rindex(SHOW) :])


@pytest.mark.parametrize("words", [("--json",), ("--quiet",)])
def test_silence_draws_nothing(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert watch(tmp_path, *words) == (0, "")
    assert (tmp_path / "loaded").read_text() == "False\n"


def test_a_terminal_without_a_cursor_gets_lines(tmp_path: Path) -> None:
    code, seen = watch(tmp_path, TERM="dumb")
    assert (code, "\x1b" in seen) == (0, False)
    assert [line.split()[0] for line in seen.splitlines()] == ["engine", "a", "ready"]


def test_no_color_leaves_only_the_cursor_movements(tmp_path: Path) -> None:
    seen = watch(tmp_path, NO_COLOR="1")[1]
    codes = set(re.findall(r"\x1b\[([0-9;]*)m", seen))
    assert not [c for c in codes if re.search(r"(^|;)(3[0-8]|4[0-8]|9[0-7])", c)], codes
    assert "verify: no answer yet" in seen


def test_the_width_is_the_terminals_or_the_users(tmp_path: Path) -> None:
    def longest(seen: str) -> int:
        plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen)
        return max(len(line) for part in plain.split("\r") for line in part.split("\n") if "verify" in line)

    assert longest(watch(tmp_path)[1]) == 97
    assert longest(watch(tmp_path, COLUMNS="60")[1]) == 57


def test_lines_of_a_pipe_are_as_they_are_without_a_terminal(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as file:
        code, seen = watch(tmp_path, out=file.fileno())
    assert code == 0
    assert "verify: no answer yet" in seen
    assert [line.split()[0] for line in (tmp_path / "out").read_text().splitlines()] == [
        "engine",
        "a",
        "ready",
    ]


def test_a_short_command_does_not_load_what_draws(tmp_path: Path) -> None:
    code, seen = watch(tmp_path, seconds=0.01)
    assert (code, "\x1b[?25l" in seen) == (0, False)
    assert (tmp_path / "loaded").read_text() == "False\n"
