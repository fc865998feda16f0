"""Where the objects go, what they are called and labelled, and what all of them have. Values and small helpers."""

from __future__ import annotations

import re
from typing import Any

from msgspec import Struct

from stack.model.spec import NAMESPACE, ServiceSpec, StackSpec

Json = dict[str, Any]
LABEL_VALUE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
STORAGE = "10Gi"
FILES_LABEL = f"{NAMESPACE}/files"
"""The label of ConfigMaps that says which export they belong to: what has another value is of an earlier one."""
LOCAL = f"{NAMESPACE}/"
"""Begins the names of images that were built on this machine: no registry has them."""


class Cluster(Struct, frozen=True):
    """The namespace, the class (empty: the cluster's default) and size of claims, and the registry of own images."""

    namespace: str = "monitoring"
    storage_class: str = ""
    storage: str = STORAGE
    registry: str = ""

    @property
    def node_namespace(self) -> str:
        """That of what mounts folders of its node: even the baseline of Pod Security forbids it."""
        return f"{self.namespace}-node"

    def namespace_of(self, service: ServiceSpec) -> str:
        """Where a service runs."""
        return self.node_namespace if on_each_node(service) else self.namespace

    def image(self, ref: str) -> str:
        """The image as nodes find it."""
        return f"{self.registry}/{ref}" if self.registry and ref.startswith(LOCAL) else ref


def on_each_node(service: ServiceSpec) -> bool:
    """Whether it shows its own node, by the folders that it mounts."""
    return any(mount.kind == "bind" for mount in service.mounts)


def selecting(spec: StackSpec, service: ServiceSpec) -> Json:
    """The labels that a service's pods are found by; they never change."""
    return {"app.kubernetes.io/name": service.host, "app.kubernetes.io/instance": spec.name}


def labels(spec: StackSpec, service: ServiceSpec) -> Json:
    """The labels of everything about one service, by the recommendation of Kubernetes."""
    return {
        **selecting(spec, service),
        "app.kubernetes.io/version": version_of(service.image),
        "app.kubernetes.io/component": service.kind.replace("_", "-"),
        "app.kubernetes.io/part-of": NAMESPACE,
        "app.kubernetes.io/managed-by": NAMESPACE,
    }


def common_labels(spec: StackSpec) -> Json:
    """The labels of what belongs to no service alone."""
    return {
        "app.kubernetes.io/instance": spec.name,
        "app.kubernetes.io/part-of": NAMESPACE,
        "app.kubernetes.io/managed-by": NAMESPACE,
    }


def version_of(image: str) -> str:
    """The tag of an image, as far as a label can say it."""
    tag = image.rpartition("/")[2].partition("@")[0].partition(":")[2]
    return tag if LABEL_VALUE.fullmatch(tag) else "unknown"


def made(kind: str, name: str, namespace: str, told: Json, **rest: Any) -> Json:
    """One object; ``kind`` is written as ``VERSION/KIND``, ``told`` are its labels, an empty namespace is none."""
    version, _, word = kind.rpartition("/")
    metadata = {"name": name, **({"namespace": namespace} if namespace else {}), "labels": told}
    return {"apiVersion": version, "kind": word, "metadata": metadata, **rest}
