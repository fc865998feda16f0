"""Secrets at hand: the client's token is read with care, ours are made once, and none is asked for in vain."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from stack.common.errors import SettingsError
from stack.components import BY_NAME, load
from stack.components.build import Image
from stack.components.postgres import PASSWORD as POSTGRES_PASSWORD
from stack.components.token import APP_TOKEN, TOKEN
from stack.config.cache import Cache
from stack.deploy.describe import Description, describe, read_secret, secrets_of
from stack.deploy.state import StateStore
from tests.fakes.engine.memory import MemoryEngine

ROOT = Path(__file__).resolve().parents[3]


def described(folder: Path, engine: MemoryEngine | None = None, **environ: str) -> Description:
    settings = replace(load(environ=environ, project=ROOT), home=folder)
    images = {name: Image(f"{name}:1", f"sha256:{name}") for name in BY_NAME}
    state = StateStore(engine or MemoryEngine(), settings.name, Cache(settings.state))
    secrets = state.with_secrets(secrets_of(settings))
    state.change(secrets=secrets)
    return describe(settings, images, secrets)


def test_a_token_is_one_word_without_its_line_end(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("abc-._~+/123==\n")
    token = read_secret(TOKEN, file)
    assert (token.reveal(), str(token)) == ("abc-._~+/123==", "***")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file or directory: put it there, or unset STACK_APP_TOKEN_FILE"),
        (b"", "it is empty"),
        (b" \n", "it is empty"),
        (b"two words", "it holds what it may not: one line: letters, digits"),
        (b"two\nlines", "it holds what it may not"),
        ("schlüssel".encode(), "it holds what it may not"),
        (b"\xff\xfe", "not text"),
    ],
)
def test_an_unusable_token_is_named_and_never_shown(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError) as error:
        read_secret(TOKEN, file)
    assert str(error.value).startswith(f"app.token_file: {file}: {message}")
    assert "words" not in str(error.value) and "schl" not in str(error.value)
    assert error.value.exit_code == 2


def test_the_checks_know_the_token_and_the_database(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("word")
    made = described(tmp_path, STACK_APP_TOKEN_FILE=str(tmp_path / "token"), STACK_DATABASE="postgres")
    expected = made.expectations(remote=False, now=0.0)
    assert (expected.app_token, expected.database) == ("word", True)
    assert "postgres" not in dict(expected.addresses)
    assert "postgres" not in made.addresses(remote=True), "no check speaks its protocol"
    assert "node_exporter" in made.addresses(remote=True)


def test_the_database_password_is_made_once_and_only_where_it_is_needed(tmp_path: Path) -> None:
    engine = MemoryEngine()
    assert POSTGRES_PASSWORD not in described(tmp_path, engine).build.secrets
    first = described(tmp_path, engine, STACK_DATABASE="postgres").build.secrets[POSTGRES_PASSWORD]
    again = described(tmp_path, engine, STACK_DATABASE="postgres").build.secrets[POSTGRES_PASSWORD]
    assert first.reveal() == again.reveal()
    assert len(first.reveal()) >= 24


def test_without_a_token_file_there_is_no_token(tmp_path: Path) -> None:
    made = described(tmp_path)
    assert APP_TOKEN not in made.build.secrets
    assert made.expectations(remote=False, now=0.0).app_token == ""
