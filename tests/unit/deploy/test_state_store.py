"""The stack's memory lies on its engine: every client finds the same, and nothing is read that was not understood."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stack.common.errors import SettingsError, StackError
from stack.components import load
from stack.components.grafana import GRAFANA, PASSWORD
from stack.components.postgres import POSTGRES
from stack.config.cache import Cache
from stack.deploy.describe import read_secret, secrets_in
from stack.deploy.state import StateStore, remembered, switched
from stack.model.state import FORMAT, OneOff, ProvenStack, Refused, StackState, Upgrading, parse
from tests.fakes.engine.memory import MemoryEngine

SECRETS = (*GRAFANA.secrets, *POSTGRES.secrets)


@pytest.fixture
def engine() -> MemoryEngine:
    return MemoryEngine()


def store(engine: MemoryEngine, folder: Path, stack: str = "s") -> StateStore:
    return StateStore(engine, stack, Cache(folder / ".stack" / stack))


def test_two_clients_know_the_same_secrets(engine: MemoryEngine, tmp_path: Path) -> None:
    first, second = store(engine, tmp_path / "a"), store(engine, tmp_path / "b")
    made = first.with_secrets(SECRETS)
    assert len(set(made.values())) == len(SECRETS)
    assert all(len(secret) >= 24 for secret in made.values())
    assert first.with_secrets(SECRETS) == made, "made once, though not yet written"
    first.change(secrets=made)
    assert second.with_secrets(SECRETS) == made
    assert store(engine, tmp_path / "c", "other").with_secrets(SECRETS) != made
    assert not list(tmp_path.rglob("*")), "a client keeps none of it"


def test_secrets_that_an_older_version_kept_on_the_client_are_taken_over(
    engine: MemoryEngine, tmp_path: Path
) -> None:
    old = store(engine, tmp_path)
    old.cache.write(f"secrets/{PASSWORD}", "from-before\n")
    made = old.with_secrets(SECRETS)
    assert made[PASSWORD] == "from-before"
    old.change(secrets=made)
    other = store(engine, tmp_path / "elsewhere")
    other.cache.write(f"secrets/{PASSWORD}", "another-one")
    assert other.with_secrets(SECRETS)[PASSWORD] == "from-before", "the engine's counts"


def test_a_foreign_write_is_noticed_once_the_lock_is_held(engine: MemoryEngine, tmp_path: Path) -> None:
    mine, theirs = store(engine, tmp_path), store(engine, tmp_path)
    assert mine.now == StackState()
    assert not mine.refresh(), "nobody has written"
    theirs.change(switches={"postgres": OneOff("on")})
    assert mine.now.switches == {}
    assert mine.refresh()
    assert mine.now.switches == {"postgres": OneOff("on")}
    assert not mine.refresh()


def test_only_a_difference_is_written(engine: MemoryEngine, tmp_path: Path) -> None:
    state = store(engine, tmp_path)
    state.change(started=("app",))
    state.change(started=("app",))
    state.change()
    assert [verb for verb, _ in engine.calls].count("write_state") == 1
    assert state.lacks({"started": ("app", "grafana")})
    assert not state.lacks({"started": ("app",)})


def test_all_that_is_remembered_survives_the_document(engine: MemoryEngine, tmp_path: Path) -> None:
    state = StackState(
        secrets={"a": "ü"},
        switches={"app": OneOff("off", "on")},
        started=("prometheus",),
        proven=ProvenStack("x", "then"),
        versions={"s-app-config": ("1", "2")},
    )
    assert parse(state.dump()) == state
    assert parse(StackState().dump()) == StackState()


@pytest.mark.parametrize(
    "content",
    [
        json.dumps({**json.loads(StackState().dump()), "format": FORMAT + 1}).encode(),
        json.dumps({"format": FORMAT}).encode(),
        json.dumps({**json.loads(StackState().dump()), "switches": {"app": "off"}}).encode(),
        json.dumps({**json.loads(StackState().dump()), "secrets": []}).encode(),
        b"[]",
        b"{half",
        b"\xff\xfe\xfd",
    ],
)
def test_a_state_that_is_not_understood_ends_the_command_and_stays(
    engine: MemoryEngine, tmp_path: Path, content: bytes
) -> None:
    engine.write_state("s", content)
    state = store(engine, tmp_path)
    with pytest.raises(StackError, match="the state of stack s on the engine cannot be read") as error:
        state.with_secrets(SECRETS)
    assert "newer version" in error.value.hint
    assert engine.read_state("s") == content


def test_versions_that_were_written_are_kept_with_the_next_change(
    engine: MemoryEngine, tmp_path: Path
) -> None:
    state = store(engine, tmp_path)
    assert state.written("v", "1") == ("1",)
    assert state.written("v", "2") == ("1", "2")
    assert state.written("v", "1") == ("2", "1"), "the newest last"
    state.change()
    again = store(engine, tmp_path)
    assert again.written("v", "3") == ("2", "1", "3")
    again.forget("v", ("2",))
    again.change()
    assert store(engine, tmp_path).now.versions == {"v": ("1", "3")}


def test_a_choice_holds_while_the_settings_say_the_same(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    silent = load(environ={}, project=tmp_path)
    off = load(environ={"STACK_COMPONENTS": "postgres=off"}, project=tmp_path)
    on = load(environ={"STACK_COMPONENTS": "postgres=on"}, project=tmp_path)
    then = StackState(switches=switched(silent, {"postgres": "on"}, StackState()))
    assert remembered(silent, then) == {"components.postgres": "on"}
    assert remembered(off, then) == {}, "off was not said then"
    assert switched(off, {}, then) == {}
    assert switched(on, {"postgres": "on"}, then) == {}, "nothing one-off about it"
    assert switched(silent, {"postgres": "off"}, then) == {}, "off is what the settings say"
    gone = StackState(switches={"a-component-of-another-version": OneOff("on")})
    assert remembered(silent, gone) == {}


@pytest.fixture
def given(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").touch()
    return tmp_path / "password"


def test_grafanas_password_can_be_given(given: Path) -> None:
    given.write_text("my pass wörd\n", encoding="utf-8")
    settings = load(environ={"STACK_GRAFANA_PASSWORD_FILE": str(given)}, project=given.parent)
    assert secrets_in(settings, {PASSWORD: "generated"})[PASSWORD].reveal() == "my pass wörd"
    without = load(environ={}, project=given.parent)
    assert secrets_in(without, {PASSWORD: "generated"})[PASSWORD].reveal() == "generated"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file or directory: put it there, or unset STACK_GRAFANA_PASSWORD_FILE"),
        (b"", "it is empty: one line: one line of text"),
        (b" \n\n", "it is empty"),
        (b"one\ntwo\n", "it holds what it may not: one line: one line of text"),
        (b"a\tb", "it holds what it may not"),
        (b"\xff\xfe", "not text"),
    ],
)
def test_an_unusable_password_is_named_and_never_shown(
    given: Path, content: bytes | None, message: str
) -> None:
    if content is not None:
        given.write_bytes(content)
    (spec,) = GRAFANA.secrets
    with pytest.raises(SettingsError) as error:
        read_secret(spec, given)
    assert str(error.value).startswith(f"grafana.password_file: {given}: {message}")
    assert "two" not in str(error.value)
    assert error.value.exit_code == 2


def test_an_upgrade_under_way_and_what_was_refused_are_remembered() -> None:
    under = Upgrading("prometheus", "id", "a:1", "sha256:a", "a:2", "sha256:b", paused=("one",), kept=True)
    state = StackState(upgrading=under, refused={"grafana": Refused("g:2", "sha256:d", "g:1", "sha256:c")})
    assert parse(state.dump()) == state and state.unfinished
    with pytest.raises(ValueError, match="not a state"):
        parse(state.dump().replace(b'"refused": {', b'"refused": 3, "other": {'))
