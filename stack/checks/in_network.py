"""Hands an order to a short-lived container in the stack's own network and reads the report that comes back.

Passwords reach the container as a file that its user alone can read, never as an argument or a variable.
"""

from __future__ import annotations

from msgspec.structs import replace

from stack.checks.messages import Order, dump_order, load_report
from stack.checks.model import Door, Report
from stack.common.errors import SmokeFailed
from stack.engine.interface import Engine, Job
from stack.model.spec import NOBODY, ConfigFile, StackSpec, container_name, internal_addresses

FOLDER = "/probe"
FILE = "order.json"
SECONDS = 240.0
LAST_LINES = 10


def ask_inside(engine: Engine, spec: StackSpec, image: str, order: Order) -> Report:
    """The report of ``order`` as ``image`` sees the stack from inside; ``SmokeFailed`` where none comes back."""
    addresses = internal_addresses(spec)
    door = _door_inside(engine, spec, order.expected.door, dict(addresses))
    inside = replace(order, expected=replace(order.expected, addresses=addresses, door=door))
    ran = engine.run(spec.name, _job(spec, image, inside))
    try:
        return load_report(ran.output)
    except ValueError as error:
        raise SmokeFailed(
            f"the checks inside the network of {spec.name} gave no report (exit code {ran.code}): {error}",
            hint=f"is {image} an image of this version? monitoring-stack images build makes it anew",
            logs=tuple(ran.output.splitlines()[-LAST_LINES:]),
        ) from error


def _door_inside(
    engine: Engine, spec: StackSpec, door: Door | None, addresses: dict[str, str]
) -> Door | None:
    """The gateway by its name in the network, with the root that it vouches for itself by, as far as it has one yet."""
    if door is None or door.component not in addresses:
        return door
    kept = engine.read_file(container_name(spec.name, door.component), door.root) if door.root else None
    place = addresses[door.component].rpartition("/")[2]
    return replace(door, place=place, roots=(kept or b"").decode() or door.roots)


def _job(spec: StackSpec, image: str, order: Order) -> Job:
    return Job(
        image=image,
        argv=("python3", "-m", "stack.components", f"{FOLDER}/{FILE}"),
        files=(ConfigFile(FILE, dump_order(order).encode(), mode=0o400, uid=NOBODY, secret=True),),
        folder=FOLDER,
        network=spec.name,
        user=f"{NOBODY}:{NOBODY}",
        seconds=SECONDS,
        # Who lives in the machine's network is found under the machine's name.
        machine=any(service.host_network for service in spec.services),
    )
