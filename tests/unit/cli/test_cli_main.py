"""Exit codes, one-line errors, quiet and JSON; every command has a handler that exists."""

from __future__ import annotations

import argparse
import ast
import errno
import importlib
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.cli import grammar
from stack.cli import main as cli
from stack.cli.grammar import parser
from stack.cli.grammar_parts import Command
from stack.cli.printer import Printer
from stack.common import errors
from stack.common.errors import StackError
from stack.model.events import Milestone, Progress

ROOT = Path(__file__).resolve().parents[3]


LEAVES = [leaf for command in grammar.commands() for leaf in command.actions or (command,)]


@pytest.mark.parametrize("command", LEAVES, ids=lambda c: c.handler)
def test_every_command_has_a_handler_and_a_purpose(command: Command) -> None:
    module, _, function = command.handler.partition(":")
    assert callable(getattr(importlib.import_module(f"stack.cli.{module}"), function))
    assert command.purpose


def commands() -> dict[str, argparse.ArgumentParser]:
    """Every parser by its words; the one of the program itself by an empty name, none that has commands below it."""
    top = parser()
    return {"": top, **dict(_below("", top))}


def _below(words: str, one: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    groups = [a for a in one._actions if isinstance(a, argparse._SubParsersAction)]
    if words and not groups:
        yield words, one
    for group in groups:
        for name, lower in group.choices.items():
            yield from _below(f"{words} {name}".strip(), lower)


def needed(one: argparse.ArgumentParser) -> list[str]:
    """Words without which the command line is not whole."""
    nargs = (None, argparse.PARSER, argparse.ONE_OR_MORE)
    asked = [a for a in one._actions if not a.option_strings and a.nargs in nargs]
    words = ["plan" if a.nargs == argparse.PARSER else next(iter(a.choices or ["x"])) for a in asked]
    return words + [
        w for a in one._actions if a.option_strings and a.required for w in (a.option_strings[0], "x")
    ]


@pytest.mark.parametrize("command", commands())
def test_an_option_is_never_guessed(command: str) -> None:
    subject = commands()[command]
    known = {flag for action in subject._actions for flag in action.option_strings}
    cut = {flag[:end] for flag in known if flag.startswith("--") for end in range(3, len(flag))} - known
    assert len(cut) > 5
    for flag in cut:
        for given in (flag, f"{flag}=x"):
            assert subject.parse_known_args([given, *needed(subject)])[1] == [given]


def test_no_parser_of_the_package_guesses() -> None:
    for path in (ROOT / "stack").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("ArgumentParser"):
                assert "allow_abbrev=False" in ast.unparse(node), path


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UsageError, 2),
        (errors.SettingsError, 2),
        (errors.ConfigurationInvalid, 2),
        (errors.EngineUnavailable, 3),
        (errors.ImageError, 4),
        (errors.PullRefused, 4),
        (errors.StartFailed, 5),
        (errors.PortTaken, 5),
        (errors.Busy, 5),
        (errors.SmokeFailed, 6),
        (errors.Degraded, 7),
        (errors.Interrupted, 130),
        (StackError, 1),
    ],
)
def test_exit_codes(
    error: type[StackError], code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def handler(*_: object) -> int:
        raise error("it broke", hint="mend it", logs=("last words",))

    monkeypatch.setattr(cli, "_handler", lambda name: handler)
    assert cli.main(["plan"]) == code
    shown = capsys.readouterr().err
    assert shown == "    | last words\nerror: it broke: mend it\n"


def test_a_full_disk_is_one_line_with_its_place_and_nothing_unexpected(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def handler(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device", "/full/file")

    monkeypatch.setattr(cli, "_handler", lambda name: handler)
    assert cli.main(["plan"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: /full/file cannot be used: No space left on device: free space there")
    assert said.count("\n") == 1


def test_an_unforeseen_error_is_one_line_and_a_traceback_only_when_verbose(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def handler(*_: object) -> int:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(cli, "_handler", lambda name: handler)
    assert cli.main(["plan"]) == 1
    assert capsys.readouterr().err == "error: unexpected ZeroDivisionError: oops: -v shows where\n"
    assert cli.main(["plan", "-v"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_ctrl_c_is_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def handler(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_handler", lambda name: handler)
    assert cli.main(["start"]) == 130
    assert "start again" in capsys.readouterr().err


@pytest.mark.parametrize(
    "argv", [[], ["nonsense"], ["start", "--nonsense"], ["logs", "--tail", "x"], ["start", "-v", "-q"]]
)
def test_bad_usage_is_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(argv)
    assert end.value.code == 2
    assert "usage:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["start", "--without", "nothing"], "unknown component nothing"),
        (["start", "--without", "prometheus"], "prometheus cannot be left out"),
        (["start", "--with", "app", "--without", "app"], "app is both wanted and left out"),
        (["start", "--name", "UPPER"], "name: must be 1-40 of a-z"),
        (["start", "--port-base", "70000"], "port_base: must be 1-65535, got 70000"),
        (["start", "--bind", "0.0.0.0"], "bind: 0.0.0.0 opens the stack to the network"),
    ],
)
def test_what_cannot_be_meant_is_2_before_any_engine_is_asked(
    argv: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(argv) == 2
    assert message in capsys.readouterr().err


def test_no_engine_is_3_and_names_the_address(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    monkeypatch.setenv("STACK_HOME", str(tmp_path))
    assert cli.main(["status"]) == 3
    assert f"{tmp_path}/no.sock" in capsys.readouterr().err


def test_an_error_as_json_is_one_document(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("STACK_HOME", str(tmp_path))
    assert cli.main(["start", "--json", "--name", "UPPER"]) == 2
    document = json.loads(capsys.readouterr().out)
    assert document["exit_code"] == 2
    assert document["error"].startswith("name: must be")


def printer(*, quiet: bool = False, json: bool = False) -> tuple[Printer, io.StringIO, io.StringIO]:
    out, err = io.StringIO(), io.StringIO()
    return Printer(out=out, err=err, quiet=quiet, json=json), out, err


def test_text_is_aligned_and_a_milestone_shows_its_time() -> None:
    made, out, _ = printer()
    made.line("engine", "Docker 1")
    made.event(Milestone("ready", "all", 1.25))
    assert out.getvalue().splitlines()[0] == "engine    Docker 1"
    assert out.getvalue().splitlines()[1].startswith("ready     all")
    assert out.getvalue().rstrip().endswith("1.2 s")


@pytest.mark.parametrize("options", [{"quiet": True}, {"json": True}])
def test_quiet_and_json_leave_lines_out(options: dict[str, bool]) -> None:
    made, out, err = printer(**options)
    made.line("engine", "Docker 1")
    made.text("text")
    made.event(Progress("images", "working"))
    assert (out.getvalue(), err.getvalue()) == ("", "")


def test_progress_is_no_noise_in_a_file() -> None:
    made, out, err = printer()
    made.event(Progress("images", "working"))
    assert (out.getvalue(), err.getvalue()) == ("", "")
