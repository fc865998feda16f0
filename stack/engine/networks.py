"""The stack's own network on the Docker engine. Only what carries our label."""

from __future__ import annotations

from stack.engine import labels
from stack.engine.client import CONFLICT, NOT_FOUND, Client, Inspect, filters, forgiving, ours


class Networks:
    """A stack's network has the stack's name."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def create(self, name: str) -> None:
        """See ``Engine.create_network``."""
        with self._client.asking(f"create network {name}"):
            if self._own(name):
                return
            wanted = {
                "Name": name,
                "Driver": "bridge",
                "CheckDuplicate": True,
                "Labels": labels.of_network(name),
            }
            with forgiving(CONFLICT):
                self._client.read("POST", "networks/create", body=wanted)
            # Two who ask at once may each get one (20.10), and then no container can start: the first stays.
            self._discard(self._own(name)[1:])

    def remove(self, name: str) -> None:
        """See ``Engine.remove_network``."""
        with self._client.asking(f"remove network {name}"):
            self._discard(self._own(name))

    def _discard(self, networks: list[Inspect]) -> None:
        for network in networks:
            with forgiving(NOT_FOUND):
                self._client.read("DELETE", f"networks/{network['Id']}")

    def _own(self, name: str) -> list[Inspect]:
        """Networks of exactly this name, the oldest first. StartFailed where there are some and none is ours."""
        listed = self._client.json("GET", "networks", query=filters(name=[name]))
        found = [n for n in listed if n["Name"] == name]
        mine = [n for n in found if labels.stack_of(n.get("Labels"))]
        if found and not mine:
            ours("network", name, found[0].get("Labels"))
        return sorted(mine, key=lambda n: (n["Created"], n["Id"]))
