"""The Grafana that the recorded answers are held against: the stand-in, or a real image where the engine has one.

Either gets the same provisioning files and environment, and a fake Prometheus and Alertmanager on loopback.
"""

from __future__ import annotations

import io
import json
import os
import tarfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker
import requests
from docker.errors import DockerException, ImageNotFound

from stack.common.wait import NotYet, until
from tests.grafana_standin import RECORDED
from tests.grafana_standin.server import serving
from tests.grafana_standin.settings import from_environment
from tests.grafana_standin.site import open_site
from tests.loopback import free_port

REAL_IMAGE = os.environ.get("STACK_TEST_GRAFANA_IMAGE", f"grafana/grafana:{RECORDED}")
PASSWORD = "Contract-password-1"
IN_CONTAINER = "/etc/grafana"
START_SECONDS = 60.0


def provisioning(prometheus: str, alertmanager: str, boards: str) -> dict[str, str]:
    """The files of the recorded situation."""
    sources = [
        {
            "name": "Prometheus",
            "uid": "prometheus",
            "type": "prometheus",
            "access": "proxy",
            "url": prometheus,
            "isDefault": True,
            "jsonData": {"httpMethod": "POST", "timeInterval": "2s"},
        },
        {
            "name": "Alertmanager",
            "uid": "alertmanager",
            "type": "alertmanager",
            "access": "proxy",
            "url": alertmanager,
            "jsonData": {"handleGrafanaManagedAlerts": False, "implementation": "prometheus"},
        },
    ]
    provider = {
        "name": "contract",
        "folder": "Contract",
        "folderUid": "contract",
        "type": "file",
        "disableDeletion": True,
        "updateIntervalSeconds": 30,
        "options": {"path": boards},
    }
    return {
        "provisioning/datasources/contract.yml": json.dumps({"apiVersion": 1, "datasources": sources}),
        "provisioning/dashboards/contract.yml": json.dumps({"apiVersion": 1, "providers": [provider]}),
    }


def environment(port: int, **more: str) -> dict[str, str]:
    """What both are told."""
    return {
        "GF_SERVER_HTTP_ADDR": "127.0.0.1",
        "GF_SERVER_HTTP_PORT": str(port),
        "GF_SECURITY_ADMIN_PASSWORD": PASSWORD,
        "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
        "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
        "GF_ANALYTICS_REPORTING_ENABLED": "false",
        "GF_PLUGINS_PREINSTALL_DISABLED": "true",
        "GF_PLUGINS_PUBLIC_KEY_RETRIEVAL_DISABLED": "true",
        "GF_DATABASE_WAL": "true",
        **more,
    }


@contextmanager
def running(
    folder: Path, prometheus: str, alertmanager: str, boards: Mapping[str, Any], **more: str
) -> Iterator[str]:
    """The base address of a Grafana with these dashboards; the real one where its image is present."""
    real = image_is_present(REAL_IMAGE)
    where = IN_CONTAINER if real else str(folder)
    files = provisioning(prometheus, alertmanager, f"{where}/boards")
    files |= {f"boards/{name}": json.dumps(board) for name, board in boards.items()}
    with _container(files, more) if real else _in_process(folder, files, more) as base:
        yield base


def image_is_present(image: str) -> bool:
    """Whether the engine, if any answers, holds the image."""
    try:
        docker.from_env().images.get(image)
    except (ImageNotFound, DockerException):
        return False
    return True


@contextmanager
def _in_process(folder: Path, files: Mapping[str, str], more: Mapping[str, str]) -> Iterator[str]:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    env = environment(0, **{"STANDIN_VERSION": RECORDED, **more})
    env |= {"GF_PATHS_DATA": str(folder / "data"), "GF_PATHS_PROVISIONING": str(folder / "provisioning")}
    with serving(open_site(from_environment(env))) as base:
        yield base


@contextmanager
def _container(files: Mapping[str, str], more: Mapping[str, str]) -> Iterator[str]:
    client, port = docker.from_env(), free_port()
    container = client.containers.create(
        REAL_IMAGE,
        network_mode="host",
        environment=environment(port, **more),
        labels={"stack-test": "contract"},
    )
    try:
        container.put_archive(IN_CONTAINER, _tar(files))
        container.start()
        base = f"http://127.0.0.1:{port}"
        until(lambda: _answers(base), seconds=START_SECONDS)
        yield base
    finally:
        container.remove(force=True, v=True)


def _answers(base: str) -> None:
    try:
        status = requests.get(f"{base}/api/health", timeout=2).status_code
    except requests.RequestException as error:
        raise NotYet(str(error)) from error
    if status != 200:
        raise NotYet(f"/api/health answered {status}")


def _tar(files: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime, entry.mode = len(text.encode()), int(time.time()), 0o644
            tar.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()
