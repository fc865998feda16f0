"""Networks of others that a service joins: what is to be joined and left, and which of them are gone.

Pure. Nothing waits for a network of somebody else: one that is gone leaves the rest of the stack as it is.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from stack.deploy.draft import Draft
from stack.model.observed import Observed, ObservedContainer
from stack.model.outer import PREDEFINED, OuterNetwork
from stack.model.plan import Step, Verb
from stack.model.spec import ServiceSpec, StackSpec, container_name


def leave(
    draft: Draft, spec: StackSpec, service: ServiceSpec, found: ObservedContainer | None
) -> tuple[str, ...]:
    """Keys of the steps that take a container off networks that are gone, with which it could not start, or unnamed.

    A network that somebody else connected it to stays.
    """
    if found is None:
        return ()
    wanted = {network.name for network in service.networks}
    reasons = dict.fromkeys(found.lost, "is gone")
    reasons |= {name: "no file names it any more" for name in found.joined if name not in wanted}
    name = container_name(spec.name, found.component)
    return tuple(
        draft.add(
            replace(_step(Verb.LEAVE, name, network, why), component=found.component, object_id=found.id)
        )
        for network, why in sorted(reasons.items())
    )


def join(
    draft: Draft,
    spec: StackSpec,
    service: ServiceSpec,
    found: ObservedContainer | None,
    observed: Observed,
) -> None:
    """Steps that bring a container, once it runs, onto the networks that there are. Nothing comes after them."""
    there = set(found.networks) - set(found.lost) if found is not None else set()
    for network in service.networks:
        if network.name in observed.others and network.name not in there:
            why = f"named by {network.named_by}" if network.named_by else "wanted"
            step = _step(Verb.JOIN, container_name(spec.name, service.component), network.name, why)
            draft.add(
                replace(step, component=service.component, object_id=found.id if found is not None else "")
            )


def gone(spec: StackSpec, observed: Observed) -> Iterator[str]:
    """A sentence for each network that a service should join and that this engine does not have."""
    for service, network in _wanted(spec):
        if network.name not in observed.others:
            name = container_name(spec.name, service.component)
            what, remedy = "is not on this engine", "start what makes it, then monitoring-stack start"
            if network.name in PREDEFINED:
                what, remedy = (
                    "is the engine's own, where no name is known",
                    "give the container one of its own",
                )
            yield (
                f"network {network.name} {what}, so {name} does not join it ({network.named_by}): {remedy}; "
                "or remove the target"
            )


def unjoined(spec: StackSpec, observed: Observed) -> Iterator[str]:
    """The same, and one for each network that is there and that a running container is not on."""
    yield from gone(spec, observed)
    for service, network in _wanted(spec):
        found = observed.container(service.component)
        if found is not None and network.name in observed.others and network.name not in found.networks:
            yield (
                f"{found.name} is not on network {network.name}, which {network.named_by} names: "
                "monitoring-stack start connects it"
            )


def _wanted(spec: StackSpec) -> Iterator[tuple[ServiceSpec, OuterNetwork]]:
    for service in spec.services:
        yield from ((service, network) for network in service.networks)


def _step(verb: Verb, name: str, network: str, why: str) -> Step:
    """After the container has its name and runs, where that is done by this plan."""
    first = (f"{Verb.RENAME} {name}", f"{Verb.START} {name}", f"{Verb.LEAVE} {name} > {network}")
    return Step(verb, f"{name} > {network}", why, after=first, network=network)
