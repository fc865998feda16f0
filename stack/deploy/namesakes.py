"""Containers of others that are known, on a network that one of ours is on, by the name of one of our services.

Who asks for that name may then be answered by either: samples, alerts and proofs would be those of somebody else. Pure.
"""

from __future__ import annotations

from stack.common.errors import StartFailed
from stack.model.observed import Observed
from stack.model.spec import ServiceSpec, StackSpec
from stack.targets.files import hosts_in


def namesake(spec: StackSpec, service: ServiceSpec, observed: Observed) -> tuple[str, str] | None:
    """What is wrong, and the remedy; None where who asks for the service's names gets the service."""
    for other in observed.beside:
        for network, names in other.networks:
            asked = (name for name in service.aliases if name in names)
            if taken := next((name for name in asked if _asked(spec, network, name, observed)), ""):
                return (
                    f"{other.name}, which is none of this stack, is known as {taken} on network {network}, too: "
                    "who asks for that name may get its answers",
                    f"docker network disconnect {network} {other.name}, or give it another name there",
                )
    return None


def _asked(spec: StackSpec, network: str, name: str, observed: Observed) -> bool:
    """Whether one of ours asks for it from a network: on those of others, a container does whose files name it."""
    if network == spec.name:
        return True
    here = {c.component for c in observed.containers if network in c.networks}
    return name in hosts_in(f.content for s in spec.services if s.component in here for f in s.files)


def refuse_namesakes(spec: StackSpec, observed: Observed) -> None:
    """``StartFailed`` for the first one: what is proven next would be proven of somebody else."""
    for service in spec.services:
        if found := namesake(spec, service, observed):
            raise StartFailed(f"{service.component}: {found[0]}", hint=found[1])
