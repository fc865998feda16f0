"""An image for a further engine: held there, pulled there, or carried over where it fits."""

from __future__ import annotations

from typing import cast

import pytest
from msgspec.structs import replace

from stack.common.errors import ImageError
from stack.engine.interface import Engine
from stack.images.carry import bring
from tests.fakes.engine.memory import MemoryEngine

OFFICIAL, LOCAL = "prom/node-exporter:v1", "monitoring-stack/node_exporter:local"


class Machine(MemoryEngine):
    """An engine of an architecture."""

    architecture = "x86_64"

    def info(self):  # type: ignore[no-untyped-def]
        return replace(super().info(), architecture=self.architecture)


@pytest.fixture
def near() -> Machine:
    return Machine()


@pytest.fixture
def far() -> Machine:
    return Machine()


def brought(near: Machine, far: Machine, ref: str) -> list[str]:
    """What was done there."""
    found = bring(cast(Engine, near), cast(Engine, far), ref)
    assert far.image(ref) == found
    return [verb for verb, _ in far.calls if verb != "info"]


def layered(engine: Machine, ref: str, *layers: str) -> None:
    engine.hold(ref, seed=",".join(layers))
    found = engine.image(ref)
    assert found is not None
    engine.images[found.id] = replace(found, layers=layers)


def test_one_that_is_there_is_used(near: Machine, far: Machine) -> None:
    near.hold(OFFICIAL)
    far.hold(OFFICIAL)
    assert brought(near, far, OFFICIAL) == []


def test_a_registry_comes_before_a_copy(near: Machine, far: Machine) -> None:
    near.hold(OFFICIAL)
    far.registry.add(OFFICIAL)
    assert brought(near, far, OFFICIAL) == ["pull"]


def test_without_a_registry_it_is_carried(near: Machine, far: Machine) -> None:
    near.hold(OFFICIAL)
    assert brought(near, far, OFFICIAL) == ["pull", "load"]


def test_one_built_here_is_in_no_registry(near: Machine, far: Machine) -> None:
    near.hold(LOCAL)
    assert brought(near, far, LOCAL) == ["load"]


def test_one_built_anew_is_carried_again(near: Machine, far: Machine) -> None:
    layered(near, LOCAL, "new")
    layered(far, LOCAL, "old")
    assert brought(near, far, LOCAL) == ["load"]
    far.calls.clear()
    assert brought(near, far, LOCAL) == []


def test_one_of_another_architecture_is_not_carried(near: Machine, far: Machine) -> None:
    near.hold(LOCAL)
    far.architecture = "aarch64"
    with pytest.raises(ImageError, match="it is for x86_64, and the host is aarch64") as caught:
        bring(cast(Engine, near), cast(Engine, far), LOCAL)
    assert caught.value.hint == "bring it there with docker load"


def test_what_nobody_has_is_said(near: Machine, far: Machine) -> None:
    with pytest.raises(ImageError, match="the registry does not answer; it is not here either"):
        bring(cast(Engine, near), cast(Engine, far), OFFICIAL)
