"""Samples led elsewhere for a drill: Prometheus' files of before are back in use afterwards, whoever takes it back."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from stack.checks.drills import BY_NAME
from stack.cli.drill_detour import back, lead
from stack.cli.drill_run import restore
from stack.config.cache import Cache
from stack.deploy.state import StateStore
from stack.model.spec import config_volume, container_name
from tests.scenarios.world import NAME, World

REFUSED = BY_NAME["samples-refused"]
PROMETHEUS = container_name(NAME, "prometheus")


@pytest.fixture
def world() -> World:
    made = World()
    made.start()
    return made


@pytest.fixture
def state(world: World, tmp_path: Path) -> StateStore:
    return StateStore(world.engine, NAME, Cache(tmp_path))


def sent_to(world: World) -> list[str]:
    """The addresses that the files in use send samples to."""
    document = yaml.safe_load(world.in_use("prometheus", "prometheus.yml") or b"")
    return [one["url"] for one in document.get("remote_write", [])]


def test_its_files_are_in_use_until_it_is_taken_back(
    world: World, state: StateStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    signals: list[str] = []
    monkeypatch.setattr(world.engine, "signal", lambda name, signal: signals.append(f"{name} {signal}"))
    before = world.in_use("prometheus", "prometheus.yml")
    lead(world.engine, state, world.spec().service("prometheus"), REFUSED)
    assert sent_to(world) == [REFUSED.sends]
    assert signals == [f"{PROMETHEUS} HUP"]
    version = state.now.detour
    assert world.in_use("prometheus", "rules/prometheus.yml"), "its other files are there too"
    assert back(world.engine, state)
    assert world.in_use("prometheus", "prometheus.yml") == before
    assert signals == [f"{PROMETHEUS} HUP"] * 2
    assert state.now.detour == ""
    left = world.engine.volumes[config_volume(NAME, "prometheus")].contents()
    assert not [path for path in left if version in path]
    assert not back(world.engine, state)
    assert world.plan().steps == ()


def test_those_that_are_held_back_are_never_refused(world: World, state: StateStore) -> None:
    lead(world.engine, state, world.spec().service("prometheus"), BY_NAME["samples-held-up"])
    document = yaml.safe_load(world.in_use("prometheus", "prometheus.yml") or b"")
    (sent,) = document["remote_write"]
    assert [(rule["action"], rule["regex"]) for rule in sent["write_relabel_configs"]] == [("drop", ".*")]


@pytest.mark.parametrize("stopped", [False, True])
def test_a_killed_one_is_known_on_the_engine(
    world: World, state: StateStore, tmp_path: Path, stopped: bool
) -> None:
    lead(world.engine, state, world.spec().service("prometheus"), REFUSED)
    if stopped:
        world.engine.stop(PROMETHEUS)
    other = StateStore(world.engine, NAME, Cache(tmp_path / "elsewhere"))
    assert restore(world.engine, other) == ("prometheus",)
    assert sent_to(world) == []
    assert restore(world.engine, other) == ()


def test_a_start_mends_it_too(world: World, state: StateStore) -> None:
    lead(world.engine, state, world.spec().service("prometheus"), REFUSED)
    assert world.plan().steps
    assert world.start().outcome.ok
    assert sent_to(world) == []
    assert back(world.engine, state), "only the note of it is left"
    assert sent_to(world) == []
    assert world.plan().steps == ()


def test_a_prometheus_that_is_gone_needs_nothing(world: World, state: StateStore) -> None:
    lead(world.engine, state, world.spec().service("prometheus"), REFUSED)
    world.destroy(data=True)
    assert back(world.engine, state)
    assert state.now.detour == ""
