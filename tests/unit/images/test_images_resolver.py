"""From wanted components to images that are there, with every source failing in turn."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from stack.common.errors import BuildFailed, PullRefused, RegistryUnreachable
from stack.components import CATALOG
from stack.images import local
from stack.images.debian import Deb, Debian
from stack.images.decide import Source
from stack.images.lock import checksum
from stack.images.programs import Inputs, Program
from stack.images.registries import Patience, Registries, never_in_reach
from stack.images.resolved import Resolved
from stack.images.resolver import Images
from tests.unit.images.image_doubles import Shelf, image

ALL = ("prometheus", "alertmanager", "node_exporter", "grafana")


def inputs(program: Program) -> Inputs:
    return Inputs(program, b"lock", (("stack/__init__.py", b""),))


def answers(ref: str, progress: Callable[[str], None]) -> None:
    progress("pulling")


def refuses(ref: str, progress: Callable[[str], None]) -> None:
    raise PullRefused(f"{ref}: no space left on device")


@pytest.fixture
def no_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Local builds without apt and dpkg: every package is an empty one."""

    def gather(self: object, wanted: dict[str, Any]) -> dict[str, tuple[Deb, ...]]:
        return {name: (Deb(CATALOG.recipes[name].main, "9.9-1", Path("x.deb")),) for name in wanted}

    monkeypatch.setattr(Debian, "gather", gather)
    monkeypatch.setattr(local, "write_tree", lambda debs, recipe, out: out.write(recipe.main.encode()))


def images(shelf: Shelf, tmp_path: Path, **more: Any) -> Images:
    registries = Registries(tmp_path / "silent.json", patience=Patience(0.05), look=never_in_reach)
    chosen = {"obstacle": lambda: "", "inputs": inputs, "registries": registries, **more}
    return Images(shelf, tmp_path, CATALOG, **chosen)


def test_all_present_touches_nothing(tmp_path: Path) -> None:
    shelf = Shelf({ref: image(ref) for ref in ("prom/prometheus:v3.13.5", "grafana/grafana:12.4.12")})
    found = images(shelf, tmp_path).provide(("prometheus", "grafana"))
    assert [(r.ref, r.source) for r in found.values()] == [
        ("prom/prometheus:v3.13.5", Source.PRESENT),
        ("grafana/grafana:12.4.12", Source.PRESENT),
    ]
    assert shelf.calls == []
    assert list(tmp_path.iterdir()) == []


def test_a_reachable_registry_gives_the_official_images(tmp_path: Path) -> None:
    shelf = Shelf(registry=answers)
    found = images(shelf, tmp_path).provide(ALL)
    assert {r.source for r in found.values()} == {Source.PULL}
    assert found["grafana"].id == "id of grafana/grafana:12.4.12"


@pytest.mark.usefixtures("no_packages")
def test_without_a_registry_they_are_built_and_grafana_is_unavailable(tmp_path: Path) -> None:
    shelf = Shelf()
    found = images(shelf, tmp_path).provide(ALL)
    assert [found[name].source for name in ALL] == [Source.BUILD] * 3 + [Source.UNAVAILABLE]
    assert found["grafana"].id == ""
    assert "docker.io does not answer" in found["grafana"].why
    built = shelf.held["monitoring-stack/prometheus:local"]
    assert built.labels["monitoring-stack.version"] == "1.2.3"
    assert built.labels["monitoring-stack.built-from"] == "Debian forky prometheus 9.9-1"
    assert built.labels["monitoring-stack.pin"] == "prom/prometheus:v3.13.5"
    assert "monitoring-stack/prometheus:candidate" not in shelf.held


def test_why_an_image_is_not_there_outlives_the_time_in_which_nobody_asks(tmp_path: Path) -> None:
    late = Registries(tmp_path / "silent.json", clock=lambda: time.time() + 1200, look=never_in_reach)
    shelf = Shelf()

    def grafana() -> Resolved:
        return images(shelf, tmp_path, registries=late).present(["grafana"])["grafana"]

    assert (grafana().source, grafana().why) == (Source.PULL, "not there yet")
    images(shelf, tmp_path).provide(["grafana"])
    assert grafana().source is Source.PULL
    assert re.fullmatch(r"registry docker\.io did not answer 20m\d?s? ago; start asks again", grafana().why)


@pytest.mark.usefixtures("no_packages")
def test_the_second_start_builds_and_asks_nothing(tmp_path: Path) -> None:
    shelf = Shelf()
    images(shelf, tmp_path).provide(ALL)
    shelf.calls.clear()
    found = images(shelf, tmp_path).provide(ALL)
    assert found["prometheus"].source is Source.PRESENT
    assert shelf.calls == []


def test_what_cannot_be_had_costs_the_next_start_nothing(tmp_path: Path) -> None:
    shelf = Shelf()
    first = images(shelf, tmp_path).provide(("grafana",))
    shelf.calls.clear()
    (tmp_path / "images.lock").unlink()
    again = images(shelf, tmp_path).provide(("grafana",))["grafana"]
    assert "(asked 0s ago; STACK_REGISTRY_REMEMBER is 5m, images pull asks at once)" in again.why
    assert replace(again, why=first["grafana"].why) == first["grafana"]
    assert shelf.calls == []
    assert not (tmp_path / "images.lock").exists(), "nothing to do, so nobody is waited for"


def test_looking_says_what_would_be_done(tmp_path: Path) -> None:
    found = images(Shelf(versions={}), tmp_path).present(("grafana", "app"))
    assert [(r.id, r.source) for r in found.values()] == [("", Source.PULL), ("", Source.BUILD)]


def test_a_refused_pull_is_an_error_and_builds_nothing(tmp_path: Path) -> None:
    shelf = Shelf(registry=refuses)
    with pytest.raises(PullRefused, match="no space left"):
        images(shelf, tmp_path).provide(("prometheus",))
    assert not [call for call in shelf.calls if call.startswith(("import", "build"))]


def test_nothing_helps_where_neither_registry_nor_apt_is(tmp_path: Path) -> None:
    found = images(Shelf(), tmp_path, obstacle=lambda: "apt-get is missing").provide(("prometheus",))
    assert found["prometheus"].source is Source.UNAVAILABLE
    assert "apt-get is missing" in found["prometheus"].why


def test_a_named_image_is_pulled_and_never_replaced_by_a_build(tmp_path: Path) -> None:
    mine = {"prometheus": "box:5000/prom:1"}
    pulled = images(Shelf(registry=answers), tmp_path, overrides=mine).provide(("prometheus",))
    assert pulled["prometheus"].ref == "box:5000/prom:1"
    silent = images(Shelf(), tmp_path / "other", overrides=mine).provide(("prometheus",))
    assert silent["prometheus"].source is Source.UNAVAILABLE
    assert "the settings name" in silent["prometheus"].why


def test_a_locked_digest_is_what_is_pulled(tmp_path: Path) -> None:
    shelf = Shelf(registry=answers)
    images(shelf, tmp_path, digests={"grafana": "sha256:abc"}).provide(("grafana",))
    assert shelf.calls == ["pull grafana/grafana:12.4.12@sha256:abc"]


def test_locked_content_that_an_archive_brought_is_known_by_its_layers(tmp_path: Path) -> None:
    """A digest is the registry's: nothing that was loaded has one."""
    tag = "grafana/grafana:12.4.12"
    shelf = Shelf({tag: replace(image(tag), layers=("sha256:1", "sha256:2"))})
    locked = {"grafana": "sha256:abc"}
    same = {"grafana": checksum(("sha256:1", "sha256:2"))}
    found = images(shelf, tmp_path, digests=locked, layers=same).provide(("grafana",))["grafana"]
    assert (found.source, found.ref, shelf.calls) == (Source.PRESENT, tag, [])
    for layers in ({}, {"grafana": checksum(("sha256:2", "sha256:1"))}):
        other = images(shelf, tmp_path, digests=locked, layers=layers).provide(("grafana",))["grafana"]
        assert (other.source, other.ref) == (Source.UNAVAILABLE, f"{tag}@sha256:abc")


@pytest.mark.usefixtures("no_packages")
def test_an_image_of_an_older_recipe_is_rebuilt(tmp_path: Path) -> None:
    name = "monitoring-stack/prometheus:local"
    shelf = Shelf({name: image(name, "old", recipe="older")})
    found = images(shelf, tmp_path).provide(("prometheus",))
    assert found["prometheus"].source is Source.BUILD


def test_an_image_of_an_older_recipe_serves_where_none_can_be_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: object, wanted: object) -> None:
        raise BuildFailed("apt-get update: no route")

    monkeypatch.setattr(Debian, "gather", fail)
    name = "monitoring-stack/prometheus:local"
    shelf = Shelf({name: image(name, "old", recipe="older")})
    found = images(shelf, tmp_path).provide(("prometheus",))["prometheus"]
    assert (found.id, found.source) == ("old", Source.PRESENT)
    assert "no route" in found.why
    with pytest.raises(BuildFailed, match="no route"):
        images(shelf, tmp_path).provide(("prometheus", "alertmanager"))


@pytest.mark.usefixtures("no_packages")
def test_a_program_that_does_not_run_never_gets_the_final_name(tmp_path: Path) -> None:
    shelf = Shelf(versions={"/bin/prometheus": "failed: exec format error"})
    with pytest.raises(BuildFailed, match="exec format error"):
        images(shelf, tmp_path).provide(("prometheus",))
    assert "monitoring-stack/prometheus:local" not in shelf.held


@pytest.mark.usefixtures("no_packages")
def test_the_application_follows_its_base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "stack.images.program_image.gather", lambda lock, interpreter, cache: tmp_path / "none"
    )
    shelf = Shelf(versions={"python3": "3.14 x86_64"})
    found = images(shelf, tmp_path).provide(("app", "prometheus"))
    assert list(found) == ["app", "prometheus"]
    assert found["app"].source is Source.BUILD
    again = images(shelf, tmp_path).present(("app",))["app"]
    assert (again.ref, again.id) == (found["app"].ref, found["app"].id)
    changed = images(shelf, tmp_path, inputs=lambda p: Inputs(p, b"new", ())).present(("app",))["app"]
    assert not changed.available
    assert changed.why == "not built for this program and base yet"
    del shelf.held["monitoring-stack/python:local"]
    assert images(shelf, tmp_path).present(("app",))["app"].id == found["app"].id


@pytest.mark.usefixtures("no_packages")
def test_the_application_of_an_engine_that_names_images_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engine with containerd's store has another id for the same image; its layers have the same names."""
    monkeypatch.setattr(
        "stack.images.program_image.gather", lambda lock, interpreter, cache: tmp_path / "none"
    )
    shelf = Shelf(versions={"python3": "3.14 x86_64"})
    images(shelf, tmp_path).provide(("app",))
    base, app = "monitoring-stack/python:local", "monitoring-stack/app:local"

    def there(*layers: str) -> Resolved:
        other = Shelf(
            {
                base: replace(shelf.held[base], id="sha256:other", layers=("b1", "b2")),
                app: replace(shelf.held[app], id="sha256:app", layers=layers),
            }
        )
        return images(other, tmp_path).present(("app",))["app"]

    assert there("b1", "b2", "packages", "source").id == "sha256:app"
    assert there("b1", "b2", "packages", "source").ref == app
    assert not there("b1", "b3", "packages", "source").available, "on another base"
    assert not there().available


def test_without_a_base_the_application_is_unavailable(tmp_path: Path) -> None:
    found = images(Shelf(), tmp_path, obstacle=lambda: "no apt").provide(("app",))["app"]
    assert found.source is Source.UNAVAILABLE
    assert "its base cannot be had" in found.why
    again = images(Shelf(), tmp_path, obstacle=lambda: "no apt").present(("app",))["app"]
    assert (again.source, again.id) == (found.source, "") and "its base cannot be had" in again.why


def test_an_application_image_of_the_users_own_is_pulled(tmp_path: Path) -> None:
    mine = {"app": "box:5000/app:1"}
    assert images(Shelf(registry=answers), tmp_path, overrides=mine).provide(("app",))["app"].available
    silent = images(Shelf(), tmp_path / "other", overrides=mine).provide(("app",))["app"]
    assert not silent.available
    assert "box:5000 does not answer" in silent.why


def test_an_explicit_pull_asks_even_a_registry_known_to_be_silent(tmp_path: Path) -> None:
    shelf = Shelf()
    with pytest.raises(RegistryUnreachable):
        images(shelf, tmp_path).pull(("grafana",))
    shelf.registry = answers
    assert images(shelf, tmp_path).pull(("grafana",))["grafana"].available
