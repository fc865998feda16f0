"""The decision: from what should run and what runs to the steps between them, each with its reason.

Pure: no I/O, no log, no clock. The text of a plan is stable; tests compare it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from stack.model.observed import Observed, ObservedContainer
from stack.model.plan import Plan, Step, Verb
from stack.model.spec import ServiceSpec, StackSpec, config_volume, container_name, next_name


@dataclass
class _Draft:
    steps: list[Step] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)

    def add(self, step: Step) -> str:
        kept = tuple(k for k in dict.fromkeys(step.after) if k in self.keys)
        self.steps.append(Step(step.verb, step.target, step.why, step.component, step.object_id, kept))
        self.keys.add(step.key)
        return step.key


def reconcile(spec: StackSpec, observed: Observed) -> Plan:
    """The steps that turn ``observed`` into ``spec``; none where they agree."""
    draft = _Draft()
    _clear_surplus(draft, spec, observed)
    wanted = spec.ordered().services
    if wanted and spec.name not in observed.networks:
        draft.add(Step(Verb.CREATE_NETWORK, spec.name, "missing"))
    for service in wanted:
        _provide_volumes(draft, spec, service, observed)
    # All containers before any starts, so that a port is free before another takes it.
    stays = {service.component: _place(draft, spec, service, observed) for service in wanted}
    for service in wanted:
        _bring_up(draft, spec, service, stays[service.component], observed)
    if spec.surplus == "remove":
        _clear_rest(draft, spec, observed)
    return Plan(spec.name, tuple(draft.steps))


def _clear_surplus(draft: _Draft, spec: StackSpec, observed: Observed) -> None:
    for helper in observed.leftovers:
        _remove(draft, helper, "left by an interrupted run, or renamed")
    surplus = [c for c in observed.containers if c.component not in spec.components]
    for container in reversed(list(_by_need(surplus))):
        users = [f"{Verb.STOP} {c.name}" for c in surplus if container.component in c.needs]
        why = (
            "not wanted" if spec.services else f"{'stop' if spec.surplus == 'stop' else 'destroy'} the stack"
        )
        if spec.surplus == "stop":
            if _alive(container):
                draft.add(
                    Step(Verb.STOP, container.name, why, container.component, container.id, tuple(users))
                )
            continue
        _remove(draft, container, why, users)


def _remove(draft: _Draft, container: ObservedContainer, why: str, after: Iterable[str] = ()) -> str:
    first = tuple(after)
    if _alive(container):
        first = (draft.add(Step(Verb.STOP, container.name, why, container.component, container.id, first)),)
    return draft.add(Step(Verb.REMOVE, container.name, why, container.component, container.id, first))


def _alive(container: ObservedContainer) -> bool:
    return container.state in ("running", "restarting", "paused")


def _by_need(containers: Iterable[ObservedContainer]) -> Iterator[ObservedContainer]:
    """Needed ones first; what needs something that is not there counts as ready."""
    left = {c.component: c for c in sorted(containers, key=lambda c: c.component)}
    while left:
        ready = [c for c in left.values() if not any(n in left for n in c.needs)] or list(left.values())
        for container in ready:
            del left[container.component]
            yield container


def _provide_volumes(draft: _Draft, spec: StackSpec, service: ServiceSpec, observed: Observed) -> None:
    for mount in service.mounts:
        if mount.kind == "volume" and mount.source not in observed.volumes:
            key = f"{Verb.CREATE_VOLUME} {mount.source}"
            if key not in draft.keys:
                draft.add(Step(Verb.CREATE_VOLUME, mount.source, "missing", service.component))


def _place(
    draft: _Draft, spec: StackSpec, service: ServiceSpec, observed: Observed
) -> ObservedContainer | None:
    """The container that stays; None where a new one is made."""
    found = observed.container(service.component)
    if found is None:
        _create(draft, spec, service, container_name(spec.name, service.component), "missing")
    elif why := _replacement_reason(service, found):
        _replace(draft, spec, service, found, why)
        found = None
    return found


def _bring_up(
    draft: _Draft,
    spec: StackSpec,
    service: ServiceSpec,
    found: ObservedContainer | None,
    observed: Observed,
) -> None:
    name = container_name(spec.name, service.component)
    written = _write(draft, spec, service, found)
    running = found is not None and found.running
    last = (
        _reload(draft, service, found, written)
        if found and running
        else _start(draft, spec, service, found, _holders(service, observed))
    )
    if last:
        verified = draft.add(
            Step(Verb.VERIFY, name, "answers with the files given", service.component, "", (last,))
        )
        if written:
            done = f"files {service.files_digest()[:12]} in use"
            draft.add(Step(Verb.RECORD, name, done, service.component, "", (verified,)))


def _create(draft: _Draft, spec: StackSpec, service: ServiceSpec, name: str, why: str) -> str:
    after = (
        *(step.key for step in draft.steps if step.verb is Verb.REMOVE and step.target == name),
        f"{Verb.CREATE_NETWORK} {spec.name}",
        *(f"{Verb.CREATE_VOLUME} {mount.source}" for mount in service.mounts),
    )
    return draft.add(Step(Verb.CREATE, name, why, service.component, "", after))


def _replace(
    draft: _Draft, spec: StackSpec, service: ServiceSpec, found: ObservedContainer, why: str
) -> None:
    """The new one is there before the old one goes, so that a refused creation leaves the old one running."""
    created = _create(draft, spec, service, next_name(found.name), why)
    removed = _remove(draft, found, why, (created,))
    draft.add(Step(Verb.RENAME, found.name, "in its place", service.component, "", (created, removed)))


def _holders(service: ServiceSpec, observed: Observed) -> tuple[str, ...]:
    """Stops of containers that had the port until now: two components may swap theirs."""
    if service.published is None:
        return ()
    port = str(service.published.host)
    everyone = (*observed.containers, *observed.leftovers)
    holders = (c for c in everyone if c.published.rpartition(":")[2] == port)
    return tuple(f"{Verb.STOP} {c.name}" for c in holders)


def _start(
    draft: _Draft,
    spec: StackSpec,
    service: ServiceSpec,
    found: ObservedContainer | None,
    first: tuple[str, ...],
) -> str:
    name = container_name(spec.name, service.component)
    written = f"{Verb.WRITE} {config_volume(spec.name, service.component)}"
    if found is not None and _alive(found):
        # The engine would neither go on with a paused one nor cut a pause between two crashes short.
        draft.add(Step(Verb.STOP, name, found.state, service.component, found.id, (written,)))
    needs = [f"{Verb.START} {container_name(spec.name, need)}" for need in service.needs]
    needs += [f"{Verb.VERIFY} {container_name(spec.name, need)}" for need in service.awaits]
    made = (f"{Verb.CREATE} {name}", f"{Verb.RENAME} {name}")
    after = (*made, f"{Verb.STOP} {name}", written, *needs, *first)
    object_id = found.id if found else ""
    return draft.add(Step(Verb.START, name, _down_reason(found), service.component, object_id, after))


def _reload(draft: _Draft, service: ServiceSpec, found: ObservedContainer, written: tuple[str, ...]) -> str:
    """Nothing to do for a running container whose files are as they should be."""
    if not written:
        return ""
    verb = Verb.RESTART if service.reload == "restart" else Verb.RELOAD
    return draft.add(Step(verb, found.name, "files changed", service.component, found.id, written))


def _replacement_reason(service: ServiceSpec, found: ObservedContainer) -> str:
    if found.state in ("dead", "removing"):
        return f"container is {found.state}"
    if found.stranded:
        return "its network is gone"
    if found.image_id != service.image_id:
        return (
            f"image changed: {found.image} > {service.image}"
            if found.image != service.image
            else "image rebuilt"
        )
    if found.digest != service.digest():
        return "definition changed"
    return ""


def _down_reason(found: ObservedContainer | None) -> str:
    if found is None:
        return "created"
    if found.state == "created":
        return "created, never started"
    return f"exited with {found.exit_code}" if found.state == "exited" else found.state


def _write(
    draft: _Draft, spec: StackSpec, service: ServiceSpec, found: ObservedContainer | None
) -> tuple[str, ...]:
    digest = service.files_digest()
    unchanged = found is not None and found.applied.digest == digest
    if not digest or (found is not None and found.running and unchanged):
        return ()
    volume = config_volume(spec.name, service.component)
    count = len(service.files) + len(service.assets)
    why = "changed" if found is not None and found.applied.version else "new"
    if unchanged:  # whatever became of the volume while nothing ran
        why = "once more"
    name = container_name(spec.name, service.component)
    made = (
        f"{Verb.CREATE_NETWORK} {spec.name}",  # the slowest to answer waits for it; files can wait
        f"{Verb.CREATE} {next_name(name)}",
        f"{Verb.CREATE_VOLUME} {volume}",
    )
    # Links are looked up in the container of that name, so there must be one all the time.
    after = (*made, f"{Verb.CREATE} {name}", f"{Verb.RENAME} {name}") if service.linked else made
    return (
        draft.add(
            Step(
                Verb.WRITE,
                volume,
                f"{count} file{'s' if count > 1 else ''}, {why}",
                service.component,
                "",
                after,
            )
        ),
    )


def _clear_rest(draft: _Draft, spec: StackSpec, observed: Observed) -> None:
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
