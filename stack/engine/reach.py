"""Whether the ports that an engine publishes can be reached from here: not across machines, nor out of a container.

A socket of this machine says nothing of its network: a CI job, a container with the socket mounted, and a process in a
network namespace of its own all have the engine and none of its ports. What refuses though its container is healthy is
not ours to reach.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

from stack.common.listening import Place, none_listens, place
from stack.engine.client import Client, filters
from stack.engine.labels import STACK

By = Literal["auto", "ports", "network", "inner"]
"""``inner``: as ``auto``, but at the containers' own addresses, since nothing that is asked is published."""
DEVICES = Path("/proc/self/net/dev")
BRIDGE = "docker0:"
"""Where this is a device of ours, the engine's network is this process' network."""
HEALTHY = "(healthy)"
SAID = (
    "no published port can be reached from here (another network, as in a container): checks run inside the stack's "
    "network; STACK_REACH=ports or network decides it"
)


class Reach:
    """How the stack is asked. ``by`` is the user's word, ``elsewhere`` says that the address is another machine's."""

    def __init__(self, client: Client, stack: str, by: By, *, elsewhere: bool) -> None:
        self._client, self._stack, self._elsewhere = client, stack, elsewhere
        self._inner = by == "inner"
        self._by = "auto" if self._inner else by
        self._one = threading.Lock()
        self._apart: bool | None = None

    @property
    def remote(self) -> bool:
        """Whether checks must run inside the stack's network."""
        if self._by != "auto" or self._elsewhere:
            return self._by == "network" or (self._by == "auto" and self._elsewhere)
        with self._one:
            if self._apart is None:
                self._apart = self._looks_apart()
            return self._apart

    def turns_out_remote(self) -> bool:
        """Asks anew, where containers have become healthy meanwhile."""
        if self._by == "auto" and not self._elsewhere and not self.remote:
            with self._one:
                self._apart = self._looks_apart()
        return self.remote

    def remarks(self) -> tuple[str, ...]:
        """What is to be said of it."""
        return (SAID,) if self._apart and self._by == "auto" else ()

    def _looks_apart(self) -> bool:
        return not shares_network() and bool(self._stack) and none_listens(self._places())

    def _places(self) -> list[Place]:
        query = filters(label=[f"{STACK}={self._stack}"], status=["running"])
        with self._client.asking("list containers"):
            listed = self._client.json("GET", "containers/json", query=query)
            return list(_inside(listed, self._stack) if self._inner else _published(listed))


def shares_network(devices: Path = DEVICES) -> bool:
    """Whether the bridge of an engine is in this process' network: a look that asks nobody."""
    try:
        return any(line.strip().startswith(BRIDGE) for line in devices.read_text().splitlines())
    except OSError:
        return False


def _inside(containers: Iterable[dict[str, Any]], network: str) -> Iterator[Place]:
    """Where the healthy ones listen in the stack's network."""
    for found in containers:
        joined = (found.get("NetworkSettings") or {}).get("Networks") or {}
        address = (joined.get(network) or {}).get("IPAddress")
        for port in found.get("Ports") or () if address and HEALTHY in str(found.get("Status")) else ():
            if port.get("PrivatePort") and port.get("Type") == "tcp":
                yield str(address), int(port["PrivatePort"])


def _published(containers: Iterable[dict[str, Any]]) -> Iterator[Place]:
    """Where the healthy ones say that they can be reached over TCP."""
    for found in containers:
        for port in found.get("Ports") or () if HEALTHY in str(found.get("Status")) else ():
            if port.get("PublicPort") and port.get("Type") == "tcp":
                yield place(str(port.get("IP", "")), int(port["PublicPort"]))
