"""The decision: from what should run and what runs to the steps between them, each with its reason.

Pure: no I/O, no log, no clock. The text of a plan is stable; tests compare it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from stack.model.observed import Observed, ObservedContainer
from stack.model.spec import ServiceSpec, StackSpec, config_volume, container_name


class Verb(StrEnum):
    """What a step does; each is one call of the engine or of a product's API."""

    CREATE_NETWORK = "create network"
    CREATE_VOLUME = "create volume"
    WRITE = "write files"
    CREATE = "create container"
    START = "start"
    RELOAD = "reload"
    RESTART = "restart"
    VERIFY = "verify"
    RECORD = "record"
    STOP = "stop"
    REMOVE = "remove container"
    REMOVE_NETWORK = "remove network"
    REMOVE_VOLUME = "remove volume"


@dataclass(frozen=True, slots=True)
class Step:
    """One call: ``verb`` on ``target`` because of ``why``, once all steps named in ``after`` are done.

    ``component`` is the service concerned, ``subject`` the engine's id where the object exists already.
    """

    verb: Verb
    target: str
    why: str
    component: str = ""
    subject: str = ""
    after: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Identity within a plan."""
        return f"{self.verb} {self.target}"


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in an order in which they could run one after another."""

    name: str
    steps: tuple[Step, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.steps)

    def text(self) -> str:
        """One line a step: verb, target, reason."""
        return "\n".join(f"{s.verb:<16} {s.target:<28} {s.why}" for s in self.steps)

    def touched(self) -> tuple[str, ...]:
        """Components that some step concerns, in order of appearance."""
        return tuple(dict.fromkeys(s.component for s in self.steps if s.component))


@dataclass
class _Draft:
    steps: list[Step] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)

    def add(self, step: Step) -> str:
        kept = tuple(k for k in dict.fromkeys(step.after) if k in self.keys)
        self.steps.append(Step(step.verb, step.target, step.why, step.component, step.subject, kept))
        self.keys.add(step.key)
        return step.key


def reconcile(spec: StackSpec, observed: Observed) -> Plan:
    """The steps that turn ``observed`` into ``spec``; none where they agree."""
    draft = _Draft()
    _clear_surplus(draft, spec, observed)
    wanted = spec.ordered().services
    replaced = _clear_outdated(draft, wanted, observed)
    if wanted and spec.name not in observed.networks:
        draft.add(Step(Verb.CREATE_NETWORK, spec.name, "missing"))
    for service in wanted:
        _provide_volumes(draft, spec, service, observed)
    for service in wanted:
        _converge(draft, spec, service, observed, replaced.get(service.component, ""))
    if spec.surplus == "remove":
        _clear_rest(draft, spec, observed)
    return Plan(spec.name, tuple(draft.steps))


def _clear_surplus(draft: _Draft, spec: StackSpec, observed: Observed) -> None:
    for helper in observed.leftovers:
        draft.add(Step(Verb.REMOVE, helper.name, "left by an interrupted run", subject=helper.id))
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


def _clear_outdated(draft: _Draft, wanted: Iterable[ServiceSpec], observed: Observed) -> dict[str, str]:
    """Before anything starts, so that names and ports are free; component > why it is made anew."""
    replaced = {}
    for service in wanted:
        found = observed.container(service.component)
        if found is not None and (why := _replacement_reason(service, found)):
            _remove(draft, found, why)
            replaced[service.component] = why
    return replaced


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


def _converge(
    draft: _Draft, spec: StackSpec, service: ServiceSpec, observed: Observed, replaced: str
) -> None:
    name = container_name(spec.name, service.component)
    found = None if replaced else observed.container(service.component)
    looks_first = service.linked is not None  # into its volume, through its container
    if found is None and looks_first:
        _create(draft, spec, service, replaced or "missing")
    written = _write(draft, spec, service, found)
    if found is None and not looks_first:
        _create(draft, spec, service, replaced or "missing")
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


def _create(draft: _Draft, spec: StackSpec, service: ServiceSpec, why: str) -> None:
    name = container_name(spec.name, service.component)
    after = (
        f"{Verb.REMOVE} {name}",
        f"{Verb.CREATE_NETWORK} {spec.name}",
        *(f"{Verb.CREATE_VOLUME} {mount.source}" for mount in service.mounts),
    )
    draft.add(Step(Verb.CREATE, name, why, service.component, "", after))


def _holders(service: ServiceSpec, observed: Observed) -> tuple[str, ...]:
    """Stops of containers that had the port until now: two components may swap theirs."""
    if service.published is None:
        return ()
    port = str(service.published.host)
    holders = (c for c in observed.containers if c.published.rpartition(":")[2] == port)
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
    after = (f"{Verb.CREATE} {name}", f"{Verb.STOP} {name}", written, *needs, *first)
    subject = found.id if found else ""
    return draft.add(Step(Verb.START, name, _down_reason(found), service.component, subject, after))


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
    after = (f"{Verb.REMOVE} {name}", f"{Verb.CREATE_VOLUME} {volume}", f"{Verb.CREATE} {name}")
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
