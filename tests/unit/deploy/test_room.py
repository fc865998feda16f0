"""How much room data takes, as containers tell it; a full disk is refused before anything is changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from stack.common.errors import StartFailed
from stack.common.sizes import in_bytes, shown
from stack.components import load
from stack.config.settings import Settings
from stack.deploy.room import Taken, refuse_full_disk, sentence, taken
from stack.engine.docker import free_in
from stack.engine.interface import Ran
from stack.model.observed import Observed, ObservedContainer
from stack.model.spec import Health, Limits, Mount, ServiceSpec, StackSpec, data_volume
from tests.fakes.engine.memory import MemoryEngine

NAME = "monitoring"
DF = "overlay 102400 51200 40960 56% /prometheus"


def service(component: str, *mounts: Mount) -> ServiceSpec:
    return ServiceSpec(
        component, "i:1", "sha256:i", 9, "/", Limits(1 << 20, 1.0), Health(("NONE",)), mounts=mounts
    )


def keeping(component: str) -> ServiceSpec:
    return service(component, Mount("volume", data_volume(NAME, component), "/data", read_only=False))


def settings(tmp_path: Path, **environ: str) -> Settings:
    return load({}, environ={"STACK_HOME": str(tmp_path), **environ})


class Telling(MemoryEngine):
    """Each container says this of its folder."""

    def __init__(self, said: dict[str, str]) -> None:
        super().__init__()
        self.said = said

    def execute(self, container: str, argv: tuple[str, ...], *, seconds: float | None = None) -> Ran:
        assert argv[-1] == "/data" and seconds
        if container not in self.said:
            raise StartFailed("it ends just now")
        return Ran(0, self.said[container])


def looked(*components: str) -> Observed:
    found = (ObservedContainer(c, f"{NAME}-{c}", c, "", "i:1", "", "running") for c in components)
    return Observed(NAME, tuple(found))


def test_each_that_keeps_data_tells_its_size_and_bound(tmp_path: Path) -> None:
    engine = Telling(
        {
            f"{NAME}-prometheus": f"2048\n{DF}\n",
            f"{NAME}-app": f"du: /data/x: Permission denied\n512\n{DF}\n",
            f"{NAME}-grafana": "sh: du: not found\n",
        }
    )
    names = ("prometheus", "app", "grafana", "alertmanager")
    spec = StackSpec(NAME, (*map(keeping, names), service("node_exporter"), keeping("stopped")))
    found = taken(engine, spec, settings(tmp_path), looked(*names, "node_exporter"))
    free = 40960 * 1024
    assert found == (
        Taken("prometheus", 2 << 20, 2 << 30, free),
        Taken("app", 512 * 1024, 0, free),
    )
    assert sentence(found) == "data: prometheus 2.0 MB of 2.0 GB, app 0.5 MB; 40.0 MB free"
    assert found[0].document()["bound_bytes"] == 2 << 30 and "bound_bytes" not in found[1].document()
    assert sentence(()) == ""


@pytest.mark.parametrize(
    ("written", "size"), [("0MB", 0), ("256MB", 256 << 20), ("3GB", 3 << 30), ("1TB", 1 << 40)]
)
def test_sizes_are_powers_of_1024(written: str, size: int) -> None:
    assert in_bytes(written) == size


def test_sizes_for_people_have_their_largest_unit() -> None:
    assert [shown(n) for n in (0, 900 << 20, 1536 << 20, 2 << 40)] == [
        "0.0 MB",
        "900.0 MB",
        "1.5 GB",
        "2.0 TB",
    ]


def test_a_disk_below_the_floor_is_refused_with_the_remedy(tmp_path: Path) -> None:
    engine = MemoryEngine()
    engine.free = (256 << 20) - 1
    with pytest.raises(
        StartFailed, match=r"256\.0 MB are free on the disk of the engine, in /var/lib/memory"
    ) as error:
        refuse_full_disk(engine, settings(tmp_path))
    assert "STACK_DISK_FLOOR" in error.value.hint
    refuse_full_disk(engine, settings(tmp_path, STACK_DISK_FLOOR="0MB"))
    engine.free = 256 << 20
    refuse_full_disk(engine, settings(tmp_path))


def test_of_an_engine_elsewhere_nothing_is_known(tmp_path: Path) -> None:
    engine = MemoryEngine(remote=True)
    engine.free = 0
    refuse_full_disk(engine, settings(tmp_path))
    assert replace(engine.info()).free is None


def test_what_is_free_is_told_where_there_is_such_a_folder(tmp_path: Path) -> None:
    assert (free_in(str(tmp_path)) or 0) > 0
    assert free_in(str(tmp_path / "nowhere")) is None
