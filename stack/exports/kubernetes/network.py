"""Who may talk to whom: nobody, but those who have to, by NetworkPolicies. Pure.

They hold where the cluster's network enforces them; some do not, and say nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from stack.exports.kubernetes.cluster import (
    Cluster,
    Json,
    common_labels,
    labels,
    made,
    on_each_node,
    selecting,
)
from stack.model.spec import ServiceSpec, StackSpec

POLICY = "networking.k8s.io/v1/NetworkPolicy"
BOTH = ["Ingress", "Egress"]
NAMESPACE_LABEL = "kubernetes.io/metadata.name"
DNS_PORTS = [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]
NODE_LOCAL_DNS = "169.254.20.10/32"
"""Where the cache of the cluster's DNS on each node listens, in clusters that have one."""


def policies(
    spec: StackSpec, cluster: Cluster, talks: Mapping[str, Collection[str]], outwards: Collection[str]
) -> list[Json]:
    """All of them. ``talks``: whom each component asks; ``outwards``: components that ask anybody outside, too."""
    told = common_labels(spec)
    nobody = {"podSelector": {}, "policyTypes": BOTH}
    names = sorted({cluster.namespace_of(service) for service in spec.services})
    found = [made(POLICY, "default-deny", name, told, spec=nobody) for name in names]
    found.append(made(POLICY, "dns", cluster.namespace, told, spec=_dns()))
    by_name = {service.component: service for service in spec.services}
    return found + [
        made(
            POLICY,
            service.host,
            cluster.namespace_of(service),
            labels(spec, service),
            spec=_policy(
                spec, service, cluster, _around(service, by_name, talks), service.component in outwards
            ),
        )
        for service in spec.services
    ]


def _dns() -> Json:
    servers = [
        {"namespaceSelector": {"matchLabels": {NAMESPACE_LABEL: "kube-system"}}},
        {"ipBlock": {"cidr": NODE_LOCAL_DNS}},
    ]
    return {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": servers, "ports": DNS_PORTS}]}


def _around(
    service: ServiceSpec, by_name: Mapping[str, ServiceSpec], talks: Mapping[str, Collection[str]]
) -> tuple[list[ServiceSpec], list[ServiceSpec]]:
    """Who asks it, and whom it asks."""
    name = service.component
    callers = [by_name[one] for one in sorted(talks) if name in talks[one] and one in by_name and one != name]
    asked = [by_name[one] for one in sorted(talks.get(name, ())) if one in by_name and one != name]
    return callers, asked


def _policy(
    spec: StackSpec,
    service: ServiceSpec,
    cluster: Cluster,
    around: tuple[list[ServiceSpec], list[ServiceSpec]],
    outwards: bool,
) -> Json:
    callers, asked = around
    told: Json = {"podSelector": {"matchLabels": selecting(spec, service)}, "policyTypes": BOTH}
    home = cluster.namespace_of(service)
    if callers:
        peers = [_peer(spec, one, cluster, home) for one in callers]
        told["ingress"] = [{"from": peers, "ports": [{"protocol": "TCP", "port": service.port}]}]
    egress: list[Json] = [
        {"to": [_peer(spec, one, cluster, home)], "ports": [{"protocol": "TCP", "port": one.port}]}
        for one in asked
    ]
    egress += [{}] if outwards else []
    return {**told, **({"egress": egress} if egress else {})}


def _peer(spec: StackSpec, service: ServiceSpec, cluster: Cluster, home: str) -> Json:
    pods = {"podSelector": {"matchLabels": selecting(spec, service)}}
    place = cluster.namespace_of(service)
    return pods if place == home else {"namespaceSelector": {"matchLabels": {NAMESPACE_LABEL: place}}, **pods}


def namespaces(spec: StackSpec, cluster: Cluster) -> list[Json]:
    """The namespaces, with the level of Pod Security that their pods keep."""
    names = {cluster.namespace: "restricted"}
    if any(on_each_node(service) for service in spec.services):
        names[cluster.node_namespace] = "privileged"
    found = []
    for name, level in names.items():
        levels = {f"pod-security.kubernetes.io/{mode}": level for mode in ("enforce", "audit", "warn")}
        told = {**common_labels(spec), **levels, "pod-security.kubernetes.io/enforce-version": "latest"}
        found.append(made("v1/Namespace", name, "", told))
    return found
