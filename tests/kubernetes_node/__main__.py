"""The whole export on a real node: applied, ready, proven, a changed rule, objects of the operator, a drained node.

    python -m tests.kubernetes_node

Needs root, Go, gcc, iptables, runc and an engine. Says how long each step took; all of it goes at the end.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping

from stack.exports.yaml_out import documents
from tests.kubernetes_node.commands import Stack
from tests.kubernetes_node.conf import NAME
from tests.kubernetes_node.definitions import for_operator
from tests.kubernetes_node.node import Node
from tests.kubernetes_node.parts import ROOT, images, say

FOLDER = ROOT / ".stack/kubernetes-node"
KEEPING = ("prometheus", "alertmanager", "grafana", "app")
RULE = "groups:\n  - name: changed\n    rules:\n      - {record: changed:one, expr: vector(1)}\n"
LONGEST = 60
"""Characters of the folder: a path of a socket has 107, and those of a node need the rest."""
PATIENCE = 120
"""Seconds in which the stack is to be proven: targets and rules have their turns."""


def main() -> int:
    """Runs the steps; 0 where all held."""
    if len(str(FOLDER)) > LONGEST:
        raise SystemExit(
            f"{FOLDER}: sockets of a node cannot have a path that long; take a checkout nearer to /"
        )
    refs = images()
    node = Node(FOLDER, refs.values())
    began = time.monotonic()

    def told(step: str) -> None:
        say(f"{step:<60}{time.monotonic() - began:7.1f} s")

    try:
        node.start()
        told("node Ready")
        prove(node, refs, told)
    finally:
        node.stop()
        told("ended")
    return 0


def prove(node: Node, refs: Mapping[str, str], told: Callable[[str], None]) -> None:
    """The steps on a node that is ready."""
    home = FOLDER / "home"
    (home / "own/prometheus/rules").mkdir(parents=True)
    stack = Stack(node, home, refs)
    apply(node, stack)
    told("applied")
    ready(node)
    told("all pods Ready")
    say(smoke(stack))
    told("smoke --kubernetes green")
    say(f"MiB of programs: {node.memory()}\nMiB of pods: {node.pods_memory()}")
    before = uids(node)
    (home / "own/prometheus/rules/changed.yml").write_text(RULE)
    orphans = apply(node, stack)
    ready(node)
    replaced = sorted(name for name, uid in uids(node).items() if before.get(name) != uid)
    told(f"a changed rule has replaced {', '.join(replaced)}")
    if replaced != ["prometheus-0"]:
        raise SystemExit("more, or less, than Prometheus was replaced")
    gone = [line for command in orphans for line in node.shell(command).splitlines() if " deleted" in line]
    told(f"{len(gone)} ConfigMaps of earlier exports deleted")
    say(smoke(stack).splitlines()[-1])
    told("smoke --kubernetes green again")
    told(for_operator(node, stack))
    node.kubectl("drain", NAME, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=120s")
    told("drained")
    node.kubectl("delete", "-k", str(FOLDER / "export"), "--timeout=120s")
    told("deleted")


def apply(node: Node, stack: Stack) -> list[str]:
    """Exports, and runs the commands that the export names up to those that wait; those that remove the remains."""
    made = stack.export("kubernetes", "-o", str(FOLDER / "export"))
    (FOLDER / "volumes.yaml").write_text(documents(volume(name) for name in KEEPING))
    node.kubectl("apply", "--server-side", "-f", str(FOLDER / "volumes.yaml"))
    for command in made["commands"]:
        if " rollout status " not in command:
            node.shell(command)
    orphans: list[str] = made["orphans"]
    return orphans


def volume(name: str) -> dict[str, object]:
    """A folder of the node as a volume: no class of storage makes any here."""
    place = FOLDER / "run/volumes" / name
    place.mkdir(parents=True, exist_ok=True)
    here = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [NAME]}]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": "10Gi"},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "local": {"path": str(place)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [here]}},
        },
    }


def ready(node: Node) -> None:
    """Every set is rolled out."""
    for kind, name, namespace in (
        *(("statefulset", name, "monitoring") for name in KEEPING),
        ("daemonset", "node-exporter", "monitoring-node"),
    ):
        node.kubectl("rollout", "status", "-n", namespace, f"{kind}/{name}", "--timeout=180s")


def uids(node: Node) -> dict[str, str]:
    """Pod > its identity."""
    form = "jsonpath={range .items[*]}{.metadata.name} {.metadata.uid}{'\\n'}{end}"
    lines = node.kubectl("get", "pods", "-A", "-o", form).splitlines()
    return {name: uid for name, _, uid in (line.partition(" ") for line in lines)}


def smoke(stack: Stack) -> str:
    """What it says once it is green: a stack that has just started takes its two scrapes."""
    deadline = time.monotonic() + PATIENCE
    while True:
        done = stack.run("smoke", "--kubernetes", "monitoring")
        if done.returncode == 0:
            return done.stdout.rstrip()
        if time.monotonic() > deadline:
            raise SystemExit(f"{done.stdout}{done.stderr}")
        time.sleep(2)


if __name__ == "__main__":
    if os.getuid():
        raise SystemExit("a node needs root")
    raise SystemExit(main())
