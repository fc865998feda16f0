"""NetworkPolicies, enforced on the node as a cluster's network does: the bridge of the node by itself lets all pass.

Read from the API server, written as rules of iptables each time that pods or policies have changed. The stand-in for
DNS counts as what runs in kube-system. Knows what the exports use, and ends with a ValueError at any other selector.
"""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator, Mapping
from ipaddress import ip_address, ip_network
from typing import Any

from msgspec import Struct

from tests.kubernetes_node.conf import ADDRESS, PODS
from tests.kubernetes_node.node import Node

Json = dict[str, Any]
EVERY = 0.5
DNS = 53
DENIED = "DENIED"


class End(Struct, frozen=True):
    """One end of a connection: an address, and what selectors see of it."""

    address: str
    name: str
    namespace: str
    labels: Mapping[str, str]
    ports: tuple[int, ...] = ()


class Policies(threading.Thread):
    """Keeps the rules of the node's network as the policies say, until it is stopped."""

    def __init__(self, node: Node) -> None:
        super().__init__(name="policies", daemon=True)
        self.node, self.ending = node, threading.Event()
        self.written = self.failure = ""

    def run(self) -> None:
        """Looks twice a second; a failure is kept for whoever stops it."""
        self.node.shell("sysctl -qw net.bridge.bridge-nf-call-iptables=1")
        while not self.ending.wait(EVERY):
            try:
                self._look()
            except (KeyError, ValueError, SystemExit) as error:
                self.failure = repr(error)
                return

    def stop(self) -> None:
        """Ends it; SystemExit where it has failed before."""
        self.ending.set()
        self.join()
        if self.failure:
            raise SystemExit(f"policies: {self.failure}")

    def denied(self) -> str:
        """Packets that were not let through since the pods changed last, by who sent them."""
        listed = self.node.shell(f"iptables -nvxL {DENIED}")
        rows = [line.split() for line in listed.splitlines()[2:]]
        return ", ".join(f"{row[-2]} {row[0]}" for row in rows if row[0] != "0" and "/*" in row) or "none"

    def _look(self) -> None:
        told = json.loads(self.node.kubectl("get", "pods,networkpolicies", "-A", "-o", "json"))["items"]
        text = rules([one for one in told if one["kind"] == "Pod"], [o for o in told if o["kind"] != "Pod"])
        if text == self.written:
            return
        argv = (*self.node.inside, "iptables-restore", "--noflush")
        done = subprocess.run(argv, input=text, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ValueError(done.stderr)
        if not self.written:
            for chain in ("FORWARD", "INPUT"):
                self.node.shell(f"iptables -I {chain} -j POLICIES")
        self.written = text


def rules(pods: list[Json], policies: list[Json]) -> str:
    """What iptables-restore reads."""
    known = [_end(pod) for pod in pods if pod["status"].get("podIP")]
    dns = End(ADDRESS, "dns", "kube-system", {}, (DNS,))
    lines = ["*filter", ":POLICIES - [0:0]", f":{DENIED} - [0:0]"]
    lines.append("-A POLICIES -m conntrack --ctstate ESTABLISHED,RELATED -j RETURN")
    for source in known:
        for target in (*known, dns):
            for port in target.ports:
                if source != target and _passes(policies, source, target, port):
                    for protocol in ("tcp", "udp") if port == DNS else ("tcp",):
                        ends = f"-s {source.address} -d {target.address} -p {protocol} --dport {port}"
                        lines.append(f"-A POLICIES {ends} -j RETURN")
        if _anywhere(policies, source):
            lines.append(f"-A POLICIES -s {source.address} ! -d {PODS} -j RETURN")
    lines += [f"-A POLICIES -s {PODS} -j {DENIED}", f"-A POLICIES ! -s {ADDRESS} -d {PODS} -j {DENIED}"]
    lines += [f"-A {DENIED} -s {one.address} -m comment --comment {one.name} -j DROP" for one in known]
    return "\n".join([*lines, f"-A {DENIED} -j DROP", "COMMIT", ""])


def _end(pod: Json) -> End:
    metadata = pod["metadata"]
    ports = [p["containerPort"] for c in pod["spec"]["containers"] for p in c.get("ports", ())]
    return End(
        pod["status"]["podIP"], metadata["name"], metadata["namespace"], metadata["labels"], tuple(ports)
    )


def _passes(policies: list[Json], source: End, target: End, port: int) -> bool:
    """Whether both ends let it through; an end that no policy selects lets all through."""
    leaves = [rule for one in _about(policies, source, "Egress") for rule in one["spec"].get("egress", ())]
    enters = [rule for one in _about(policies, target, "Ingress") for rule in one["spec"].get("ingress", ())]
    out = not any(_about(policies, source, "Egress")) or any(
        _lets(rule, "to", source.namespace, target, port) for rule in leaves
    )
    into = not any(_about(policies, target, "Ingress")) or any(
        _lets(rule, "from", target.namespace, source, port) for rule in enters
    )
    return out and into


def _anywhere(policies: list[Json], source: End) -> bool:
    """Whether it may ask everybody outside the cluster."""
    mine = list(_about(policies, source, "Egress"))
    return not mine or any("to" not in rule for one in mine for rule in one["spec"].get("egress", ()))


def _about(policies: list[Json], end: End, kind: str) -> Iterator[Json]:
    """The policies that select it, in one direction."""
    for one in policies:
        here = one["metadata"]["namespace"] == end.namespace and kind in one["spec"]["policyTypes"]
        if here and _selects(one["spec"]["podSelector"], end.labels):
            yield one


def _lets(rule: Json, key: str, home: str, other: End, port: int) -> bool:
    """``home``: the namespace of the policy."""
    ports = rule.get("ports")
    return (ports is None or any(one["port"] == port for one in ports)) and (
        key not in rule or any(_is(peer, home, other) for peer in rule[key])
    )


def _is(peer: Json, home: str, other: End) -> bool:
    if "ipBlock" in peer:
        return ip_address(other.address) in ip_network(peer["ipBlock"]["cidr"])
    if "namespaceSelector" not in peer:
        return other.namespace == home and _selects(peer["podSelector"], other.labels)
    place = {"kubernetes.io/metadata.name": other.namespace}
    return _selects(peer["namespaceSelector"], place) and _selects(peer.get("podSelector", {}), other.labels)


def _selects(selector: Json, labels: Mapping[str, str]) -> bool:
    if selector.keys() - {"matchLabels"}:
        raise ValueError(f"a selector with more than labels: {selector}")
    wanted: Mapping[str, str] = selector.get("matchLabels", {})
    return wanted.items() <= labels.items()
