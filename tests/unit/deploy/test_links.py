"""Links that stay while versions change: what is right is left alone, what is new is placed, the rest goes."""

from __future__ import annotations

from typing import Any

import pytest

from stack.deploy.actions import Actions
from stack.deploy.links import Change, change, manifest, read_manifest
from stack.deploy.reconcile import reconcile
from stack.model.observed import Applied
from stack.model.spec import APPLIED, CURRENT, ConfigFile, LinkFolder, ServiceSpec, StackSpec, config_volume
from tests.fakes.engine.memory import MemoryEngine
from tests.unit.deploy.plan_samples import NAME, service

A, B, DEEP = "boards/a.json", "boards/b.json", "boards/x/y/c.json"
WANTED = {A: "../current/a", DEEP: "../../../current/c"}


RIGHT = {**WANTED, "boards/x": "", "boards/x/y": ""}


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        ({}, Change(tuple(WANTED.items()), ())),
        (RIGHT, Change((), ())),
        ({A: WANTED[A]}, Change(((DEEP, WANTED[DEEP]),), ())),
        ({**RIGHT, A: "../current/old"}, Change(((A, WANTED[A]),), ())),
        ({**RIGHT, A: ""}, Change(((A, WANTED[A]),), ())),
        (
            {**RIGHT, B: "../current/b", "boards/x/d.json": "d", "boards/z": "", "boards/z/deep": "d"},
            Change((), (B, "boards/x/d.json", "boards/z")),
        ),
    ],
    ids=("empty volume", "all is right", "one is missing", "one leads elsewhere", "a file", "left over"),
)
def test_only_what_differs_is_touched(there: dict[str, str], expected: Change) -> None:
    assert change("boards", WANTED, there) == expected


def test_without_any_wanted_link_the_folder_is_emptied() -> None:
    there = {A: "../current/a", "boards/x": "", "boards/x/d": "d"}
    assert change("boards", {}, there) == Change((), (A, "boards/x"))


def test_a_link_leads_from_its_depth_through_the_version_in_use() -> None:
    placed = LinkFolder("boards", (("a.json", "d/a"), ("x/y/c.json", "d/c"))).placed()
    assert placed == {A: "../current/d/a", DEEP: "../../../current/d/c"}


def test_the_list_of_a_version_is_read_back_and_a_version_without_one_has_none() -> None:
    file = manifest("v1", WANTED)
    assert file.path == "v1/.links"
    assert read_manifest(file.content) == WANTED
    assert read_manifest(None) == {}


class Deployed:
    """One service whose links are placed, counted and taken back."""

    def __init__(self) -> None:
        self.engine = MemoryEngine()
        self.image = self.engine.hold("x:1")
        self.use("a", "b")

    def use(self, *names: str, content: bytes = b"") -> None:
        files = tuple(ConfigFile(f"d/{name}.json", name.encode() + content) for name in names)
        links = LinkFolder("boards", tuple((f"{name}.json", f"d/{name}.json") for name in names))
        made = service("web")
        self.service = ServiceSpec(
            "web", "x:1", self.image, 80, "/", made.limits, made.health, mounts=made.mounts, reload="signal",
            files=files, linked=links,
        )  # fmt: skip
        spec = StackSpec(NAME, (self.service,))
        self.hands = Actions(self.engine, spec, lambda s: None, lambda s: None)
        for step in reconcile(spec, self.engine.observe(NAME)).steps:
            self.hands(step)

    @property
    def links(self) -> dict[str, str]:
        held = self.engine.volumes[config_volume(NAME, "web")].links
        return {path: target for path, target in held.items() if "/" in path}


def test_a_changed_file_touches_no_link(monkeypatch: pytest.MonkeyPatch) -> None:
    deployed = Deployed()
    assert deployed.links == {A: "../current/d/a.json", B: "../current/d/b.json"}
    placed: list[str] = []
    write = deployed.engine.write_volume

    def watched(volume: str, stack: str, image: str, files: Any, links: Any, *, only: str) -> None:
        placed.extend(path for path, _ in links)
        write(volume, stack, image, files, links, only=only)

    monkeypatch.setattr(deployed.engine, "write_volume", watched)
    deployed.use("a", "b", content=b"changed")
    assert placed == [CURRENT, APPLIED]
    assert len(deployed.links) == 2


def test_going_back_brings_back_the_links_of_that_version_and_no_other() -> None:
    deployed = Deployed()
    first, before = deployed.service, deployed.links
    deployed.use("a", "c")
    assert deployed.links.keys() == {A, "boards/c.json"}
    deployed.hands.go_back(deployed.service, Applied(first.files_digest(), first.files_digest()))
    assert deployed.links == before
