"""Which containers of an engine could be targets: what is known of them, and what a page tells. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from stack.common.errors import UsageError
from stack.model.neighbours import Neighbour
from stack.targets.containers import PATH, PORT, SCRAPE, Around, Place, place
from stack.targets.known import Server, server_of

Verdict = Literal["metrics", "exporter", "scraped", "none", "unreachable", "left out", "unknown"]
MOST_PORTS = 5
NO = ("false", "no", "0", "off")
TYPED = re.compile(r"# TYPE [a-zA-Z_:][a-zA-Z0-9_:.]* [a-z]+")
SAMPLE = re.compile(
    r"[a-zA-Z_:][a-zA-Z0-9_:]*(?:\{.*\})? [-+]?(?:[0-9.eE+-]+|nan|inf)(?: \d+)?", re.IGNORECASE
)
REFUSED = re.compile(r"server returned error: HTTP/\S+ (\d+)")
LOGIN = ("401", "403")
DEFAULT_PATH = "/metrics"


class Found(Struct, frozen=True):
    """What became of one container. ``place``: where it is scraped or would be; ``words``: why, and the remedy.

    ``ask``: places that may have metrics, the likeliest first, while nobody has looked.
    """

    container: str
    image: str
    verdict: Verdict
    words: str = ""
    place: Place | None = None
    command: str = ""
    ask: tuple[Place, ...] = ()
    samples: int = 0


def look(container: Neighbour, around: Around, scraped: Collection[str]) -> Found:
    """What can be said of a container without asking it; ``scraped`` are addresses of jobs."""
    told = Found(container.name, container.image, "unknown")
    if container.label(SCRAPE).lower() in NO:
        return replace(told, verdict="left out", words=f"its label {SCRAPE} says so")
    hosts = {name for _, names in container.networks for name in names} | {container.name}
    if mine := sorted(a for a in scraped if a.rpartition(":")[0] in hosts):
        return replace(told, verdict="scraped", words=f"as {', '.join(mine)}")
    wanted = bool(container.label(SCRAPE) or container.label(PORT))
    server = server_of(container.image)
    if server is not None and not wanted:
        return _server(told, container, server, around)
    ports = _ports(container)
    if not ports:
        return replace(
            told, verdict="none", words="exposes no port: target add --container NAME:PORT names one"
        )
    return _asked(told, container, around, ports)


def _server(told: Found, container: Neighbour, server: Server, around: Around) -> Found:
    if server.exporter:
        command = f"exporter add {server.exporter} {_called(container)} --container {container.name}"
        return replace(
            told, verdict="exporter", words=f"{server.title} is watched by its exporter", command=command
        )
    if server.port:
        found = _asked(told, container, around, (server.port,))
        return replace(found, words=found.words or f"{server.title}: {server.switch} makes it serve metrics")
    words = f"{server.title} serves no metrics: run its exporter in a container of its own, then target add --container"
    return replace(told, verdict="none", words=words)


def _called(container: Neighbour) -> str:
    """A name for its server: what docker compose calls it, else its own, in the letters that such names have."""
    return re.sub("[^a-z0-9]+", "-", (container.service or container.name).lower()).strip("-")[:30].strip("-")


def _ports(container: Neighbour) -> tuple[int, ...]:
    said = container.label(PORT)
    return (int(said),) if said.isdecimal() else container.ports[:MOST_PORTS]


def _asked(told: Found, container: Neighbour, around: Around, ports: Iterable[int]) -> Found:
    try:
        places = tuple(place(container, around, port=port) for port in ports)
    except UsageError as error:
        return replace(told, verdict="unreachable", words=str(error))
    return replace(told, ask=places)


def url_of(where: Place) -> str:
    """Where its metrics would be."""
    path = where.path or DEFAULT_PATH
    return f"{where.scheme or 'http'}://{where.address}{path if path.startswith('/') else f'/{path}'}"


def judged(found: Found, pages: Iterable[tuple[Place, str]]) -> Found:
    """The verdict once its places were asked: the first whose page has metrics."""
    asked: list[str] = []
    refusals: list[str] = []
    for where, page in pages:
        port = where.address.rpartition(":")[2]
        asked.append(port)
        if count := samples_in(page):
            command = f"target add --container {where.address}"
            return replace(
                found, verdict="metrics", place=where, command=command, samples=count, ask=(), words=""
            )
        if (refused := REFUSED.search(page)) and refused[1] in LOGIN:
            add = f"target add --container {where.address} with --token-file or --basic-auth-file"
            refusals.append(f"port {port} answers {refused[1]}: {add}")
    path = found.ask[0].path or DEFAULT_PATH if found.ask else DEFAULT_PATH
    listed = f"port{'s' if len(asked) > 1 else ''} {', '.join(asked)}"
    nothing = f"no metrics at {path} of {listed}: the label {PATH} or --path names another"
    words = found.words or (refusals[0] if refusals else nothing)
    return replace(found, verdict="none", words=words, ask=())


def samples_in(page: str) -> int:
    """How many samples a page has, without its last line, which may be cut; 0 where it is no page of metrics."""
    lines = page[: page.rfind("\n") + 1].splitlines()
    found = sum(1 for line in lines if SAMPLE.fullmatch(line))
    typed = any(TYPED.fullmatch(line) for line in lines)
    return found if typed or found == sum(1 for line in lines if line.strip()) else 0
