"""Hands an order to a short-lived container in the stack's own network and reads the report that comes back.

Passwords reach the container as a file that its user alone can read, never as an argument or a variable.
"""

from __future__ import annotations

from msgspec.structs import replace

from stack.checks.messages import Order, dump_order, load_report
from stack.checks.model import Report
from stack.common.errors import SmokeFailed
from stack.engine.interface import Engine, Job
from stack.model.spec import NOBODY, ConfigFile, StackSpec, internal_addresses

FOLDER = "/probe"
FILE = "order.json"
SECONDS = 240.0
LAST_LINES = 10


def ask_inside(engine: Engine, spec: StackSpec, image: str, order: Order) -> Report:
    """The report of ``order`` as ``image`` sees the stack from inside; ``SmokeFailed`` where none comes back."""
    inside = replace(order, expected=replace(order.expected, addresses=internal_addresses(spec)))
    ran = engine.run(spec.name, _job(spec, image, inside))
    try:
        return load_report(ran.output)
    except ValueError as error:
        raise SmokeFailed(
            f"the checks inside the network of {spec.name} gave no report (exit code {ran.code}): {error}",
            hint=f"is {image} an image of this version? monitoring-stack images build makes it anew",
            logs=tuple(ran.output.splitlines()[-LAST_LINES:]),
        ) from error


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
