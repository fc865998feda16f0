"""What the in-memory engine offers to tests beyond the common promises."""

from __future__ import annotations

import io

import pytest

from stack.common.errors import StartFailed
from stack.engine.interface import ImageConfig, Job, Ran
from stack.model.spec import ConfigFile, Health, Limits, ServiceSpec
from tests.fakes.engine.memory import MemoryEngine


def service(engine: MemoryEngine) -> ServiceSpec:
    return ServiceSpec("app", "x:1", engine.hold("x:1"), 1, "/", Limits(1, 1.0), Health(("CMD", "x")))


@pytest.fixture
def engine() -> MemoryEngine:
    return MemoryEngine()


def started(engine: MemoryEngine) -> str:
    engine.create_network("demo")
    container = engine.create("demo", service(engine))
    engine.start(container)
    return container


def test_a_call_fails_as_often_as_told(engine: MemoryEngine) -> None:
    engine.fail("create_network", StartFailed("no"), times=2)
    for _ in range(2):
        with pytest.raises(StartFailed, match="no"):
            engine.create_network("demo")
    engine.create_network("demo")
    assert engine.calls == [("create_network", "demo")] * 3


def test_a_crash_is_seen(engine: MemoryEngine) -> None:
    engine.crash(started(engine), code=9)
    (seen,) = engine.observe("demo").containers
    assert (seen.state, seen.exit_code, seen.health) == ("exited", 9, "")


def test_signals_are_kept(engine: MemoryEngine) -> None:
    container = started(engine)
    engine.signal(container, "HUP")
    assert engine.containers[container].signals == ["HUP"]


def test_a_program_sees_arguments_and_files() -> None:
    seen: list[tuple[tuple[str, ...], list[str]]] = []

    def program(argv: tuple[str, ...], files: dict[str, ConfigFile]) -> Ran:
        seen.append((argv, sorted(files)))
        return Ran(4, "said")

    engine = MemoryEngine(program=program)
    engine.hold("x:1")
    assert engine.run("demo", Job("x:1", ("a",), (ConfigFile("f", b""),), folder="/in")) == Ran(4, "said")
    assert seen == [(("a",), ["/in/f"])]


def test_an_image_in_use_survives_the_loss_of_its_name(engine: MemoryEngine) -> None:
    container = started(engine)
    held = engine.image("x:1")
    engine.untag("x:1")
    assert held is not None and engine.image("x:1") is None
    assert engine.image(held.id) is not None
    engine.remove(container)


def test_a_tag_moves(engine: MemoryEngine) -> None:
    first = engine.import_image(io.BytesIO(b"1"), "x:1", ImageConfig())
    second = engine.import_image(io.BytesIO(b"2"), "x:1", ImageConfig())
    held = engine.image("x:1")
    assert first != second and held is not None and held.id == second
    assert engine.image(first) is None


def test_what_the_registry_has_can_be_pulled(engine: MemoryEngine) -> None:
    engine.registry.add("r/x:1")
    said: list[str] = []
    engine.pull("r/x:1", said.append)
    assert said and engine.image("r/x:1") is not None


def test_a_remote_engine_says_so() -> None:
    assert MemoryEngine(remote=True).info().remote
    assert not MemoryEngine().info().remote


def test_logs_are_what_the_test_put_there(engine: MemoryEngine) -> None:
    container = started(engine)
    engine.containers[container].log += ["one", "two", "three"]
    assert engine.logs(container, 2) == ("two", "three")
    assert engine.logs(container, 0) == ()
    assert list(engine.follow(container, 1)) == ["three"]
