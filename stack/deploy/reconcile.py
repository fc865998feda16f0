"""The decision: from what should run and what runs to the steps between them, each with its reason.

Pure: no I/O, no log, no clock. The text of a plan is stable; tests compare it.
"""

from __future__ import annotations

from stack.deploy.differences import differences
from stack.deploy.draft import Draft, alive, remove
from stack.deploy.mend import mend, restore_names
from stack.deploy.outer_networks import join, leave
from stack.deploy.surplus import clear_rest, clear_surplus
from stack.model.digests import same_loaded
from stack.model.names import next_name
from stack.model.observed import Observed, ObservedContainer
from stack.model.plan import Plan, Step, Verb
from stack.model.spec import ServiceSpec, StackSpec, config_volume, container_name


def reconcile(spec: StackSpec, observed: Observed) -> Plan:
    """The steps that turn ``observed`` into ``spec``; none where they agree."""
    draft = Draft()
    clear_surplus(draft, spec, observed)
    wanted = spec.ordered().services
    if wanted and spec.name not in observed.networks:
        draft.add(Step(Verb.CREATE_NETWORK, spec.name, "missing"))
    for service in wanted:
        _provide_volumes(draft, spec, service, observed)
    # All containers before any starts, so that a port is free before another takes it.
    stays = {service.component: _place(draft, spec, service, observed) for service in wanted}
    restore_names(draft, spec, [c for c in stays.values() if c is not None])
    for service in wanted:
        _bring_up(draft, spec, service, stays[service.component], observed)
    if spec.surplus == "remove":
        clear_rest(draft, spec, observed)
    return Plan(spec.name, tuple(draft.steps))


def _provide_volumes(draft: Draft, spec: StackSpec, service: ServiceSpec, observed: Observed) -> None:
    for mount in service.mounts:
        if mount.kind == "volume" and mount.source not in observed.volumes:
            key = f"{Verb.CREATE_VOLUME} {mount.source}"
            if key not in draft.keys:
                draft.add(Step(Verb.CREATE_VOLUME, mount.source, "missing", service.component))


def _place(
    draft: Draft, spec: StackSpec, service: ServiceSpec, observed: Observed
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
    draft: Draft,
    spec: StackSpec,
    service: ServiceSpec,
    found: ObservedContainer | None,
    observed: Observed,
) -> None:
    name = container_name(spec.name, service.component)
    mended, left = mend(draft, spec, service, found), leave(draft, spec, service, found)
    written = _write(draft, spec, service, found)
    running = found is not None and found.running
    last = (
        _renew(draft, spec, service, found, (*written, *mended), changed=_to_load(service, found, written))
        if found and running
        else (_start(draft, spec, service, found, (*mended, *left, *_holders(service, observed))),)
    )
    join(draft, spec, service, found, observed)
    if last:
        verified = draft.add(
            Step(Verb.VERIFY, name, "answers with the files given", service.component, "", last)
        )
        if written:
            done = f"files {service.files_digest()[:12]} in use"
            draft.add(Step(Verb.RECORD, name, done, service.component, "", (verified,)))


def _create(draft: Draft, spec: StackSpec, service: ServiceSpec, name: str, why: str) -> str:
    after = (
        *(step.key for step in draft.steps if step.verb is Verb.REMOVE and step.target == name),
        f"{Verb.CREATE_NETWORK} {spec.name}",
        *(f"{Verb.CREATE_VOLUME} {mount.source}" for mount in service.mounts),
    )
    return draft.add(Step(Verb.CREATE, name, why, service.component, "", after))


def _replace(draft: Draft, spec: StackSpec, service: ServiceSpec, found: ObservedContainer, why: str) -> None:
    """The new one is there before the old one goes, so that a refused creation leaves the old one running."""
    name = container_name(spec.name, service.component)
    created = _create(draft, spec, service, next_name(name), why)
    removed = remove(draft, found, why, (created,))
    draft.add(Step(Verb.RENAME, name, "in its place", service.component, "", (created, removed)))


def _holders(service: ServiceSpec, observed: Observed) -> tuple[str, ...]:
    """Stops of containers that had the port until now: two components may swap theirs."""
    if service.published is None:
        return ()
    port = str(service.published.host)
    everyone = (*observed.containers, *observed.leftovers)
    holders = (c for c in everyone if c.published.rpartition(":")[2] == port)
    return tuple(f"{Verb.STOP} {c.name}" for c in holders)


def _start(
    draft: Draft,
    spec: StackSpec,
    service: ServiceSpec,
    found: ObservedContainer | None,
    first: tuple[str, ...],
) -> str:
    name = container_name(spec.name, service.component)
    written = f"{Verb.WRITE} {config_volume(spec.name, service.component)}"
    if found is not None and alive(found):
        # The engine would neither go on with a paused one nor cut a pause between two crashes short.
        draft.add(Step(Verb.STOP, name, found.state, service.component, found.id, (written,)))
    needs = [f"{Verb.START} {container_name(spec.name, need)}" for need in service.needs]
    needs += [f"{Verb.VERIFY} {container_name(spec.name, need)}" for need in service.awaits]
    made = (f"{Verb.CREATE} {name}", f"{Verb.RENAME} {name}")
    after = (*made, f"{Verb.STOP} {name}", written, *needs, *first)
    object_id = found.id if found else ""
    return draft.add(Step(Verb.START, name, _down_reason(found), service.component, object_id, after))


def _renew(
    draft: Draft,
    spec: StackSpec,
    service: ServiceSpec,
    found: ObservedContainer,
    first: tuple[str, ...],
    *,
    changed: bool,
) -> tuple[str, ...]:
    """What must be done before a running container can be asked; nothing where it is as it should be."""
    unwell = _unwell(found)
    if not changed and not unwell:
        return first
    verb = Verb.RESTART if unwell or service.reload == "restart" else Verb.RELOAD
    why = unwell or "files changed"
    name = container_name(spec.name, service.component)
    return (draft.add(Step(verb, name, why, service.component, found.id, first)),)


def _to_load(service: ServiceSpec, found: ObservedContainer, written: tuple[str, ...]) -> bool:
    """Whether a process has to read files again that were written; what it watches by itself it has read already."""
    only_watched = same_loaded(found.applied.digest, service.files_digest()) and not found.drift
    unused = found.applied.digest == service.files_digest()
    return bool(written) and (unused or not only_watched)


def _unwell(found: ObservedContainer) -> str:
    """Why a running process is to be restarted; one that the engine keeps starting has a new count from then on."""
    if found.health == "unhealthy":
        return found.health
    return f"ended {found.restarts} times" if found.restarts > 1 and found.health == "starting" else ""


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
    found_ones = differences(service, found)
    if all(one.mild for one in found_ones) and found.running:
        return ""
    return "; ".join(one.words for one in found_ones)


def _down_reason(found: ObservedContainer | None) -> str:
    if found is None:
        return "created"
    if found.state == "created":
        return "created, never started"
    return f"exited with {found.exit_code}" if found.state == "exited" else found.state


def _write(
    draft: Draft, spec: StackSpec, service: ServiceSpec, found: ObservedContainer | None
) -> tuple[str, ...]:
    digest = service.files_digest()
    drift = found.drift if found is not None else ()
    unchanged = found is not None and found.applied.digest == digest and not drift
    if not digest or (found is not None and found.running and unchanged):
        return ()
    volume = config_volume(spec.name, service.component)
    count = len(service.files) + len(service.assets)
    why = "changed" if found is not None and found.applied.version else "new"
    if unchanged:  # whatever became of the volume while nothing ran
        why = "once more"
    elif drift:
        more = f" and {len(drift) - 1} more" if len(drift) > 1 else ""
        why = f"changed in the volume: {drift[0]}{more}"
    name = container_name(spec.name, service.component)
    made = (
        f"{Verb.CREATE_NETWORK} {spec.name}",  # the slowest to answer waits for it; files can wait
        f"{Verb.CREATE} {next_name(name)}",
        f"{Verb.CREATE_VOLUME} {volume}",
    )
    # Folders are looked into in the container of that name, so there must be one all the time.
    looked_into = service.linked or service.exact
    after = (*made, f"{Verb.CREATE} {name}", f"{Verb.RENAME} {name}") if looked_into else made
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
