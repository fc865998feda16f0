"""Stacks that are broken and repaired over and over, and a table of the seconds at the end of the run."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator

import pytest

from tests.breakage.breakage import WORKER, Breakage, Kind
from tests.breakage.containers import RUNNING, port_freed
from tests.breakage.hands import FOREIGN, foreign_removed, name_of, pristine
from tests.breakage.judge import judge
from tests.e2e.conftest import grafana_image
from tests.e2e.stack_command import Stack
from tests.leftovers import removed_by_prefix

BASES: dict[Kind, int] = {"bare": 28100 + 10 * WORKER, "whole": 28200 + 10 * WORKER}
NAMES: dict[Kind, str] = {kind: f"breakage-{kind}-{WORKER}" for kind in BASES}
__all__ = ["grafana_image"]
StackOf = Callable[[Kind], Stack]


def extras(kind: Kind, grafana: str) -> dict[str, str]:
    """What the user of a stack has set."""
    if kind == "bare":
        return {"STACK_GRAFANA": "off"}
    return {"STACK_GRAFANA": "required", "STACK_GRAFANA_IMAGE": grafana}


def anew(stack: Stack) -> None:
    """Whatever it was, it is a proven stack now."""
    removed_by_prefix(FOREIGN, f"{FOREIGN}-{stack.name}-")
    port_freed(stack)
    foreign_removed("{}", *(name_of(stack, component) for component in RUNNING))(stack)
    stack("destroy", "--volumes", "--yes")
    pristine(stack)
    shutil.rmtree(stack.home / ".stack" / stack.name, ignore_errors=True)
    stack.ok("start")


@pytest.fixture(scope="session")
def stack_of(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[StackOf]:
    """The running stack of a kind, made when it is first asked for."""
    made: dict[Kind, Stack] = {}

    def stack_of(kind: Kind) -> Stack:
        if kind not in made:
            extra = extras(kind, request.getfixturevalue("grafana_image") if kind == "whole" else "")
            home = tmp_path_factory.mktemp(NAMES[kind])
            made[kind] = Stack.make(NAMES[kind], BASES[kind], home, **extra)
            anew(made[kind])
        return made[kind]

    yield stack_of
    for stack in made.values():
        removed_by_prefix(FOREIGN, f"{FOREIGN}-{stack.name}-")
        with contextlib.suppress(AssertionError):
            stack.away()


def one_row(row: Breakage, stack_of: StackOf, record: Callable[[str, object], None]) -> None:
    """Goes through a row; whatever it left behind after a failure, the next row has a proven stack."""
    stack = stack_of(row.on)
    try:
        verdict = judge(stack, row)
    except BaseException:
        anew(stack)
        raise
    record("breakage", row.name)
    record("first", verdict.first)
    record("smoke", verdict.smoke)
    record("start", verdict.start)
    record("causes", ", ".join(verdict.causes))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Seconds of each row, the slowest first finding first."""
    rows = []
    for report in (*terminalreporter.stats.get("passed", ()), *terminalreporter.stats.get("failed", ())):
        found = dict(getattr(report, "user_properties", ()))
        if "breakage" in found:
            rows.append(found)
    if not rows:
        return
    terminalreporter.section("breakages: seconds to the first finding, of smoke, of start")
    for row in sorted(rows, key=lambda r: -r["first"]):
        terminalreporter.line(
            f"{row['breakage']:<32} {row['first']:6.1f} {row['smoke']:6.1f} {row['start']:6.1f}  {row['causes']}"
        )
