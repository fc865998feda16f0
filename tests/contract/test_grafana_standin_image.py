"""The stand-in as an image: hardened like the real one can be, with its health check and its password command."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast
from uuid import uuid4

import docker
import pytest

from stack.common.wait import NotYet, until
from tests.grafana_standin import NEXT, VERSION
from tests.grafana_standin.image import REPOSITORY, Builds, build_image

pytestmark = pytest.mark.engine
LABEL = {"stack-test": "grafana-standin"}
FETCH = "wget -q -O - --header 'Authorization: Basic {token}' http://127.0.0.1:3000/api/org"
OLD = "YWRtaW46b2xkLXBhc3N3b3Jk"
NEW = "YWRtaW46bmV3LXBhc3N3b3Jk"


@pytest.fixture(scope="module", params=[VERSION, NEXT])
def container(image_of: Callable[[str], str], request: pytest.FixtureRequest) -> Iterator[Any]:
    client = docker.from_env()
    image = build_image(
        cast(Builds, client.api),
        base=image_of("python"),
        tag=f"{REPOSITORY}:{uuid4().hex[:8]}",
        version=request.param,
    )
    made = client.containers.create(
        image,
        read_only=True,
        cap_drop=["ALL"],
        security_opt=["no-new-privileges:true"],
        pids_limit=100,
        network_mode="none",
        environment={"GF_SECURITY_ADMIN_PASSWORD": "old-password"},
        labels=LABEL,
        mounts=[docker.types.Mount("/var/lib/grafana", None, type="volume")],
    )
    try:
        made.start()
        until(lambda: _healthy(made), seconds=30)
        yield made
    finally:
        made.remove(force=True, v=True)
        client.images.remove(image, noprune=False)


def _healthy(container: Any) -> None:
    code, said = container.exec_run(["wget", "-q", "-O", "/dev/null", "http://127.0.0.1:3000/api/health"])
    if code != 0:
        raise NotYet(f"{said.decode()} {container.logs().decode()}")


def fetch(container: Any, token: str) -> tuple[int, str]:
    code, said = container.exec_run(["sh", "-c", FETCH.format(token=token)])
    return code, said.decode()


def test_it_runs_as_grafanas_user_with_its_layout(container: Any) -> None:
    assert container.exec_run(["id", "-u"])[1].strip() == b"472"
    version = (
        container.exec_run(["grafana", "--version"])[1].decode().strip().removeprefix("grafana version ")
    )
    assert version in (VERSION, NEXT)
    assert (container.exec_run(["sh", "-c", "command -v grafana-cli"])[0] == 0) is (version == VERSION)
    assert b"grafana.db" in container.exec_run(["ls", "/var/lib/grafana"])[1]
    assert container.exec_run(["ls", "/etc/grafana"])[0] == 0


def test_its_password_is_reset_from_outside(container: Any) -> None:
    assert '"Main Org."' in fetch(container, OLD)[1]
    command = "echo new-password | grafana cli admin reset-admin-password --password-from-stdin"
    code, said = container.exec_run(["sh", "-c", command])
    assert code == 0, said
    assert "401" in fetch(container, OLD)[1]
    assert '"Main Org."' in fetch(container, NEW)[1]


def test_it_ends_at_once_when_told(container: Any) -> None:
    container.stop(timeout=8)
    container.reload()
    assert container.attrs["State"]["ExitCode"] == 0
    assert "Shutdown started" in container.logs().decode()
