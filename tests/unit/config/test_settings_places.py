"""Where settings stand in their files, and how variables are set in a .env file that is somebody's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack.common.errors import SettingsError
from stack.components import load
from stack.config.env_file import merged
from stack.config.places import toml_line

DOCUMENT = """\
# port = 1
name = "a"

[ grafana ] # comment
port = 3000
"limits" . memory = "1g"
prometheus = { port = 1 }
[grafana.other]
port = 2
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("name", 2),
        ("grafana.port", 5),
        ("grafana.limits.memory", 6),
        ("grafana.prometheus.port", 7),
        ("grafana.other.port", 9),
        ("port", None),
    ],
)
def test_the_line_of_a_value_is_found(path: str, line: int | None) -> None:
    assert toml_line(DOCUMENT, path) == line


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        ('STACK_BIND = "0.0.0.0"', "stack.toml:1: STACK_BIND is a variable: write bind in this file"),
        ('\nname = "cache"', "name: must not be cache, a folder in .stack/ that all stacks share"),
        ('[grafana]\nimage = ["a"]', "stack.toml:2: grafana.image: must be a text or a number"),
        ('[grafana]\nimage = "a b"', "grafana.image: must be an image like"),
        ('[prometheus]\nretention_time = "1५d"', "prometheus.retention_time: must be"),
        ("\n[grafana]\nport = 70000", "stack.toml:3"),
        ("grafana.prot = 1", "stack.toml:1: unknown setting grafana.prot: did you mean grafana.port?"),
    ],
)
def test_what_stack_toml_cannot_say_is_refused_with_its_line(tmp_path: Path, toml: str, told: str) -> None:
    (tmp_path / "stack.toml").write_text(toml)
    with pytest.raises(SettingsError) as error:
        load(environ={"STACK_HOME": str(tmp_path)})
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("dotenv", "told"),
    [
        ('A=1\n\nSTACK_NAME="abc\n', ".env:3: cannot be read: write NAME=value, and close the quotes"),
        ("STACK_NAME='abc\nSTACK_BIND=::1\n", ".env:1: cannot be read"),
        ("STACK_NAME: ab", ".env:1: cannot be read"),
        ('STACK_NAME="ab" junk', ".env:1: cannot be read"),
        ("\r\nstack_name=ab\r\n", ".env:2: unknown setting stack_name: did you mean STACK_NAME?"),
        ("A=1\nexport STACK_APP_PORT=x", "change it in {folder}/.env:2"),
    ],
)
def test_what_dotenv_cannot_say_is_refused_with_its_line(tmp_path: Path, dotenv: str, told: str) -> None:
    (tmp_path / ".env").write_bytes(dotenv.encode())
    with pytest.raises(SettingsError) as error:
        load(environ={"STACK_HOME": str(tmp_path)})
    assert told.format(folder=tmp_path) in str(error.value)


@pytest.mark.parametrize(
    "dotenv",
    [
        'export STACK_NAME="ab"\r\nOTHER="x y"\r\n',
        "\ufeffSTACK_NAME='ab' # comment\n",
        "OTHER='it's'\nexec me\n  STACK_NAME=ab",
        'OTHER="two\nlines"\nSTACK_NAME=ab\nSTACK_BIND=\n',
        "P=ab\nSTACK_NAME=${P}\n",
    ],
)
def test_what_people_write_is_read(tmp_path: Path, dotenv: str) -> None:
    (tmp_path / ".env").write_bytes(dotenv.encode())
    assert load(environ={"STACK_HOME": str(tmp_path)}).name == "ab"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "STACK_A=new\n"),
        ("B=1", "B=1\nSTACK_A=new\n"),
        ("# mine\r\nB='1'\r\n", "# mine\r\nB='1'\r\nSTACK_A=new\r\n"),
        ('B=1\n\n  export STACK_A="old"  # why\nC=2\n', "B=1\n\n  export STACK_A=new\nC=2\n"),
        ('STACK_A="two\nlines"\nC=${B}\n', "STACK_A=new\nC=${B}\n"),
        ("STACK_A=1\nSTACK_A=2", "STACK_A=new\nSTACK_A=new"),
        ("STACK_A\nX='broken\nB=1\n", "STACK_A=new\nX='broken\nB=1\n"),
    ],
)
def test_variables_are_set_and_the_rest_is_kept_to_the_byte(before: str, after: str) -> None:
    assert merged(before, {"STACK_A": "new"}) == after
