"""What a container was given against what its description asks for: whatever somebody changed behind our back.

Pure. The label with the digest says what a container was made from; this looks at what it has now.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from stack.model.observed import GivenLimits, ObservedContainer, Setup
from stack.model.spec import RESTART, Mount, ServiceSpec

MIB = 1024 * 1024
LEAST_CPUS = 0.001
"""Shares of a core that are told apart."""


class Difference(Struct, frozen=True):
    """``words`` name what is and what should be; ``mild``: giving a running container the right value harms nothing."""

    words: str
    mild: bool = False


def differences(service: ServiceSpec, found: ObservedContainer) -> tuple[Difference, ...]:
    """All that differs and is known; what the engine cannot give is no difference."""
    told: list[Difference] = []
    if found.limits is not None:
        told += _limits(service, found.limits)
    if found.setup is not None:
        told += _setup(service, found.setup)
    return tuple(told)


def _limits(service: ServiceSpec, given: GivenLimits) -> Iterator[Difference]:
    wanted = service.limits
    if given.memory not in (None, wanted.memory):
        words = f"memory is {_bytes(given.memory)} instead of {_bytes(wanted.memory)}"
        # To lower it could end the process.
        yield Difference(words, mild=0 < (given.memory or 0) < wanted.memory)
    elif given.swap not in (None, wanted.memory):
        yield Difference(f"memory with swap is {_bytes(given.swap)} instead of {_bytes(wanted.memory)}")
    cpus = min(wanted.cpus, given.most_cpus or wanted.cpus)
    if given.cpus is not None and abs(given.cpus - cpus) >= LEAST_CPUS:
        yield Difference(f"CPUs are {_amount(given.cpus)} instead of {cpus:g}", mild=True)
    if given.pids not in (None, wanted.pids):
        yield Difference(f"processes are {_amount(given.pids or 0)} instead of {wanted.pids}", mild=True)


def _setup(service: ServiceSpec, given: Setup) -> Iterator[Difference]:
    if given.restart != RESTART:
        yield Difference(f"restart policy is {given.restart} instead of {RESTART}", mild=True)
    if service.user and given.user != service.user:
        yield Difference(f"user is {given.user or 'root'} instead of {service.user}")
    if service.entrypoint and given.entrypoint != service.entrypoint:
        yield Difference("its program is another one")
    if service.command and given.command != service.command:
        yield Difference("its arguments are others")
    if missing := {f"{key}={value}" for key, value in service.environment} - set(given.environment):
        names = ", ".join(sorted(text.partition("=")[0] for text in missing))
        yield Difference(f"environment is another one: {names}")
    yield from _parts("mount", [_mounted(m) for m in service.mounts if m.kind != "tmpfs"], given.mounts)
    yield from _parts("port", _ports(service), given.ports)
    if given.host_network != service.host_network:
        yield Difference(
            f"it is {'' if given.host_network else 'not '}in the network of the engine's machine"
        )
    yield from (Difference(words) for words in given.oddities)


def _parts(kind: str, wanted: list[str], given: tuple[Mount, ...] | tuple[str, ...]) -> Iterator[Difference]:
    there = {_mounted(one) if isinstance(one, Mount) else one for one in given}
    yield from (Difference(f"{kind} {one} is missing") for one in sorted(set(wanted) - there))
    yield from (Difference(f"{kind} {one} was added") for one in sorted(there - set(wanted)))


def _mounted(mount: Mount) -> str:
    source = mount.source if mount.kind == "volume" else "host folder"
    return f"{source} on {mount.target}{' (read only)' if mount.read_only else ''}"


def _ports(service: ServiceSpec) -> list[str]:
    port = service.published
    if port is None:
        return []
    host = f"[{port.address}]" if ":" in port.address else port.address
    return [f"{host}:{port.host}>{port.container}"]


def _bytes(amount: int | None) -> str:
    return f"{amount / MIB:g} MiB" if amount else "without a limit"


def _amount(amount: float) -> str:
    return f"{amount:g}" if amount else "without a limit"
