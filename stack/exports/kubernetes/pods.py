"""How the pods of an export fare, as findings: which is not ready, and why, by what the API server tells. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from stack.checks.model import Finding
from stack.exports.kubernetes.cluster import LOCAL, Cluster, Json, on_each_node, selecting
from stack.model.spec import ServiceSpec, StackSpec

CHECK = "pod"
ALL_RUN = "stack.pods"
STARTING = ("", "ContainerCreating", "PodInitializing")
NO_IMAGE = ("ImagePullBackOff", "ErrImagePull", "ErrImageNeverPull", "InvalidImageName")
ENDED = "CrashLoopBackOff"
KILLED = "OOMKilled"
UNBOUND = "PersistentVolumeClaim"
OFTEN = 4
"""Ends of a container from which on it does not come up by itself."""
SHOWN = 240
"""Characters of a message that stand in a finding."""


class Told(Struct, frozen=True):
    """What the API server tells of an export: its sets, their pods, and warnings about either, as its objects."""

    sets: tuple[Json, ...] = ()
    pods: tuple[Json, ...] = ()
    warnings: tuple[Json, ...] = ()

    def of_set(self, kind: str, name: str, namespace: str) -> Json | None:
        """The set; None where there is none."""
        return next(
            (s for s in self.sets if (s["kind"].lower(), *_place(s)) == (kind, namespace, name)), None
        )

    def of_service(self, spec: StackSpec, service: ServiceSpec, namespace: str) -> list[Json]:
        """The pods of a service."""
        wanted = selecting(spec, service).items()
        return [
            one
            for one in self.pods
            if _place(one)[0] == namespace and wanted <= (one["metadata"].get("labels") or {}).items()
        ]

    def last_warning(self, namespace: str, name: str) -> str:
        """The youngest about an object; empty without any."""
        found = [
            one
            for one in self.warnings
            if (one["involvedObject"].get("namespace"), one["involvedObject"].get("name"))
            == (namespace, name)
        ]
        return str(max(found, key=_when)["message"]) if found else ""


class Fault(Struct, frozen=True):
    """What is wrong with a component, and the remedy. ``passing``: pods that come up are so, it may be over soon."""

    said: str
    hint: str
    passing: bool = False


def faults(spec: StackSpec, cluster: Cluster, told: Told) -> dict[str, Fault]:
    """By component; none of one that has no set there."""
    found = {s.component: _fault(spec, s, cluster.namespace_of(s), told) for s in spec.services}
    return {component: fault for component, fault in found.items() if fault}


def condition(spec: StackSpec, cluster: Cluster, told: Told) -> tuple[Finding, ...]:
    """One finding a component whose pods are at fault, one for all where none is.

    The first one warns of pods that are ready and were not always.
    """
    found = faults(spec, cluster, told)
    warnings = tuple(_remarks(told.pods))
    if not found:
        said = f"{len(told.pods)} pods of {len(told.sets)} sets are ready"
        return (Finding(ALL_RUN, "", "ready", "ok", said, warnings=warnings),)
    return tuple(
        Finding(
            f"{component}.{CHECK}", component, "ready", "failed", fault.said, fault.hint, final=not fault.passing,
            warnings=() if number else warnings,
        )
        for number, (component, fault) in enumerate(found.items())
    )  # fmt: skip


def _fault(spec: StackSpec, service: ServiceSpec, namespace: str, told: Told) -> Fault | None:
    kind = "daemonset" if on_each_node(service) else "statefulset"
    one = told.of_set(kind, service.host, namespace)
    if one is None:
        return None
    if not _counts(one)[0]:
        return _unwanted(kind, f"-n {namespace} {kind}/{service.host}")
    of_pods = (_pod_fault(service, pod, told) for pod in told.of_service(spec, service, namespace))
    return next(filter(None, of_pods), None) or _incomplete(one, told, kind)


def _unwanted(kind: str, place: str) -> Fault:
    """Of a set that is to have no pod at all; ``place`` names it for kubectl."""
    name = place.rpartition(" ")[2]
    if kind == "daemonset":
        return Fault(
            f"{name} has no node that it may run on", f"kubectl describe {place} has its nodeSelector"
        )
    return Fault(f"{name} is scaled to 0", f"kubectl scale {place} --replicas=1")


def _incomplete(one: Json, told: Told, kind: str) -> Fault | None:
    """Of a set whose pods, as far as there are any, are ready."""
    namespace, name = _place(one)
    wanted, ready, updated = _counts(one)
    if ready < wanted:
        why = told.last_warning(namespace, name)
        said = f"{kind}/{name} has {ready} of {wanted} pods ready"
        hint = f"kubectl describe -n {namespace} {kind}/{name} tells more"
        return Fault(f"{said}: {_short(why)}" if why else said, hint, passing=not why)
    seen = one.get("status", {}).get("observedGeneration", 0)
    if updated < wanted or seen < one["metadata"].get("generation", 0):
        hint = f"kubectl rollout status -n {namespace} {kind}/{name}"
        return Fault(f"{kind}/{name} is still being replaced", hint, passing=True)
    return None


def _counts(one: Json) -> tuple[int, int, int]:
    """How many pods a set is to have, has ready, and has of its newest form."""
    status = one.get("status", {})
    if one["kind"] == "DaemonSet":
        names = ("desiredNumberScheduled", "numberReady", "updatedNumberScheduled")
        wanted, ready, updated = (int(status.get(name, 0)) for name in names)
        return wanted, ready, updated
    wanted = int(one.get("spec", {}).get("replicas", 1))
    return wanted, int(status.get("readyReplicas", 0)), int(status.get("updatedReplicas", 0))


def _pod_fault(service: ServiceSpec, pod: Json, told: Told) -> Fault | None:
    namespace, name = _place(pod)
    describe = f"kubectl describe pod -n {namespace} {name} tells more"
    if pod["metadata"].get("deletionTimestamp"):
        return Fault(f"{name} is ending", describe, passing=True)
    conditions = {one["type"]: one for one in pod.get("status", {}).get("conditions", ())}
    if conditions.get("Ready", {}).get("status") == "True":
        return None
    scheduled = conditions.get("PodScheduled", {})
    if scheduled.get("status") == "False":
        return _homeless(name, str(scheduled.get("message", "")), describe)
    container = _container(pod)
    waiting = container.get("state", {}).get("waiting", {})
    reason = str(waiting.get("reason", ""))
    if reason == ENDED or "terminated" in container.get("state", {}):
        return _ending(service, namespace, name, container)
    if reason in STARTING:
        return _starting(name, container, told.last_warning(namespace, name), describe)
    hint = _images(service, describe) if reason in NO_IMAGE else describe
    return Fault(f"{name}: {reason}: {_short(str(waiting.get('message') or reason))}", hint)


def _homeless(name: str, why: str, describe: str) -> Fault:
    hint = (
        "--storage-class names a class that makes volumes: kubectl get storageclass"
        if UNBOUND in why
        else describe
    )
    return Fault(f"{name} has no node: {_short(why)}", hint, passing=True)


def _starting(name: str, container: Json, why: str, describe: str) -> Fault:
    """Of a pod whose container has not ended; ``why`` is the last warning about it."""
    if "running" in container.get("state", {}):
        said = f"{name} runs and is not ready" + (
            f", and {_ended(container)} before" if _end(container) else ""
        )
        return Fault(f"{said}: {_short(why)}" if why else said, describe, passing=True)
    if why and "secret" in why and "not found" in why:
        hint = "export kubernetes prints the command that makes it; apply what it prints, in its order"
        return Fault(f"{name} waits: {_short(why)}", hint)
    return Fault(
        f"{name} is being started: {_short(why)}" if why else f"{name} is being started", describe, True
    )


def _ending(service: ServiceSpec, namespace: str, name: str, container: Json) -> Fault:
    """Of a pod whose container has ended; what needs a service that comes up beside it may do so once or twice."""
    times = int(container.get("restartCount", 0)) + 1
    said, passing = (
        f"{name} {_ended(container)}, {times} time{'s' if times > 1 else ''} so far",
        times < OFTEN,
    )
    if _end(container).get("reason") == KILLED:
        return Fault(
            said, f"[{service.component}.limits] memory gives it more; export and apply again", passing
        )
    return Fault(said, f"kubectl logs -n {namespace} {name} --previous shows why", passing)


def _ended(container: Json) -> str:
    """How its last run ended, in words."""
    end = _end(container)
    return (
        "was killed for memory"
        if end.get("reason") == KILLED
        else f"ended with exit code {end.get('exitCode')}"
    )


def _images(service: ServiceSpec, describe: str) -> str:
    if service.image.startswith(LOCAL):
        return "an image that was built here: push it and export with --registry, or load it on each node"
    return f"do the nodes reach its registry? {describe}"


def _container(pod: Json) -> Json:
    found: Json = next(iter(pod.get("status", {}).get("containerStatuses") or ()), {})
    return found


def _end(container: Mapping[str, Json]) -> Json:
    """How its last run ended; empty where it never did."""
    now: Json = container.get("state", {}).get("terminated") or {}
    return now or (container.get("lastState") or {}).get("terminated") or {}


def _remarks(pods: Iterable[Json]) -> Iterator[str]:
    """What pods that are ready have gone through."""
    for pod in pods:
        container = _container(pod)
        times = int(container.get("restartCount", 0))
        if container.get("ready") and times:
            again = f"{_place(pod)[1]} was started again {times} time{'s' if times > 1 else ''}"
            yield f"{again}: it {_ended(container)}" if _end(container) else again


def _place(one: Json) -> tuple[str, str]:
    return str(one["metadata"].get("namespace", "")), str(one["metadata"]["name"])


def _when(event: Json) -> str:
    """When it happened last, in a form that sorts."""
    series = event.get("series") or {}
    return str(series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime") or "")


def _short(text: str) -> str:
    line = " ".join(str(text).split())
    return line if len(line) <= SHOWN else f"{line[:SHOWN]}..."
