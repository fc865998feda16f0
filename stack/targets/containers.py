"""A container as a target: by which name, network and port Prometheus reaches it, or why it cannot. Pure.

Names are known on user-defined networks only. A network on which somebody else has a name of the stack's own is not
joined: Prometheus would ask that one instead.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from stack.common.errors import UsageError
from stack.model.neighbours import COMPOSE_PROJECT, Neighbour

SCRAPE, PORT, PATH, SCHEME = (f"prometheus.io/{word}" for word in ("scrape", "port", "path", "scheme"))
BRIDGE = ("", "default", "bridge")
SHARED = "container:"
ID_LENGTH = 12
THIS_ENGINE = "the engine is that of this stack"


class Place(Struct, frozen=True):
    """Where a target answers; ``network`` is empty on the stack's own. ``path``, ``scheme``: what its labels say."""

    address: str
    network: str
    path: str = ""
    scheme: str = ""


class Around(Struct, frozen=True):
    """What is there besides: all containers, the stack's name, and the names of its own services."""

    everyone: tuple[Neighbour, ...]
    stack: str
    taken: frozenset[str]


def find(wanted: str, neighbours: Iterable[Neighbour]) -> Neighbour:
    """The container of this name, id or docker compose service; ``UsageError`` where it is none, or several."""
    everyone = tuple(neighbours)
    named = [n for n in everyone if n.name == wanted]
    by_id = [n for n in everyone if len(wanted) >= ID_LENGTH and n.id.startswith(wanted)]
    by_service = [n for n in everyone if n.service == wanted]
    found = named or by_id or [n for n in by_service if n.running] or by_service
    if len(found) == 1:
        return found[0]
    if found:
        projects = ", ".join(f"{n.name} of {n.label(COMPOSE_PROJECT) or '?'}" for n in found)
        raise UsageError(
            f"{wanted} is the service of several containers: {projects}", hint="name one of them"
        )
    like = sorted(n.name for n in everyone if wanted.lower() in n.name.lower() and not n.stack)[:3]
    hint = f"is it {' or '.join(like)}?" if like else f"docker ps lists them; {THIS_ENGINE}"
    raise UsageError(f"there is no container {wanted}", hint=hint)


def split(text: str) -> tuple[str, str]:
    """``NAME[:PORT]``."""
    name, _, port = text.partition(":")
    return name, port


def place(container: Neighbour, around: Around, *, port: int = 0, network: str = "") -> Place:
    """Where Prometheus finds the container; ``port``, ``network``: those that were asked for.

    ``UsageError`` says why it finds none, and the remedy.
    """
    if container.stack == around.stack and container.component:
        raise UsageError(
            f"{container.name} is a component of this stack",
            hint="it is scraped already: monitoring-stack target list",
        )
    if not container.running:
        raise UsageError(f"container {container.name} does not run", hint=f"docker start {container.name}")
    chosen = _port(container, port)
    joined = _network(container, around, network)
    return Place(
        f"{container.name}:{chosen}",
        "" if joined == around.stack else joined,
        container.label(PATH),
        container.label(SCHEME),
    )


def _port(container: Neighbour, wanted: int) -> int:
    said = container.label(PORT)
    if wanted or said.isdecimal():
        return wanted or int(said)
    if len(container.ports) == 1:
        return container.ports[0]
    ask = f"--container {container.name}:PORT"
    if container.ports:
        listed = ", ".join(map(str, container.ports))
        raise UsageError(f"{container.name} exposes several ports: {listed}", hint=f"say which: {ask}")
    raise UsageError(f"{container.name} exposes no port", hint=f"say where its metrics are: {ask}")


def _network(container: Neighbour, around: Around, wanted: str) -> str:
    networks = dict(container.networks)
    if wanted and wanted not in networks:
        listed = ", ".join(networks) or "none"
        raise UsageError(f"{container.name} is not on network {wanted}", hint=f"it is on: {listed}")
    if around.stack in networks and not wanted:
        return around.stack
    if not networks:
        raise _without_network(container, around.everyone)
    clashes = {name: names_taken(name, around) for name in ([wanted] if wanted else networks)}
    free = [name for name, found in clashes.items() if not found]
    if free:
        return free[0]
    name, found = next(iter(clashes.items()))
    own = f"{container.name}-metrics"
    raise UsageError(
        f"on network {name} {' and '.join(f'{who} is known as {what}' for what, who in sorted(found.items()))}, as is "
        "a service of this stack, so that Prometheus could ask the wrong one",
        hint=f"give it a network for this: docker network create {own} && docker network connect {own} "
        f"{container.name}, then target add --container {container.name} --network {own}",
    )


def names_taken(network: str, around: Around) -> dict[str, str]:
    """Names of the stack's own services that somebody else has on a network, each with who it is."""
    found: dict[str, str] = {}
    for other in around.everyone:
        for name in dict(other.networks).get(network, ()):
            if name in around.taken and other.stack != around.stack:
                found[name] = other.name
    return found


def _without_network(container: Neighbour, everyone: tuple[Neighbour, ...]) -> UsageError:
    """Why nobody can reach it by a name."""
    again = f"target add --container {container.name}"
    by_port = f"target add {container.name} --host"
    if container.mode == "host":
        hint = f"{by_port} PORT, with the port on which it listens there"
        return UsageError(f"{container.name} is on the network of the engine's machine (host)", hint=hint)
    if container.mode.startswith(SHARED):
        owner = container.mode.removeprefix(SHARED)
        name = next((n.name for n in everyone if n.id.startswith(owner) or n.name == owner), owner)
        return UsageError(
            f"{container.name} is on the network of container {name}",
            hint=f"target add --container {name}:PORT",
        )
    if container.mode == "none":
        return UsageError(
            f"{container.name} has no network", hint="docker run --network NETWORK gives it one"
        )
    own = f"{container.name}-metrics"
    remedy = f"docker network create {own} && docker network connect {own} {container.name}, then {again}"
    if container.published:
        remedy += f"; or {by_port} {container.published[0][1]}, by its published port"
    return UsageError(
        f"{container.name} is on Docker's default network bridge only, where no name is known", hint=remedy
    )
