"""Containers of others on the same engine, as values: what a target can be made of. Nothing is ever done to them."""

from __future__ import annotations

from msgspec import Struct

COMPOSE_SERVICE = "com.docker.compose.service"
COMPOSE_PROJECT = "com.docker.compose.project"


class Neighbour(Struct, frozen=True):
    """One container. ``stack`` and ``component``: where it is one of a stack of ours.

    ``ports``: TCP ports that it exposes, published or not; ``published``: (port of the container, port of the machine).
    ``networks``: each user-defined network that it is on, with its names there. ``mode`` is the engine's word for its
    network: ``host``, ``none``, ``container:ID``, else a name.
    """

    id: str
    name: str
    image: str
    running: bool = True
    mode: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    ports: tuple[int, ...] = ()
    published: tuple[tuple[int, int], ...] = ()
    networks: tuple[tuple[str, tuple[str, ...]], ...] = ()
    stack: str = ""
    component: str = ""

    def label(self, name: str) -> str:
        """A label's value; empty where it has none."""
        return dict(self.labels).get(name, "")

    @property
    def service(self) -> str:
        """What docker compose calls it; empty where another made it."""
        return self.label(COMPOSE_SERVICE)
