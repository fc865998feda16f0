"""What was done to a container behind our back and is put right without a new one: name, network, limits.

Pure, like the rest of the decision.
"""

from __future__ import annotations

from collections.abc import Sequence

from stack.deploy.differences import differences
from stack.deploy.draft import Draft
from stack.model.names import next_name
from stack.model.observed import ObservedContainer, in_place
from stack.model.plan import Step, Verb
from stack.model.spec import ServiceSpec, StackSpec, container_name


def restore_names(draft: Draft, spec: StackSpec, stays: Sequence[ObservedContainer]) -> None:
    """Containers that stay get back their names. Those that have one another's names step aside first."""
    renamed = [c for c in stays if not in_place(spec.name, c)]
    wanted = {container_name(spec.name, c.component) for c in renamed}
    aside = []
    for container in renamed:
        if container.name in wanted:
            own = next_name(container_name(spec.name, container.component))
            aside.append(draft.add(_rename(container, own, "has the name of another")))
    for container in renamed:
        own = container_name(spec.name, container.component)
        first = (*aside, f"{Verb.REMOVE} {own}")
        draft.add(_rename(container, own, f"was renamed to {container.name}", first))


def _rename(container: ObservedContainer, name: str, why: str, after: tuple[str, ...] = ()) -> Step:
    return Step(Verb.RENAME, name, why, container.component, container.id, after)


def mend(
    draft: Draft, spec: StackSpec, service: ServiceSpec, found: ObservedContainer | None
) -> tuple[str, ...]:
    """Keys of the steps after which the container is as it was made; none where it is, or is made anew."""
    if found is None:
        return ()
    name = container_name(spec.name, service.component)
    renamed = f"{Verb.RENAME} {name}"
    done = [renamed] if renamed in draft.keys else []
    if why := _network_reason(service, found):
        first = (f"{Verb.CREATE_NETWORK} {spec.name}",)
        done.append(draft.add(Step(Verb.CONNECT, name, why, service.component, found.id, first)))
    if why := "; ".join(one.words for one in differences(service, found)):
        done.append(draft.add(Step(Verb.LIMIT, name, why, service.component, found.id)))
    return tuple(done)


def _network_reason(service: ServiceSpec, found: ObservedContainer) -> str:
    if not found.connected:
        return "is not on the stack's network"
    return unknown_there(service, found)


def unknown_there(service: ServiceSpec, found: ObservedContainer) -> str:
    """Which of its names a container that is on the stack's network has lost there; empty where it has them all."""
    if found.aliases is None:
        return ""
    missing = [name for name in service.aliases if name not in found.aliases]
    return f"is not known as {' and '.join(missing)} on its network" if missing else ""
