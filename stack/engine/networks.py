"""The stack's own network on the Docker engine, and those of others, which its containers only join and leave."""

from __future__ import annotations

from stack.common.errors import StartFailed
from stack.engine import labels
from stack.engine.client import (
    CONFLICT,
    NOT_FOUND,
    Client,
    Inspect,
    filters,
    forgiving,
    name_of,
    ours,
    quoted,
)

UNABLE = 500
"""What an engine answers that has nothing to disconnect."""


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

    def connect(self, stack: str, container: str, aliases: tuple[str, ...]) -> None:
        """See ``Engine``. Published ports come back with it."""
        found = self._client.present(container)
        what = f"connect {name_of(found)} to network {stack}"
        with self._client.asking(what):
            networks = self._own(stack)
            if not networks:
                raise StartFailed(f"{what}: it is gone", hint="run start again")
            if stack in (found["NetworkSettings"].get("Networks") or {}):
                with forgiving(NOT_FOUND, UNABLE):
                    self._ask(stack, "disconnect", {"Container": found["Id"], "Force": True})
            wanted = {"Container": found["Id"], "EndpointConfig": {"Aliases": list(aliases)}}
            self._ask(networks[0]["Id"], "connect", wanted)

    def join(self, container: str, network: str) -> None:
        """See ``Engine``. Under a name that nobody else has: one of ours could hide a service of that network."""
        found = self._client.present(container)
        with self._client.asking(f"{name_of(found)} cannot join network {network}"):
            if network in (found["NetworkSettings"].get("Networks") or {}):
                return
            told = {"Aliases": [labels.joined_as(name_of(found))]}
            self._ask(network, "connect", {"Container": found["Id"], "EndpointConfig": told})

    def leave(self, container: str, network: str) -> None:
        """See ``Engine``. By its name: the network may be gone, and the container still hold on to it."""
        found = self._client.present(container)
        with self._client.asking(f"{name_of(found)} cannot leave network {network}"):
            if network in (found["NetworkSettings"].get("Networks") or {}):
                with forgiving(NOT_FOUND):
                    self._ask(network, "disconnect", {"Container": found["Id"], "Force": True})

    def _ask(self, network: str, call: str, body: dict[str, object]) -> None:
        self._client.read("POST", f"networks/{quoted(network)}/{call}", body=body)

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
