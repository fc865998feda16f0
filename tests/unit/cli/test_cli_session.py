"""What a command knows before it acts: images that are there, components that run, places where they are."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

from stack.cli.printer import Printer
from stack.cli.session import Session
from stack.cli.smoke import smoke
from stack.common.errors import ConfigurationInvalid, ImageError
from stack.config.tree import NEEDED
from stack.deploy.images import ImageSelection
from stack.images.resolved import Resolved
from stack.images.resolver import Images
from stack.model.observed import Observed, ObservedContainer
from stack.model.state import OneOff
from tests.fakes.engine.memory import MemoryEngine

OFFICIAL = {
    "prometheus": "prom/prometheus:v3.13.5",
    "alertmanager": "prom/alertmanager:v0.35.0",
    "node_exporter": "prom/node-exporter:v1.12.1",
}


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    monkeypatch.setenv("STACK_HOME", str(tmp_path))
    monkeypatch.setenv("STACK_APP_IMAGE", "mine/app:1")
    made = Session.open(argparse.Namespace(name=None, port_base=None, bind=None), Printer(quiet=True))
    engine = MemoryEngine()
    for ref in (*OFFICIAL.values(), "mine/app:1"):
        engine.hold(ref)
    made.__dict__["engine"] = engine
    return made


def container(component: str, image: str, image_id: str) -> ObservedContainer:
    return ObservedContainer("id", f"monitoring-{component}", component, "", image, image_id, "running")


def test_a_stack_is_described_by_the_images_that_are_there(session: Session) -> None:
    described = session.described(provide=False)
    assert {s.component: s.image for s in described.spec.services} == {**OFFICIAL, "app": "mine/app:1"}
    assert dict(described.spec.absent).keys() == {"grafana"}


def test_a_running_container_speaks_for_itself(session: Session) -> None:
    running = (
        container("grafana", "their/grafana:9", "sha256:9"),
        container("prometheus", "old", "sha256:0"),
    )
    described = session.as_it_runs(Observed("monitoring", running))
    images = {s.component: s.image for s in described.spec.services}
    assert images == {"grafana": "their/grafana:9", "prometheus": OFFICIAL["prometheus"]}
    assert dict(described.spec.absent)["app"] == "no container"


def test_without_containers_all_that_could_run_is_described(session: Session) -> None:
    described = session.as_it_runs(Observed("monitoring"))
    assert "app" in described.spec.components


def test_a_stack_is_asked_where_it_is_published_whatever_the_settings_say_now(session: Session) -> None:
    running = replace(container("prometheus", "old", "sha256:0"), published="127.0.0.1:9190")
    described = session.as_it_runs(Observed("monitoring", (running,)))
    assert described.addresses(remote=False) == {"prometheus": "http://127.0.0.1:9190"}
    assert session.settings.port("prometheus") == 9090


def test_images_are_looked_for_before_it_is_known_what_is_remembered(session: Session) -> None:
    assert set(session.look_at_images()) == {*OFFICIAL, "app"}
    assert session.images.found.keys() == {*OFFICIAL, "app", "grafana"}


def test_a_remembered_switch_makes_it_look_anew(session: Session) -> None:
    session.look_at_images()
    session.state.change(switches={"app": OneOff("off")})
    assert session.images.found == {}
    assert "app" not in session.described(provide=True).spec.components


def test_what_was_looked_for_is_forgotten_with_the_files(session: Session) -> None:
    session.look_at_images()
    session.lay_over({})
    assert session.images.found == {}


def test_only_grafana_may_lack_an_image(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    from stack.images.decide import Source

    def provide(images: Images, names: tuple[str, ...], seen: Mapping[str, Resolved]) -> dict[str, Resolved]:
        gone = Resolved("prometheus", "prom/x", "", Source.UNAVAILABLE, "nobody has it")
        return {name: gone for name in names if name == "prometheus"}

    monkeypatch.setattr(Images, "provide", provide)
    selection = ImageSelection(session.settings, session.engine, lambda event: None)
    with pytest.raises(ImageError, match="no image for prometheus: nobody has it") as error:
        selection.provide()
    assert error.value.exit_code == 4


def test_smoke_names_a_broken_file_instead_of_breaking_over_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("prometheus", "alertmanager", "grafana/dashboards"):
        (tmp_path / folder).mkdir(parents=True)
    for name in NEEDED:
        (tmp_path / name).write_text("rule_files: [rules/*.yml]\n")
    (tmp_path / "grafana/dashboards/mine.json").write_text('{"uid": "mine",}')
    monkeypatch.setenv("STACK_HOME", str(tmp_path))
    monkeypatch.setattr("stack.engine.docker.connect", lambda host, **more: MemoryEngine())
    options = argparse.Namespace(name=None, port_base=None, bind=None, url=[], login=[], kubernetes=None)
    with pytest.raises(ConfigurationInvalid, match=r"grafana/dashboards/mine.json:1:16: "):
        smoke(options, Printer(quiet=True))
