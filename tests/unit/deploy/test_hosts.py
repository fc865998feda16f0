"""Rounds over hosts: side by side, bounded, each with its own outcome."""

from __future__ import annotations

import threading
import time
from typing import Any, cast

from stack.common.errors import EngineUnavailable, NotReady
from stack.components.hosts import SECRET_KINDS, secret_of
from stack.deploy import hosts
from stack.deploy.hosts import Place, Round, Ways, gone, with_known
from stack.engine.interface import Engine
from tests.fakes.engine.memory import MemoryEngine

A, B = Place("a", "ssh://a"), Place("b", "tcp://b:2376")


def ways(connect: Any) -> Ways:
    engine = cast(Engine, MemoryEngine())
    return Ways(connect, cast(Any, None), engine, lambda event: None)


def reached(place: Place, stack: str) -> Engine:
    return cast(Engine, MemoryEngine())


def test_one_that_is_silent_is_given_up_and_does_nothing_later() -> None:
    release, worked = threading.Event(), []

    def connect(place: Place, stack: str) -> Engine:
        if place is A:
            release.wait(5)
        return reached(place, stack)

    began = time.monotonic()
    silent, well = Round(
        [A, B], lambda place, engine: worked.append(place.name), ways(connect), "s", answer=0.05
    ).outcomes()
    assert time.monotonic() - began < 1
    assert isinstance(silent.error, EngineUnavailable) and well.error is None
    assert silent.error.message == "no answer from its engine at ssh://a within 0.05 s"
    assert silent.error.hint == "try: docker -H ssh://a version"
    release.set()
    silent.ended.wait(5)
    assert worked == ["b"], "it was given up before it answered"


def test_work_that_does_not_end_is_given_up(monkeypatch: Any) -> None:
    monkeypatch.setattr(hosts, "WORK_SECONDS", 0.05)
    release = threading.Event()
    (found,) = Round([A], lambda place, engine: release.wait(5), ways(reached), "s").outcomes()
    assert isinstance(found.error, NotReady) and "for more than 0.05 s" in found.error.message
    release.set()


def test_each_error_is_its_own() -> None:
    def work(place: Place, engine: Engine) -> str:
        if place is A:
            raise NotReady("no")
        if place is B:
            raise KeyError("lost")
        return "done"

    first, second, third = Round([A, B, Place("c", "ssh://c")], work, ways(reached), "s").outcomes()
    assert str(first.error) == "no"
    assert second.error is not None and second.error.message == "KeyError: 'lost'"
    assert (third.value, third.error) == ("done", None)


def test_an_engine_is_asked_for_its_own_stack() -> None:
    asked: list[str] = []

    def connect(place: Place, stack: str) -> Engine:
        asked.append(stack)
        return reached(place, stack)

    Round([A], lambda place, engine: None, ways(connect), "monitoring").outcomes()
    assert asked == ["monitoring-host-a"]


def test_what_is_remembered_and_named_by_no_file_is_gone() -> None:
    known = (("a", "ssh://a"),)
    assert gone(known, {}) == (A,)
    assert with_known(known, {}) == known


def test_certificates_of_the_file_come_before_those_that_are_remembered() -> None:
    files = {secret_of("b", kind): b"x" for kind in SECRET_KINDS}
    text = f'engine = "{B.engine}"\ncert_path = "/new"\naddress = "10.0.0.7"\npassword_hash = "$2b$10${"a" * 53}"\n'
    tree = {**files, "own/hosts/b.toml": text.encode()}
    known = (("a", "ssh://a"), ("b", B.engine, "/old"))
    assert with_known(known, tree) == (("a", "ssh://a"), ("b", B.engine, "/new"))
    assert gone(known, tree) == (A,)
    assert gone(known, {}) == (A, Place("b", B.engine, "/old"))
