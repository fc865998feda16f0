"""What a test run that was killed left on the engine: a next run on the same machine would find it under its names."""

from __future__ import annotations

from typing import Any

import docker

LABEL = "monitoring-stack.stack"


def removed(name: str) -> None:
    """Removes every container, network and volume of the stack of this name."""
    client = docker.from_env()
    containers_removed(name, client)
    rest_removed(name, client)


def containers_removed(name: str, client: docker.DockerClient) -> None:
    """Removes the stack's containers."""
    for container in client.containers.list(all=True, filters=_of(name), ignore_removed=True):
        container.remove(force=True, v=True)


def rest_removed(name: str, client: docker.DockerClient) -> None:
    """Removes its networks and volumes, which containers may no longer use."""
    mine = _of(name)
    for network in client.networks.list(filters=mine):
        network.remove()
    for volume in client.volumes.list(filters=mine):
        volume.remove()


def _of(name: str) -> dict[str, Any]:
    return {"label": [f"{LABEL}={name}"]}


def removed_by_prefix(label: str, prefix: str) -> None:
    """Removes containers with this label whose names begin so."""
    client = docker.from_env()
    for container in client.containers.list(all=True, filters={"label": label, "name": f"^{prefix}"}):
        container.remove(force=True)
