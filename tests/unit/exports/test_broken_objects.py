"""Broken objects, each caught by the stage that is named, since a stage that passes everything is none."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.kubernetes_models import model_faults
from tests.kubernetes_rules import change_faults, faults
from tests.unit.exports.crds import schema_faults, sound
from tests.unit.exports.export_samples import for_operator, full, objects, on_kubernetes

Json = dict[str, Any]
BUILD = full()
CORE, OPERATOR = objects(on_kubernetes(BUILD).files), objects(for_operator(BUILD).files)
LEVELS = {"monitoring": "restricted", "monitoring-node": "privileged"}


def stage(name: str, before: Json, after: Json) -> list[str]:
    found: list[str] = {
        "models": lambda: model_faults(after),
        "rules": lambda: faults(after, LEVELS),
        "change": lambda: change_faults(before, after),
        "schema": lambda: schema_faults(after),
        "webhook": lambda: sound(after),
    }[name]()
    return found


def pod(one: Json) -> Json:
    found: Json = one["spec"]["template"]["spec"]
    return found


def box(one: Json) -> Json:
    found: Json = pod(one)["containers"][0]
    return found


BROKEN: dict[str, tuple[str, str, Callable[[Json], Any]]] = {
    "unknown field": ("StatefulSet", "models", lambda d: box(d).update(readOnlyRootFilesystem=True)),
    "wrong type": ("StatefulSet", "models", lambda d: d["spec"].update(replicas="1")),
    "mount without volume": (
        "StatefulSet",
        "rules",
        lambda d: box(d)["volumeMounts"].append({"name": "no", "mountPath": "/x"}),
    ),
    "selector that does not match": (
        "StatefulSet",
        "rules",
        lambda d: d["spec"]["selector"]["matchLabels"].update(x="y"),
    ),
    "sysctl that is not safe": (
        "StatefulSet",
        "rules",
        lambda d: pod(d)["securityContext"].update(sysctls=[{"name": "kernel.panic", "value": "1"}]),
    ),
    "port name too long": ("Service", "rules", lambda d: d["spec"]["ports"][0].update(name="a" * 16)),
    "probe on an unknown port": (
        "StatefulSet",
        "rules",
        lambda d: box(d)["readinessProbe"]["httpGet"].update(port="web"),
    ),
    "label with a space": ("Service", "rules", lambda d: d["metadata"]["labels"].update({"a/b": "not ok"})),
    "underscore in a name": ("Service", "rules", lambda d: d["metadata"].update(name="node_exporter")),
    "request above limit": (
        "StatefulSet",
        "rules",
        lambda d: box(d)["resources"]["requests"].update(memory="9Gi"),
    ),
    "bad quantity": ("StatefulSet", "rules", lambda d: box(d)["resources"]["limits"].update(memory="384MB")),
    "bad size of a claim": (
        "StatefulSet",
        "rules",
        lambda d: d["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"].update(
            storage="10GB"
        ),
    ),
    "immutable map changed": (
        "ConfigMap",
        "change",
        lambda d: d["data"].update({next(iter(d["data"])): "another"}),
    ),
    "map above 1 MiB": ("ConfigMap", "rules", lambda d: d.update(data={"a": "x" * 1_100_000})),
    "key with a slash": ("ConfigMap", "rules", lambda d: d.update(data={"rules/a.yml": "x"})),
    "claim changed": (
        "StatefulSet",
        "change",
        lambda d: d["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"].update(storage="9Gi"),
    ),
    "host folder in restricted": (
        "DaemonSet",
        "rules",
        lambda d: d["metadata"].update(namespace="monitoring"),
    ),
    "no seccomp profile": ("StatefulSet", "rules", lambda d: pod(d)["securityContext"].pop("seccompProfile")),
    "may gain privileges": (
        "StatefulSet",
        "rules",
        lambda d: box(d)["securityContext"].update(allowPrivilegeEscalation=True),
    ),
    "removed version": ("PodDisruptionBudget", "rules", lambda d: d.update(apiVersion="policy/v1beta1")),
    "budget with two bounds": ("PodDisruptionBudget", "rules", lambda d: d["spec"].update(minAvailable=1)),
    "path mounted twice": (
        "StatefulSet",
        "rules",
        lambda d: box(d)["volumeMounts"].append(box(d)["volumeMounts"][0]),
    ),
    "bad expression": (
        "PrometheusRule",
        "webhook",
        lambda d: d["spec"]["groups"][0]["rules"][0].update(expr="sum("),
    ),
    "bad duration": ("PrometheusRule", "schema", lambda d: d["spec"]["groups"][0].update(interval="fast")),
    "unknown field of a group": (
        "PrometheusRule",
        "schema",
        lambda d: d["spec"]["groups"][0].update(intervall="5s"),
    ),
    "timeout above interval": (
        "ServiceMonitor",
        "webhook",
        lambda d: d["spec"]["endpoints"][0].update(scrapeTimeout="60s"),
    ),
    "no such receiver": (
        "AlertmanagerConfig",
        "webhook",
        lambda d: d["spec"]["route"].update(receiver="none"),
    ),
    "label twice": ("AlertmanagerConfig", "webhook", lambda d: d["spec"]["route"].update(groupBy=["a", "a"])),
    "typing error below": (
        "AlertmanagerConfig",
        "webhook",
        lambda d: d["spec"]["route"]["routes"][0].update(group_wait="1s"),
    ),
    "secret as a value": (
        "AlertmanagerConfig",
        "schema",
        lambda d: d["spec"]["receivers"][0]["slackConfigs"][0].update(apiURL="https://hooks.example/x"),
    ),
    "unknown option of a job": ("ScrapeConfig", "schema", lambda d: d["spec"].update(metrics_path="/m")),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_object_is_caught(name: str) -> None:
    kind, by, breaking = BROKEN[name]
    sound_one = next(one for one in (*CORE, *OPERATOR) if _fits(one, kind))
    broken = copy.deepcopy(sound_one)
    breaking(broken)
    assert stage(by, sound_one, sound_one) == []
    assert stage(by, sound_one, broken) != []


def _fits(one: Json, kind: str) -> bool:
    return bool(one["kind"] == kind and (kind != "StatefulSet" or one["metadata"]["name"] == "prometheus"))


@pytest.mark.parametrize("one", CORE, ids=lambda one: f"{one['kind']}/{one['metadata']['name']}")
def test_every_object_is_one_of_kubernetes_models(one: Json) -> None:
    assert model_faults(one) == []
