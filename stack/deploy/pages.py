"""What answers at places of an engine's networks: asked by a short-lived container there, within bounds."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from stack.common.errors import StackError
from stack.engine.interface import Engine, Job
from stack.model.spec import NOBODY
from stack.targets.containers import Place
from stack.targets.discovery import url_of

SECONDS = 3
PATIENCE = 30.0
MOST_BYTES = 1 << 20
SIDE_BY_SIDE = 4
USER = f"{NOBODY}:{NOBODY}"
MARK = "----- page of "


def pages(engine: Engine, stack: str, image: str, places: Iterable[Place]) -> dict[Place, str]:
    """The page of each place, empty where there is none; one container a network, of an image that has ``wget``."""
    by_network: dict[str, list[Place]] = {}
    for where in dict.fromkeys(places):
        by_network.setdefault(where.network or stack, []).append(where)
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        asked = pool.map(lambda item: _of_network(engine, stack, image, *item), by_network.items())
        return {where: page for found in asked for where, page in found.items()}


def _of_network(
    engine: Engine, stack: str, image: str, network: str, places: list[Place]
) -> dict[Place, str]:
    """All pages of one network in one container; none where it cannot join."""
    asks = [
        f"echo '{MARK}{n}'; wget -q -T {SECONDS} -O - \"${{{n}}}\" 2>&1 | {_CUT}" for n in range(len(places))
    ]
    argv = ("/bin/sh", "-c", "; ".join((*asks, "true")), *(url_of(where) for where in places))
    job = Job(image, argv, network=network, user=USER, seconds=PATIENCE + len(places) * (SECONDS + 1))
    try:
        output = engine.run(stack, job).output
    except StackError:
        return {}
    return dict(_pages(output, places))


_CUT = '{ n=0; while [ $n -lt 2000 ] && IFS= read -r line; do echo "$line"; n=$((n+1)); done; }'
"""The first lines: an image may have no ``head``."""


def _pages(output: str, places: list[Place]) -> Iterable[tuple[Place, str]]:
    for part in output.split(MARK)[1:]:
        number, _, page = part.partition("\n")
        if number.strip().isdecimal() and int(number) < len(places):
            yield places[int(number)], page[:MOST_BYTES]
