"""One service as objects: account, ConfigMaps, Service, and what runs its pods. Pure.

What keeps data is a StatefulSet with a claim, and so is all else, since there is one of each; what shows its node is a
DaemonSet. Hardened as the containers of an engine are: the level ``restricted`` of Pod Security holds.
"""

from __future__ import annotations

from collections.abc import Iterable

from stack.exports.files import Placed
from stack.exports.kubernetes.cluster import (
    FILES_LABEL,
    LOCAL,
    Cluster,
    Json,
    labels,
    made,
    on_each_node,
    selecting,
)
from stack.exports.kubernetes.config_maps import Folder, folders
from stack.exports.kubernetes.probes import port_name, probes
from stack.model.spec import CONFIG_ROOT, Mount, ServiceSpec, StackSpec

MIB = 1024 * 1024
SMALL = ("alertmanager", "grafana")
"""What keeps little, whatever it watches."""
SMALL_STORAGE = "1Gi"
GRACE = 30
"""Seconds to end in, at least: the time in which a node is drained is nobody's hurry."""
REQUESTED_CPU = "50m"
PINGING = ("blackbox",)
PINGS = {"name": "net.ipv4.ping_group_range", "value": "0 65535"}
"""Whoever runs in the pod may send pings; some runtimes let nobody. One of the few that Pod Security takes for safe."""


class Workload:
    """The objects of one service, for one cluster. ``read`` are its plain files and its private ones."""

    def __init__(
        self,
        spec: StackSpec,
        service: ServiceSpec,
        cluster: Cluster,
        read: tuple[Iterable[Placed], Iterable[Placed]],
    ) -> None:
        self.spec, self.service, self.cluster = spec, service, cluster
        self.labels = labels(spec, service)
        self.namespace = cluster.namespace_of(service)
        self.folders: tuple[Folder, ...] = folders(service.host, *read)

    def config_maps(self, digest: str) -> list[Json]:
        """The ConfigMaps of the export that ``digest`` identifies."""
        told = {**self.labels, FILES_LABEL: digest}
        return [
            self._made("v1/ConfigMap", one.name, told, immutable=True, **one.data)
            for folder in self.folders
            for one in folder.maps
        ]

    def objects(self) -> list[Json]:
        """All others."""
        account = self._made("v1/ServiceAccount", self.service.host, automountServiceAccountToken=False)
        found = [account, self._service()]
        return [*found, self._daemon_set()] if on_each_node(self.service) else [*found, *self._stateful_set()]

    def _made(self, kind: str, name: str, told: Json | None = None, **rest: object) -> Json:
        return made(kind, name, self.namespace, told or self.labels, **rest)

    def _service(self) -> Json:
        name = port_name(self.service)
        port = {"name": name, "port": self.service.port, "targetPort": name, "protocol": "TCP"}
        kind = {"clusterIP": "None"} if on_each_node(self.service) else {"type": "ClusterIP"}
        selector = selecting(self.spec, self.service)
        return self._made(
            "v1/Service", self.service.host, spec={**kind, "selector": selector, "ports": [port]}
        )

    def _stateful_set(self) -> list[Json]:
        host, selector = self.service.host, {"matchLabels": selecting(self.spec, self.service)}
        told: Json = {"serviceName": host, "replicas": 1, "selector": selector, "template": self._template()}
        if claims := self._claims():
            told["volumeClaimTemplates"] = claims
            told["persistentVolumeClaimRetentionPolicy"] = {"whenDeleted": "Retain", "whenScaled": "Retain"}
        budget = {"maxUnavailable": 1, "selector": selector, "unhealthyPodEvictionPolicy": "AlwaysAllow"}
        return [
            self._made("apps/v1/StatefulSet", host, spec=told),
            self._made("policy/v1/PodDisruptionBudget", host, spec=budget),
        ]

    def _daemon_set(self) -> Json:
        told = {
            "selector": {"matchLabels": selecting(self.spec, self.service)},
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "10%"}},
            "template": self._template(),
        }
        return self._made("apps/v1/DaemonSet", self.service.host, spec=told)

    def _claims(self) -> list[Json]:
        size = SMALL_STORAGE if self.service.kind in SMALL else self.cluster.storage
        told: Json = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
        if self.cluster.storage_class:
            told["storageClassName"] = self.cluster.storage_class
        metadata = {"name": "data", "labels": selecting(self.spec, self.service)}
        claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": told}
        return [claim] if any(_is_data(mount) for mount in self.service.mounts) else []

    def _template(self) -> Json:
        annotations = {"kubectl.kubernetes.io/default-container": self.service.host}
        return {"metadata": {"labels": self.labels, "annotations": annotations}, "spec": self._pod()}

    def _pod(self) -> Json:
        service = self.service
        uid, gid = (int(number) for number in service.user.split(":"))
        told: Json = {
            "serviceAccountName": service.host,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,  # a Service named prometheus would set PROMETHEUS_PORT
            "terminationGracePeriodSeconds": max(GRACE, service.stop_seconds),
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": uid,
                "runAsGroup": gid,
                "fsGroup": gid or uid,
                "fsGroupChangePolicy": "OnRootMismatch",
                "seccompProfile": {"type": "RuntimeDefault"},
                **({"sysctls": [PINGS]} if service.kind in PINGING else {}),
            },
        }
        if on_each_node(service):
            told |= {"nodeSelector": {"kubernetes.io/os": "linux"}, "tolerations": [{"operator": "Exists"}]}
        told["containers"] = [self._container()]
        volumes = [*(f.volume for f in self.folders), *(v for m in service.mounts if (v := _volume(m)))]
        return {**told, **({"volumes": volumes} if volumes else {})}

    def _container(self) -> Json:
        service = self.service
        fresh = bool(self.cluster.registry) and service.image.startswith(LOCAL)
        told: Json = {
            "name": service.host,
            "image": self.cluster.image(service.image),
            "imagePullPolicy": "Always" if fresh else "IfNotPresent",
            "command": list(service.entrypoint),
            "args": [_literal(word) for word in service.command],
            "env": [{"name": name, "value": _literal(value)} for name, value in service.environment],
            "ports": [{"name": port_name(service), "containerPort": service.port, "protocol": "TCP"}],
            **probes(service),
            "resources": self._resources(),
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            },
            "volumeMounts": [
                *(f.mount for f in self.folders),
                *(m for one in service.mounts if (m := _mounted(one))),
            ],
        }
        return {key: value for key, value in told.items() if value != []}

    def _resources(self) -> Json:
        limits = self.service.limits
        return {
            "requests": {"cpu": REQUESTED_CPU, "memory": f"{limits.memory // MIB // 4}Mi"},
            "limits": {"cpu": f"{limits.cpus:g}", "memory": f"{limits.memory // MIB}Mi"},
        }


def _literal(word: str) -> str:
    """Kubernetes puts variables in for ``$(NAME)``."""
    return word.replace("$(", "$$(")


def _is_data(mount: Mount) -> bool:
    return mount.kind == "volume" and mount.target != CONFIG_ROOT


def _name(mount: Mount) -> str:
    if _is_data(mount):
        return "data"
    kind, path = ("host", mount.source) if mount.kind == "bind" else ("scratch", mount.target)
    return f"{kind}-{path.strip('/').replace('/', '-').replace('_', '-') or 'root'}"


def _volume(mount: Mount) -> Json | None:
    """A volume of the pod; None where a claim, or the files, are it."""
    if mount.kind == "bind":
        return {"name": _name(mount), "hostPath": {"path": mount.source}}
    if mount.kind == "tmpfs":
        return {"name": _name(mount), "emptyDir": {"medium": "Memory", "sizeLimit": f"{mount.size // MIB}Mi"}}
    return None


def _mounted(mount: Mount) -> Json | None:
    if mount.kind == "volume" and not _is_data(mount):
        return None
    return {
        "name": _name(mount),
        "mountPath": mount.target,
        **({"readOnly": True} if mount.read_only else {}),
    }
