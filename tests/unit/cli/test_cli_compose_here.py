"""Only a machine whose one Compose is version 1 is told so."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from stack.cli.compose_here import remark, version_of
from stack.cli.generated import render
from stack.cli.printer import Printer
from stack.common.errors import UsageError


def answering(old: str, plugin: str) -> str:
    def run(argv: Sequence[str]) -> str:
        return old if argv[0] == "docker-compose" else plugin

    return remark(run)


def test_version_1_alone_is_told() -> None:
    assert answering("1.29.2", "").startswith("docker-compose here is version 1.29.2, which cannot read")


@pytest.mark.parametrize(("old", "plugin"), [("", ""), ("1.29.2", "2.40.3"), ("v2.40.3", ""), ("2.1.0", "")])
def test_any_other_machine_is_told_nothing(old: str, plugin: str) -> None:
    assert answering(old, plugin) == ""


@pytest.mark.parametrize(
    ("script", "told"), [("echo 1.29.2", "1.29.2"), ("echo no >&2; exit 1", ""), ("exec /nowhere", "")]
)
def test_a_program_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, told: str) -> None:
    program = tmp_path / "docker-compose"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert version_of(("docker-compose", "version", "--short")) == told


def test_a_check_of_the_generated_files_refuses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stack.cli.compose_here.remark", lambda: "docker-compose here is version 1.29.2")
    monkeypatch.setattr("stack.cli.generated.generated", lambda settings: {})
    options = argparse.Namespace(name=None, check=True, secrets=False, own=False)
    with pytest.raises(UsageError, match=r"1\.29\.2") as caught:
        render(options, Printer(quiet=True))
    assert caught.value.exit_code == 2 and "install Docker Compose 2" in caught.value.hint


def test_a_program_that_is_not_there_tells_nothing() -> None:
    assert version_of(("no-such-program-anywhere", "version")) == ""
