"""Settings of the application: where each value comes from, and what a wrong one is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack.app.settings import OPTIONS, AppSettings, InvalidSetting, read_secret, read_settings, variable_of


def test_without_anything_the_defaults_hold() -> None:
    assert read_settings([], {}) == AppSettings()


def test_every_field_is_an_option_and_back() -> None:
    assert set(OPTIONS) == set(AppSettings.__dataclass_fields__)


def test_a_flag_wins_over_its_variable() -> None:
    settings = read_settings(["--port", "1"], {"STACK_APP_PORT": "2", "STACK_APP_LOAD": "steady"})
    assert (settings.port, settings.load) == (1, "steady")


def test_a_bare_switch_is_on() -> None:
    assert read_settings(["--faults"], {}).faults
    assert not read_settings(["--faults", "off"], {"STACK_APP_FAULTS": "on"}).faults


def test_the_database_has_the_name_that_others_know() -> None:
    assert variable_of("database_url") == "STACK_DATABASE_URL"
    assert read_settings([], {"STACK_DATABASE_URL": "postgresql://x"}).database_url == "postgresql://x"


def test_an_empty_path_counts_as_not_given() -> None:
    assert read_settings([], {"STACK_APP_TOKEN_FILE": ""}).token_file is None


@pytest.mark.parametrize(
    ("arguments", "variables", "told"),
    [
        (["--port", "70000"], {}, "--port: must be from 0 to 65535, got 70000"),
        ([], {"STACK_APP_PORT": "http"}, "STACK_APP_PORT: must be a number from 0 to 65535, got 'http'"),
        (["--load", "heavy"], {}, "--load: must be one of off, steady, full, got 'heavy'"),
        ([], {"STACK_APP_FAULTS": "perhaps"}, "STACK_APP_FAULTS: must be on or off, got 'perhaps'"),
        (["--load-rate", "nan"], {}, "--load-rate: must be from 0.01 to 10000, got nan"),
        (["--max-body", "0"], {}, "--max-body: must be from 1024 to 1073741824, got 0"),
    ],
)
def test_a_wrong_value_is_named_with_its_source(
    arguments: list[str], variables: dict[str, str], told: str
) -> None:
    with pytest.raises(InvalidSetting) as caught:
        read_settings(arguments, variables)
    assert str(caught.value) == told


def test_the_database_address_is_not_shown() -> None:
    assert "hunter2" not in repr(read_settings([], {"STACK_DATABASE_URL": "postgresql://u:hunter2@h/d"}))


def test_a_secret_is_one_stripped_line(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("abc\n")
    assert read_secret(file, "token") == "abc"


@pytest.mark.parametrize(
    ("content", "told"), [(b"", "is empty"), (b"\xff", "not text"), (None, "No such file")]
)
def test_a_secret_that_cannot_be_read_is_refused(tmp_path: Path, content: bytes | None, told: str) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InvalidSetting, match=told):
        read_secret(file, "token")
