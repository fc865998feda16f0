"""What reaches which channel: aligned lines, waiting in place, one JSON document, errors with the container's words."""

from __future__ import annotations

import io
import json

import pytest

from stack.cli.printer import Printer
from stack.common.errors import NotReady
from stack.model.events import Milestone, Progress, StepBegun, StepDone


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def printer(
    *, terminal: bool = False, as_json: bool = False, quiet: bool = False, verbose: bool = False
) -> Printer:
    made = Terminal if terminal else io.StringIO
    return Printer(as_json, quiet, verbose, out=made(), err=made())


def written(made: Printer) -> tuple[str, str]:
    assert isinstance(made.out, io.StringIO)
    assert isinstance(made.err, io.StringIO)
    return made.out.getvalue(), made.err.getvalue()


@pytest.mark.parametrize(
    ("label", "line"),
    [("engine", "engine    here\n"), ("node_exporter", "node_exporter here\n"), ("", "          here\n")],
)
def test_a_label_keeps_its_distance(label: str, line: str) -> None:
    made = printer()
    made.line(label, "here")
    assert written(made) == (line, "")


def test_a_milestone_ends_with_its_seconds() -> None:
    made = printer()
    made.event(Milestone("ready", "app 0.5 s", 1.25))
    assert written(made)[0].split() == ["ready", "app", "0.5", "s", "1.2", "s"]


@pytest.mark.parametrize(("verbose", "err"), [(False, ""), (True, "node_exporter packing\n")])
def test_elsewhere_only_verbose_tells_of_waiting(verbose: bool, err: str) -> None:
    made = printer(verbose=verbose)
    made.event(Progress("node_exporter", "packing"))
    assert written(made) == ("", err)


@pytest.mark.parametrize("verbose", [False, True])
def test_what_comes_often_is_for_those_who_watch(verbose: bool) -> None:
    made = printer(verbose=verbose)
    made.event(StepBegun("start", "demo-app"))
    made.event(Progress("grafana.panels", "3 of 15 are empty", passing=True))
    made.event(Progress.over("grafana.panels"))
    assert written(made) == ("", "")


@pytest.mark.parametrize(("verbose", "lines"), [(False, 0), (True, 1)])
def test_steps_are_for_the_verbose(verbose: bool, lines: int) -> None:
    made = printer(verbose=verbose)
    made.event(StepDone("start", "demo-app", "done", 0.5))
    assert written(made)[0].count("\n") == lines


@pytest.mark.parametrize("as_json", [True, False])
def test_silence_leaves_only_what_was_asked_for(as_json: bool) -> None:
    made = printer(terminal=True, as_json=as_json, quiet=not as_json)
    made.line("engine", "here")
    made.text("more")
    made.table(("A",), [("b",)])
    made.event(Progress("app", "packing"))
    made.raw("asked for")
    assert written(made) == ("asked for\n", "")


def test_json_is_one_document_on_failure_too() -> None:
    made = printer(as_json=True)
    error = NotReady("demo-app: no answer", hint="look", logs=("last words",))
    error.details = {"ok": False}
    made.error(error)
    out, err = written(made)
    assert json.loads(out) == {
        "ok": False, "error": "demo-app: no answer", "hint": "look", "exit_code": 5, "logs": ["last words"],
    }  # fmt: skip
    assert err == "    | last words\nerror: demo-app: no answer: look\n"


def test_without_json_there_is_no_document() -> None:
    made = printer()
    made.document({"ok": True})
    assert written(made) == ("", "")


def test_a_traceback_needs_verbose() -> None:
    quiet, verbose = printer(), printer(verbose=True)
    for made in (quiet, verbose):
        made.error(NotReady("x"), ValueError("the cause"))
    assert "the cause" not in written(quiet)[1]
    assert "ValueError: the cause" in written(verbose)[1]


@pytest.mark.parametrize(
    ("variables", "colored"), [({}, True), ({"NO_COLOR": ""}, True), ({"NO_COLOR": "1"}, False)]
)
def test_colours_are_for_terminals_whose_user_wants_them(
    variables: dict[str, str], colored: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    on_terminal, in_file = printer(terminal=True), printer()
    for made in (on_terminal, in_file):
        made.line("FAILED", "app.ready", "failed")
    assert ("\x1b[31m" in written(on_terminal)[0]) is colored
    assert "\x1b[" not in written(in_file)[0]


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    made = printer()
    made.table(("A", "B"), [("long", "x"), ("s", "")])
    assert written(made)[0] == "A     B\nlong  x\ns\n"
