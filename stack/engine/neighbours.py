"""Containers of others, read and never touched: their names, ports, networks and labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from stack.engine import labels
from stack.engine.client import Client
from stack.model.neighbours import Neighbour
from stack.model.outer import PREDEFINED

READERS = 8
TCP = "/tcp"


class Neighbours:
    """Reads only."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def all(self) -> tuple[Neighbour, ...]:
        """See ``Engine.neighbours``."""
        with self._client.asking("list containers"), ThreadPoolExecutor(READERS) as pool:
            listed = self._client.json("GET", "containers/json", query={"all": 1})
            inspected = pool.map(lambda one: self._client.found("container", one["Id"]), listed)
            found = (neighbour(one) for one in inspected if one is not None)
            return tuple(sorted(found, key=lambda one: one.name))


def neighbour(inspect: Mapping[str, Any]) -> Neighbour:
    """What ``GET /containers/{id}/json`` says of it."""
    config = inspect["Config"]
    marks = {str(k): str(v) for k, v in (config.get("Labels") or {}).items()}
    network = inspect.get("NetworkSettings") or {}
    bound = network.get("Ports") or {}
    exposed = {*(config.get("ExposedPorts") or {}), *bound}
    return Neighbour(
        id=inspect["Id"],
        name=inspect["Name"].removeprefix("/"),
        image=config.get("Image", ""),
        running=inspect["State"]["Status"] == "running",
        mode=str(inspect["HostConfig"].get("NetworkMode") or ""),
        labels=tuple(sorted(marks.items())),
        ports=tuple(sorted(int(port.removesuffix(TCP)) for port in exposed if port.endswith(TCP))),
        published=tuple(sorted(_published(bound))),
        networks=tuple(
            (
                name,
                tuple(
                    dict.fromkeys((inspect["Name"].removeprefix("/"), *((end or {}).get("Aliases") or ())))
                ),
            )
            for name, end in sorted((network.get("Networks") or {}).items())
            if name not in PREDEFINED
        ),
        stack=labels.stack_of(marks),
        component=marks.get(labels.COMPONENT, ""),
    )


def _published(bound: Mapping[str, Any]) -> Iterator[tuple[int, int]]:
    for port, places in bound.items():
        if port.endswith(TCP):
            yield from {(int(port.removesuffix(TCP)), int(place["HostPort"])) for place in places or ()}
