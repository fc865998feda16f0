"""What the API server says of manifests beyond their schema, as far as the exports use it: rules of one object each.

A stand-in for a cluster in tests that take a second; ``scripts/kubernetes-check`` asks Kubernetes' own code.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Json = dict[str, Any]
DNS_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
DNS_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
LABEL_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?")
LABEL_KEY = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?/)?[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"
)
PORT_NAME = re.compile(r"(?=.*[a-z])[a-z0-9](?:[a-z0-9-]{0,13}[a-z0-9])?")
KEY = re.compile(r"(?!\.\.)[-._a-zA-Z0-9]{1,253}")
QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?)(m|Ki|Mi|Gi|Ti|k|M|G|T)?")
UNITS: dict[str, float] = {"m": 1e-3, "": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12} | {
    unit: 1024**power for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti"), 1)
}
VERSIONS = {
    "Namespace": "v1",
    "ServiceAccount": "v1",
    "Service": "v1",
    "ConfigMap": "v1",
    "Pod": "v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "PodDisruptionBudget": "policy/v1",
    "NetworkPolicy": "networking.k8s.io/v1",
}
MIB = 1024 * 1024
SAFE_SYSCTLS = {
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_syncookies",
}


def faults(one: Json, levels: Mapping[str, str]) -> list[str]:
    """What is wrong with an object; ``levels`` are those of Pod Security by namespace."""
    return [*_version(one), *_metadata(one), *_of_kind(one, levels)]


def change_faults(before: Json, after: Json) -> list[str]:
    """What of an object can never be changed, and was."""
    if after["kind"] == "ConfigMap" and before.get("immutable") and _content(before) != _content(after):
        return ["an immutable ConfigMap is changed"]
    if after["kind"] == "StatefulSet":
        fixed = ("volumeClaimTemplates", "selector", "serviceName")
        return [f"{key} is changed" for key in fixed if before["spec"].get(key) != after["spec"].get(key)]
    return []


def _content(one: Json) -> tuple[Any, Any]:
    return one.get("data"), one.get("binaryData")


def quantity(text: object) -> float:
    """The number; ValueError where it is none."""
    found = QUANTITY.fullmatch(str(text))
    if not found:
        raise ValueError(f"{text!r} is no quantity")
    return float(found[1]) * UNITS[found[2] or ""]


def _version(one: Json) -> Iterator[str]:
    if one["kind"] in VERSIONS and VERSIONS[one["kind"]] != one["apiVersion"]:
        yield f"{one['kind']} is no kind of {one['apiVersion']}"


def _metadata(one: Json) -> Iterator[str]:
    meta = one["metadata"]
    form = DNS_LABEL if one["kind"] in ("Service", "Namespace") else DNS_NAME
    if not form.fullmatch(meta["name"]):
        yield f"{meta['name']} is no name"
    for key, value in (meta.get("labels") or {}).items():
        if not LABEL_KEY.fullmatch(key) or not LABEL_VALUE.fullmatch(value):
            yield f"{key}={value} is no label"


def _of_kind(one: Json, levels: Mapping[str, str]) -> Iterator[str]:
    rules: dict[str, Callable[[Json], Iterator[str]]] = {
        "ConfigMap": _config_map,
        "Service": _service,
        "PodDisruptionBudget": _budget,
        "StatefulSet": _workload,
        "DaemonSet": _workload,
        "Pod": lambda pod: _pod(pod["spec"], set()),
    }
    yield from rules.get(one["kind"], _no_rules)(one)
    pod = one["spec"] if one["kind"] == "Pod" else one.get("spec", {}).get("template", {}).get("spec")
    if pod and levels.get(one["metadata"].get("namespace", ""), "restricted") == "restricted":
        yield from _restricted(pod)


def _no_rules(one: Json) -> Iterator[str]:
    del one
    yield from ()


def _config_map(one: Json) -> Iterator[str]:
    data = {**(one.get("data") or {}), **(one.get("binaryData") or {})}
    yield from (f"{key} is no key" for key in data if not KEY.fullmatch(key))
    if sum(len(str(value).encode()) for value in data.values()) > MIB:
        yield "more than 1 MiB"


def _service(one: Json) -> Iterator[str]:
    for port in one["spec"]["ports"]:
        if not PORT_NAME.fullmatch(port["name"]):
            yield f"{port['name']} is no name of a port"


def _budget(one: Json) -> Iterator[str]:
    if ("minAvailable" in one["spec"]) == ("maxUnavailable" in one["spec"]):
        yield "a budget has one bound"


def _workload(one: Json) -> Iterator[str]:
    spec = one["spec"]
    labels = spec["template"]["metadata"]["labels"]
    if not spec["selector"]["matchLabels"].items() <= labels.items():
        yield "the selector does not match the template's labels"
    claims = spec.get("volumeClaimTemplates") or ()
    for claim in claims:
        yield from _quantities(claim["spec"]["resources"]["requests"])
    yield from _pod(spec["template"]["spec"], {claim["metadata"]["name"] for claim in claims})


def _pod(pod: Json, claims: set[str]) -> Iterator[str]:
    volumes = {volume["name"] for volume in pod.get("volumes") or ()} | claims
    yield from (f"{name} is no name of a volume" for name in volumes if not DNS_LABEL.fullmatch(name))
    for container in pod["containers"]:
        mounted = [mount["mountPath"] for mount in container.get("volumeMounts") or ()]
        if len(mounted) != len(set(mounted)):
            yield "a path is mounted twice"
        for mount in container.get("volumeMounts") or ():
            if mount["name"] not in volumes:
                yield f"no volume is called {mount['name']}"
        yield from _ports(container)
        yield from _resources(container["resources"])


def _ports(container: Json) -> Iterator[str]:
    names = {port["name"] for port in container["ports"]}
    yield from (f"{name} is no name of a port" for name in names if not PORT_NAME.fullmatch(name))
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        asked = container[probe].get("httpGet") or container[probe].get("tcpSocket")
        if asked and asked["port"] not in names:
            yield f"{probe} asks a port that is not there: {asked['port']}"


def _quantities(values: Json) -> Iterator[str]:
    for value in values.values():
        try:
            quantity(value)
        except ValueError as error:
            yield str(error)


def _resources(resources: Json) -> Iterator[str]:
    bad = [*_quantities(resources["limits"]), *_quantities(resources["requests"])]
    yield from bad
    for name, wanted in resources["requests"].items() if not bad else ():
        if quantity(wanted) > quantity(resources["limits"].get(name, wanted)):
            yield f"{name}: more is requested than allowed"


def _restricted(pod: Json) -> Iterator[str]:
    """The level 'restricted' of Pod Security, version 1.37, as far as pods of the exports could break it."""
    context = pod.get("securityContext") or {}
    allowed = {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
    for volume in pod.get("volumes") or ():
        yield from (f"restricted: volume of type {kind}" for kind in volume.keys() - {"name"} - allowed)
    yield from (f"restricted: {key}" for key in ("hostNetwork", "hostPID", "hostIPC") if pod.get(key))
    changed = {one["name"] for one in context.get("sysctls") or ()}
    yield from (f"restricted: sysctl {name}" for name in sorted(changed - SAFE_SYSCTLS))
    if context.get("seccompProfile", {}).get("type") not in ("RuntimeDefault", "Localhost"):
        yield "restricted: no seccomp profile"
    if not context.get("runAsNonRoot") or context.get("runAsUser") == 0:
        yield "restricted: may run as root"
    for container in pod["containers"]:
        own = container.get("securityContext") or {}
        if own.get("allowPrivilegeEscalation") is not False or own.get("capabilities", {}).get("drop") != [
            "ALL"
        ]:
            yield "restricted: may gain privileges"
