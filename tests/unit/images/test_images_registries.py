"""Pulls: a silent registry costs one short wait for all components, a refusal stays an error."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from stack.common.errors import PullRefused, RegistryUnreachable
from stack.images.registries import Patience, Registries, in_reach
from tests.unit.images.image_doubles import Shelf

FOREVER = 30.0


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def registries(
    tmp_path: Path, clock: Clock | None = None, scope: str = "", contact: float = 0.05
) -> Registries:
    return Registries(
        tmp_path / "silent.json",
        scope=scope,
        clock=clock or Clock(),
        patience=Patience(contact),
        look=lambda registry: False,
    )


def nothing(_: str) -> None:
    """Progress that nobody reads."""


def test_a_registry_that_never_answers_is_given_up(tmp_path: Path) -> None:
    release = threading.Event()

    def hang(ref: str, progress: Callable[[str], None]) -> None:
        release.wait(FOREVER)

    asked = registries(tmp_path)
    try:
        with pytest.raises(RegistryUnreachable, match=r"docker\.io does not answer"):
            asked.pull(Shelf(registry=hang), "a/b:1", nothing)
    finally:
        release.set()
    assert asked.silent("docker.io")
    assert not asked.silent("ghcr.io")


def test_one_silence_ends_every_wait_for_that_registry(tmp_path: Path) -> None:
    both_hang, release = threading.Barrier(2), threading.Event()
    asked = registries(tmp_path, contact=FOREVER)
    outcome: list[BaseException] = []

    def answer(ref: str, progress: Callable[[str], None]) -> None:
        both_hang.wait(FOREVER)
        if ref == "quick:1":
            raise RegistryUnreachable("connection refused")
        release.wait(FOREVER)

    def pull(ref: str) -> None:
        try:
            asked.pull(Shelf(registry=answer), ref, nothing)
        except RegistryUnreachable as error:
            outcome.append(error)

    threads = [threading.Thread(target=pull, args=(ref,)) for ref in ("quick:1", "slow:1")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(FOREVER)
    release.set()
    assert len(outcome) == 2


def test_a_registry_that_answered_may_take_its_time(tmp_path: Path) -> None:
    seen: list[str] = []
    said = threading.Event()

    def slow(ref: str, progress: Callable[[str], None]) -> None:
        progress("layer 1")
        said.wait(0.2)
        progress("layer 2")

    registries(tmp_path, contact=0.1).pull(Shelf(registry=slow), "a:1", seen.append)
    assert seen == ["layer 1", "layer 2"]


def test_a_refusal_is_passed_on_and_not_remembered(tmp_path: Path) -> None:
    def refuse(ref: str, progress: Callable[[str], None]) -> None:
        raise PullRefused("manifest unknown")

    asked = registries(tmp_path)
    with pytest.raises(PullRefused, match="manifest unknown"):
        asked.pull(Shelf(registry=refuse), "a:1", nothing)
    assert not asked.silent("docker.io")


def test_silence_is_remembered_for_a_while_by_the_next_process(tmp_path: Path) -> None:
    clock = Clock()
    with pytest.raises(RegistryUnreachable):
        registries(tmp_path, clock).pull(Shelf(), "a:1", nothing)
    assert registries(tmp_path, clock).silent("docker.io")
    assert registries(tmp_path, clock).before("elsewhere.example") == ""
    clock.now += Patience().remember + 1
    assert not registries(tmp_path, clock).silent("docker.io")
    assert registries(tmp_path, clock).before("docker.io") == "5m1s"


def test_whoever_has_mended_the_way_need_not_wait(tmp_path: Path) -> None:
    reached: set[str] = set()
    looks: list[str] = []

    def look(registry: str) -> bool:
        looks.append(registry)
        return registry in reached

    def asked() -> Registries:
        return Registries(tmp_path / "silent.json", patience=Patience(0.05), look=look)

    with pytest.raises(RegistryUnreachable):
        asked().pull(Shelf(), "a:1", nothing)
    again = asked()
    assert again.silent("docker.io") and again.silent("docker.io")
    assert looks == ["docker.io"] * 2, "one look a command"
    reached.add("docker.io")
    assert not asked().silent("docker.io")
    with pytest.raises(RegistryUnreachable):  # within this machine's reach, not within the engine's
        asked().pull(Shelf(), "a:1", nothing)
    assert asked().silent("docker.io")


def test_the_setting_is_named_where_it_ended_a_wait(tmp_path: Path) -> None:
    release = threading.Event()

    def hang(ref: str, progress: Callable[[str], None]) -> None:
        release.wait(FOREVER)

    clock = Clock()
    asked = registries(tmp_path, clock, contact=0.05)
    try:
        with pytest.raises(RegistryUnreachable):
            asked.pull(Shelf(registry=hang), "a:1", nothing)
    finally:
        release.set()
    assert asked.words("docker.io") == "within 50ms: STACK_REGISTRY_PATIENCE"
    clock.now += 90
    later = registries(tmp_path, clock).words("docker.io")
    assert later == "asked 1m30s ago; STACK_REGISTRY_REMEMBER is 5m, images pull asks at once"
    with pytest.raises(RegistryUnreachable):
        asked.pull(Shelf(), "localhost:1/b:1", nothing)
    assert asked.words("localhost:1") == "", "refused at once"


@pytest.mark.parametrize("address", ["127.0.0.1:{}", "localhost:{}"])
def test_a_look_connects(address: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        place = address.format(server.getsockname()[1])
        assert in_reach(place)
    assert not in_reach(place)
    assert not in_reach("127.0.0.1:port")


def test_another_engine_may_reach_more(tmp_path: Path) -> None:
    with pytest.raises(RegistryUnreachable):
        registries(tmp_path, scope="unix:///a").pull(Shelf(), "a:1", nothing)
    assert not registries(tmp_path, scope="tcp://b").silent("docker.io")


def test_forgetting_asks_anew(tmp_path: Path) -> None:
    asked = registries(tmp_path)
    with pytest.raises(RegistryUnreachable):
        asked.pull(Shelf(), "a:1", nothing)
    asked.forget()
    assert not asked.silent("docker.io")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"docker.io": "soon"}',
        '{"docker.io": 999}',
        '{"docker.io": {"when": "soon"}}',
        '{"docker.io": {"when": 99999999}}',
        "not json",
    ],
)
def test_a_damaged_or_future_memory_is_no_memory(tmp_path: Path, content: str) -> None:
    (tmp_path / "silent.json").write_text(content)
    assert not registries(tmp_path).silent("docker.io")
