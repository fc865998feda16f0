"""docker-compose.yml brought up for real: as closed as what ``start`` makes, and proven by the same ``smoke``."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.compose import Compose, compose_binary
from tests.e2e.hardening import open_doors
from tests.e2e.stack_command import PORTS, ROOT, Stack

pytestmark = pytest.mark.e2e
NAME, BASE = "e2e-compose", 27500
BUILT = ("prometheus", "alertmanager", "node_exporter", "app")


@dataclass(frozen=True)
class Project:
    """The file's stack, and the command that checks it."""

    compose: Compose
    stack: Stack

    def inspect(self) -> dict[str, dict[str, Any]]:
        """The engine's description of every container by service."""
        api = docker.from_env().api
        chosen = {"label": f"com.docker.compose.project={NAME}"}
        described = [api.inspect_container(c["Id"]) for c in api.containers(all=True, filters=chosen)]
        return {d["Config"]["Labels"]["com.docker.compose.service"]: d for d in described}


@pytest.fixture(scope="module")
def variables(image_of: Callable[[str], str], grafana_image: str) -> dict[str, str]:
    """What the file and the command both read."""
    ports = {f"STACK_{name.upper()}_PORT": str(BASE + i) for i, name in enumerate(PORTS)}
    images = {f"STACK_{name.upper()}_IMAGE": image_of(name) for name in BUILT}
    return {"STACK_NAME": NAME, "STACK_GRAFANA_IMAGE": grafana_image, **ports, **images}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, variables: dict[str, str]) -> Iterator[Project]:
    """The file's stack, up and healthy by its own account, whatever proxies the docker command is told of."""
    home = tmp_path_factory.mktemp("compose")
    stack = Stack.make(NAME, BASE, home, **variables)
    shutil.copy(ROOT / "docker-compose.yml", home)
    stack.ok("render", "--secrets")
    binary = compose_binary(Path(stack.environment["STACK_CACHE"]))
    (home / ".docker").mkdir()
    proxies = dict.fromkeys(("httpProxy", "httpsProxy"), "http://192.0.2.1:3128")
    (home / ".docker/config.json").write_text(json.dumps({"proxies": {"default": proxies}}))
    with_proxies = {**variables, "DOCKER_CONFIG": str(home / ".docker")}
    compose = Compose(binary, home / "docker-compose.yml", with_proxies)
    try:
        up = compose("up", "-d", "--wait")
        assert up.returncode == 0, up.stderr
        yield Project(compose, stack)
    finally:
        down = compose("down", "-v")
    assert down.returncode == 0, down.stderr


def test_every_service_is_there_and_healthy(project: Project) -> None:
    found = {name: d["State"]["Health"]["Status"] for name, d in project.inspect().items()}
    assert found == dict.fromkeys((*BUILT, "grafana"), "healthy")


def test_every_container_is_closed(project: Project) -> None:
    doors = {name: open_doors(found, f"{NAME}_default") for name, found in project.inspect().items()}
    assert doors == {name: [] for name in (*BUILT, "grafana")}


def test_no_secret_is_in_environment_arguments_or_labels(project: Project) -> None:
    password = project.stack.ok("credentials", "--json").json()["grafana"]["password"]
    assert len(password) >= 24
    assert password not in json.dumps(project.inspect())
    shown = project.compose("config")
    assert shown.returncode == 0 and password not in shown.stdout


def test_smoke_passes_against_it(project: Project) -> None:
    report = project.stack.ok("smoke", "--json").json()
    assert report["ok"]
    names = {f["check"] for f in report["findings"]}
    assert {"path.alert", "path.watchdog", "prometheus.targets", "grafana.panels", "grafana.login"} <= names


def test_up_again_touches_nothing(project: Project) -> None:
    before = {name: (d["Id"], d["State"]["StartedAt"]) for name, d in project.inspect().items()}
    assert project.compose("up", "-d", "--wait").returncode == 0
    assert {name: (d["Id"], d["State"]["StartedAt"]) for name, d in project.inspect().items()} == before


def test_down_leaves_nothing(project: Project) -> None:
    assert project.compose("down", "-v").returncode == 0
    client = docker.from_env()
    chosen: dict[str, Any] = {"label": f"com.docker.compose.project={NAME}"}
    assert client.containers.list(all=True, filters=chosen) == []
    assert client.volumes.list(filters=chosen) == []
    assert client.networks.list(filters=chosen) == []
