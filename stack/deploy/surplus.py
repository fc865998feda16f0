"""What is there and not asked for: what becomes of it, and in which order it goes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stack.deploy.draft import Draft, alive, remove
from stack.model.observed import Observed, ObservedContainer, passing
from stack.model.plan import Step, Verb
from stack.model.spec import StackSpec

LEFT = "left by an interrupted run"
SECOND = "its component has another container"


def clear_surplus(draft: Draft, spec: StackSpec, observed: Observed) -> None:
    """Containers that nobody asked for stop or go, users before what they need."""
    for left in observed.leftovers:
        if spec.surplus == "stop" and not passing(spec.name, left):
            _stop(draft, left, "stop the stack")
        else:
            remove(draft, left, LEFT if passing(spec.name, left) else SECOND)
    surplus = [c for c in observed.containers if c.component not in spec.components]
    for container in reversed(list(_by_need(surplus))):
        users = [f"{Verb.STOP} {c.name}" for c in surplus if container.component in c.needs]
        why = (
            "not wanted" if spec.services else f"{'stop' if spec.surplus == 'stop' else 'destroy'} the stack"
        )
        if spec.surplus == "stop":
            _stop(draft, container, why, users)
        else:
            remove(draft, container, why, users)


def _stop(draft: Draft, container: ObservedContainer, why: str, after: Iterable[str] = ()) -> None:
    if alive(container):
        step = Step(Verb.STOP, container.name, why, container.component, container.id, tuple(after))
        draft.add(step)


def _by_need(containers: Iterable[ObservedContainer]) -> Iterator[ObservedContainer]:
    """Needed ones first; what needs something that is not there counts as ready."""
    left = {c.component: c for c in sorted(containers, key=lambda c: c.component)}
    while left:
        ready = [c for c in left.values() if not any(n in left for n in c.needs)] or list(left.values())
        for container in ready:
            del left[container.component]
            yield container


def clear_rest(draft: Draft, spec: StackSpec, observed: Observed) -> None:
    """Volumes and networks that nothing uses go, after all containers that had them."""
    used = {m.source for s in spec.services for m in s.mounts if m.kind == "volume"}
    removed = tuple(s.key for s in draft.steps if s.verb is Verb.REMOVE)
    for volume in observed.volumes:
        is_config = volume.endswith("-config")
        if volume not in used and (spec.prune_data or is_config):
            why = "configuration, made anew at the next start" if is_config else "data, as asked"
            draft.add(Step(Verb.REMOVE_VOLUME, volume, why, "", volume, removed))
    for network in observed.networks:
        if not spec.services or network != spec.name:
            draft.add(Step(Verb.REMOVE_NETWORK, network, "unused", "", network, removed))
