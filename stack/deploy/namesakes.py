"""Containers of others that are known, on a network that one of ours is on, by the name of one of our services.

Who asks for that name may then be answered by either: samples, alerts and proofs would be those of somebody else. Pure.
"""

from __future__ import annotations

from stack.common.errors import StartFailed
from stack.model.observed import Observed
from stack.model.spec import ServiceSpec, StackSpec


def namesake(service: ServiceSpec, observed: Observed) -> tuple[str, str] | None:
    """What is wrong, and the remedy; None where all that is known by the service's names is the service."""
    on = {network for container in observed.containers for network in container.networks}
    for other in observed.beside:
        for network, names in other.networks:
            taken = [name for name in service.aliases if name in names]
            if network in on and taken:
                return (
                    f"{other.name}, which is none of this stack, is known as {taken[0]} on network {network}, too: "
                    "who asks for that name may get its answers",
                    f"docker network disconnect {network} {other.name}, or give it another name there",
                )
    return None


def refuse_namesakes(spec: StackSpec, observed: Observed) -> None:
    """``StartFailed`` for the first one: what is proven next would be proven of somebody else."""
    for service in spec.services:
        if found := namesake(service, observed):
            raise StartFailed(f"{service.component}: {found[0]}", hint=found[1])
