"""The real command with nobody to read what it says: the work is done all the same, and the exit code tells."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
LOST = "error: standard output"
ESCAPED = (r"h\xe4m\xe9", r"h\udcc3\udca4m\udcc3\udca9")
READERS = ("gone", "full", "closed")


@dataclass(frozen=True)
class Home:
    """A folder of native files in which ``render`` has much to write."""

    folder: Path

    def run(self, *words: str, out: str = "", err: str = "", **variables: str) -> tuple[int, str, str]:
        """Exit code and both channels of the real entry point; each channel may be ``gone``, ``full`` or ``closed``."""
        redirect = "".join(f" {n}>&-" for n, kind in ((1, out), (2, err)) if kind == "closed")
        script = f'exec "$@"{redirect}'
        with channel(out) as first, channel(err) as second:
            done = subprocess.run(
                ["bash", "-c", script, "bash", sys.executable, "-m", "stack", *words],
                cwd=ROOT,
                env={**os.environ, "STACK_HOME": str(self.folder), **variables},
                stdin=subprocess.DEVNULL,
                stdout=first,
                stderr=second,
                check=False,
                timeout=120,
            )
        return done.returncode, (done.stdout or b"").decode(), (done.stderr or b"").decode()

    @property
    def written(self) -> set[str]:
        """The generated files that are there."""
        return {p.name for p in (self.folder / "grafana" / "dashboards").glob("*.json")} | {
            p.name for p in self.folder.glob("docker-compose.yml")
        }


@contextmanager
def channel(kind: str) -> Iterator[int]:
    """Where a command writes: a pipe that is read, one that nobody reads, or a disk that is full."""
    if kind == "gone":
        end, given = os.pipe()
        os.close(end)
    elif kind == "full":
        given = os.open("/dev/full", os.O_WRONLY)
    else:
        yield subprocess.PIPE
        return
    try:
        yield given
    finally:
        os.close(given)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    folder = tmp_path / "hämé"
    for name in ("prometheus", "alertmanager", "grafana"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.rmtree(folder / "grafana" / "dashboards")
    return Home(folder)


ALL = {p.name for p in (ROOT / "grafana" / "dashboards").glob("*.json")} | {"docker-compose.yml"}


@pytest.mark.parametrize("out", READERS)
@pytest.mark.parametrize("words", [("render",), ("render", "--json")], ids=" ".join)
def test_work_is_finished_without_a_reader_and_the_exit_code_is_not_0(
    home: Home, out: str, words: tuple[str, ...]
) -> None:
    code, _, err = home.run(*words, out=out)
    assert home.written == ALL
    assert code == 1
    assert err.startswith(LOST) and err.count("\n") == 1


def test_a_full_disk_is_named(home: Home) -> None:
    assert "No space left on device" in home.run("render", out="full")[2]


@pytest.mark.parametrize("err", READERS)
def test_lost_warnings_are_no_fault_of_the_work(home: Home, err: str) -> None:
    code, out, _ = home.run("render", err=err)
    assert (code, home.written) == (0, ALL)
    assert out.count("written") == len(ALL) + len(("docs/settings.md", "docs/components.md"))


@pytest.mark.parametrize("kind", READERS)
def test_both_channels_may_be_lost(home: Home, kind: str) -> None:
    assert home.run("render", out=kind, err=kind)[0] == 1
    assert home.written == ALL


def test_what_says_nothing_loses_nothing(home: Home) -> None:
    assert home.run("render", "--quiet", out="gone") == (0, "", "")
    assert home.written == ALL


@pytest.mark.parametrize("kind", READERS)
def test_an_error_keeps_its_exit_code(home: Home, kind: str) -> None:
    assert home.run("render", "--name", "UPPER", "--json", out=kind, err=kind)[0] == 2


@pytest.mark.parametrize("buffered", ["", "1"])
@pytest.mark.parametrize("words", [("completion", "bash"), ("--help",), ("--version",)])
def test_what_only_shows_ends_with_its_reader(home: Home, words: tuple[str, ...], buffered: str) -> None:
    code, _, err = home.run(*words, out="gone", PYTHONUNBUFFERED=buffered)
    assert (code, err) == (1, "")


def test_a_display_on_a_full_disk_is_an_error(home: Home) -> None:
    code, _, err = home.run("completion", "bash", out="full")
    assert code == 1
    assert "No space left on device" in err


@pytest.mark.parametrize(
    "variables",
    [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}],
    ids=str,
)
def test_what_a_terminal_cannot_show_is_escaped(home: Home, variables: dict[str, str]) -> None:
    code, out, err = home.run("render", **variables)
    assert (code, err) == (0, "")
    assert home.written == ALL
    assert any(f"/{name}/docker-compose.yml" in out for name in ESCAPED)


def test_json_is_the_same_in_any_encoding(home: Home) -> None:
    code, out, _ = home.run("render", "--json", PYTHONIOENCODING="ascii")
    assert code == 0
    assert any("hämé" in path for path in json.loads(out)["written"])


def test_a_name_that_is_no_text_is_refused_and_shown(home: Home) -> None:
    code, _, err = home.run("credentials", "--name", os.fsdecode(b"\xff"))
    assert code == 2
    assert err.startswith("error: name: must be 1-40 of a-z")
