"""What pods that are not ready are told to suffer from; the answers are as a real API server of 1.37 gave them."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from stack.checks.model import Finding
from stack.exports.kubernetes.cluster import Cluster, on_each_node, selecting
from stack.exports.kubernetes.fitting import fitted
from stack.exports.kubernetes.pods import SHOWN, Told, condition
from tests.unit.exports.export_samples import shipped, spec_of

Json = dict[str, Any]
CLUSTER = Cluster()
SPEC = fitted(spec_of(shipped()), CLUSTER)
READY = {"type": "Ready", "status": "True"}
UNREADY = {"type": "Ready", "status": "False", "reason": "ContainersNotReady"}
RUNS = {"state": {"running": {"startedAt": "2026-11-27T05:44:36Z"}}, "lastState": {}, "restartCount": 0}
KILLED = {"exitCode": 137, "reason": "OOMKilled"}
ERROR = {"exitCode": 1, "reason": "Error"}
IMAGE = 'Back-off pulling image "r/alertmanager:x": ErrImagePull: failed to resolve image'
SECRET = 'MountVolume.SetUp failed for volume "secrets" : secret "app-secrets" not found'
CLAIMS = "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found"


def a_set(component: str, **changes: Any) -> Json:
    service = SPEC.service(component)
    metadata = {"name": service.host, "namespace": CLUSTER.namespace_of(service), "generation": 2}
    if on_each_node(service):
        status = {"desiredNumberScheduled": 1, "numberReady": 1, "updatedNumberScheduled": 1}
        return {
            "kind": "DaemonSet",
            "metadata": metadata,
            "status": {**status, "observedGeneration": 2, **changes},
        }
    status = {"readyReplicas": 1, "updatedReplicas": 1, "observedGeneration": 2}
    replicas = changes.pop("replicas", 1)
    return {
        "kind": "StatefulSet",
        "metadata": metadata,
        "spec": {"replicas": replicas},
        "status": {**status, **changes},
    }


def a_pod(component: str, container: Json | None = None, *conditions: Json, **metadata: Any) -> Json:
    service = SPEC.service(component)
    told = {
        "name": f"{service.host}-0",
        "namespace": CLUSTER.namespace_of(service),
        "labels": selecting(SPEC, service),
    }
    statuses = [] if container is None else [container]
    return {
        "metadata": {**told, **metadata},
        "status": {"conditions": [*conditions], "containerStatuses": statuses},
    }


def well(component: str) -> Json:
    return a_pod(component, {**RUNS, "ready": True}, READY)


def waiting(reason: str, message: str = "", **rest: Any) -> Json:
    told = {"reason": reason, **({"message": message} if message else {})}
    return {"ready": False, "restartCount": 0, "lastState": {}, "state": {"waiting": told}, **rest}


def a_warning(name: str, message: str, when: str = "2026-11-27T05:47:58Z", **rest: Any) -> Json:
    return {
        "involvedObject": {"namespace": "monitoring", "name": name},
        "message": message,
        "lastTimestamp": when,
        **rest,
    }


def told(component: str, pod: Json | None, *warnings: Json, **changes: Any) -> Told:
    """All is well but this component: its pod, and what its set counts."""
    others = [s.component for s in SPEC.services if s.component != component]
    counted = {"readyReplicas": 0} if not on_each_node(SPEC.service(component)) else {"numberReady": 0}
    return Told(
        (*map(a_set, others), a_set(component, **{**counted, **changes})),
        (*map(well, others), *([pod] if pod else [])),
        warnings,
    )


def only(found: tuple[Finding, ...]) -> Finding:
    (one,) = found
    return one


def test_pods_that_are_all_ready_are_one_good_finding() -> None:
    names = [s.component for s in SPEC.services]
    found = only(condition(SPEC, CLUSTER, Told(tuple(map(a_set, names)), tuple(map(well, names)))))
    assert (found.check, found.status) == ("stack.pods", "ok")
    assert found.evidence == f"{len(names)} pods of {len(names)} sets are ready"


@pytest.mark.parametrize(
    ("pod", "warnings", "said", "hint", "final"),
    [
        (
            a_pod("app", waiting("ImagePullBackOff", IMAGE), UNREADY),
            (),
            f"app-0: ImagePullBackOff: {IMAGE}",
            "do the nodes reach its registry?",
            True,
        ),
        (
            a_pod("app", waiting("CreateContainerError", "no such file"), UNREADY),
            (),
            "app-0: CreateContainerError: no such file",
            "kubectl describe pod -n monitoring app-0",
            True,
        ),
        (
            a_pod("app", waiting("ContainerCreating"), UNREADY),
            (
                a_warning("app-0", SECRET),
                a_warning("app-0", "older", "2026-11-27T05:44:00Z"),
                a_warning("other", "x", "2027-01-01T00:00:00Z"),
            ),
            f"app-0 waits: {SECRET}",
            "export kubernetes prints the command that makes it",
            True,
        ),
        (
            a_pod("app", waiting("ContainerCreating"), UNREADY),
            (),
            "app-0 is being started",
            "kubectl describe",
            False,
        ),
        (
            a_pod(
                "app",
                waiting("CrashLoopBackOff", "back-off 20s", restartCount=3, lastState={"terminated": ERROR}),
                UNREADY,
            ),
            (),
            "app-0 ended with exit code 1, 4 times so far",
            "kubectl logs -n monitoring app-0 --previous",
            True,
        ),
        (
            a_pod("app", {"ready": False, "restartCount": 0, "state": {"terminated": ERROR}}, UNREADY),
            (),
            "app-0 ended with exit code 1, 1 time so far",
            "--previous",
            False,
        ),
        (
            a_pod(
                "app",
                waiting("CrashLoopBackOff", "back-off", restartCount=5, lastState={"terminated": KILLED}),
                UNREADY,
            ),
            (),
            "app-0 was killed for memory, 6 times so far",
            "[app.limits] memory",
            True,
        ),
        (
            a_pod("app", {**RUNS, "ready": False}, UNREADY),
            (a_warning("app-0", "Readiness probe failed:\n  HTTP 503"),),
            "app-0 runs and is not ready: Readiness probe failed: HTTP 503",
            "kubectl describe",
            False,
        ),
        (
            a_pod(
                "app",
                {**RUNS, "ready": False, "restartCount": 1, "lastState": {"terminated": ERROR}},
                UNREADY,
            ),
            (),
            "app-0 runs and is not ready, and ended with exit code 1 before",
            "kubectl describe",
            False,
        ),
        (
            a_pod("app", None, {"type": "PodScheduled", "status": "False", "message": CLAIMS}),
            (),
            f"app-0 has no node: {CLAIMS}",
            "--storage-class",
            False,
        ),
        (
            a_pod(
                "app", None, {"type": "PodScheduled", "status": "False", "message": "1 Insufficient memory."}
            ),
            (),
            "app-0 has no node: 1 Insufficient memory.",
            "kubectl describe pod",
            False,
        ),
        (
            a_pod("app", {**RUNS, "ready": True}, READY, deletionTimestamp="2026-11-27T05:44:36Z"),
            (),
            "app-0 is ending",
            "kubectl describe pod",
            False,
        ),
        (
            None,
            (a_warning("app", "create Pod app-0 failed: violates PodSecurity"),),
            "statefulset/app has 0 of 1 pods ready: create Pod app-0 failed: violates PodSecurity",
            "kubectl describe -n monitoring statefulset/app",
            True,
        ),
        (None, (), "statefulset/app has 0 of 1 pods ready", "kubectl describe", False),
    ],
)
def test_a_pod_that_is_not_ready_is_told_with_the_cause(
    pod: Json | None, warnings: tuple[Json, ...], said: str, hint: str, final: bool
) -> None:
    found = only(condition(SPEC, CLUSTER, told("app", pod, *warnings)))
    assert (found.check, found.component, found.stage, found.status) == ("app.pod", "app", "ready", "failed")
    assert found.evidence == said
    assert hint in found.hint
    assert found.final is final


def test_an_image_that_was_built_here_has_another_remedy() -> None:
    local = replace(SPEC.service("app"), image="monitoring-stack/app:local")
    spec = replace(SPEC, services=tuple(local if s.component == "app" else s for s in SPEC.services))
    pod = a_pod("app", waiting("ErrImagePull", "not found"), UNREADY)
    assert "export with --registry" in only(condition(spec, CLUSTER, told("app", pod))).hint


def test_what_is_scaled_to_nothing_is_told_with_the_command_that_brings_it_back() -> None:
    found = only(condition(SPEC, CLUSTER, told("alertmanager", None, replicas=0)))
    assert found.evidence == "statefulset/alertmanager is scaled to 0"
    assert found.hint == "kubectl scale -n monitoring statefulset/alertmanager --replicas=1"


def test_a_set_for_each_node_needs_one_and_all_of_them() -> None:
    found = only(condition(SPEC, CLUSTER, told("node_exporter", None, desiredNumberScheduled=0)))
    assert found.evidence == "daemonset/node-exporter has no node that it may run on"
    ready = told("node_exporter", well("node_exporter"), desiredNumberScheduled=3, numberReady=1)
    assert only(condition(SPEC, CLUSTER, ready)).evidence == "daemonset/node-exporter has 1 of 3 pods ready"


@pytest.mark.parametrize("changes", [{"updatedReplicas": 0}, {"observedGeneration": 1}])
def test_a_roll_out_on_its_way_is_waited_for(changes: Json) -> None:
    found = only(condition(SPEC, CLUSTER, told("app", well("app"), **{"readyReplicas": 1, **changes})))
    assert found.evidence == "statefulset/app is still being replaced"
    assert not found.final


def test_pods_that_were_started_again_are_warned_of_once() -> None:
    again = {**RUNS, "ready": True, "restartCount": 2, "lastState": {"terminated": KILLED}}
    found = only(condition(SPEC, CLUSTER, told("app", a_pod("app", again, READY), readyReplicas=1)))
    assert found.warnings == ("app-0 was started again 2 times: it was killed for memory",)
    lost = replace(
        told("app", a_pod("app", again, READY), readyReplicas=1),
        sets=tuple(
            a_set(s.component, **({"replicas": 0} if s.component in ("grafana", "prometheus") else {}))
            for s in SPEC.services
        ),
    )
    assert [len(one.warnings) for one in condition(SPEC, CLUSTER, lost)] == [1, 0]


def test_a_set_that_is_not_there_is_nobodys_fault() -> None:
    there = told("app", well("app"), readyReplicas=1)
    fewer = replace(there, sets=tuple(s for s in there.sets if s["metadata"]["name"] != "grafana"))
    assert only(condition(SPEC, CLUSTER, fewer)).status == "ok"


def test_a_long_message_is_cut() -> None:
    pod = a_pod("app", waiting("ErrImagePull", "x" * 1000), UNREADY)
    assert len(only(condition(SPEC, CLUSTER, told("app", pod))).evidence) < SHOWN + 40
