"""The whole export on a real node: applied, ready, proven, a changed rule, a drained node; then all of it goes.

    python -m tests.kubernetes_node

Needs root, Go, gcc, iptables, runc and an engine with the images. Says how long each step took.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from stack.exports.yaml_out import documents
from tests.kubernetes_node.node import NAME, Node
from tests.kubernetes_node.parts import IMAGES, ROOT, say

FOLDER = ROOT / ".stack/kubernetes-node"
KEEPING = ("prometheus", "alertmanager", "app")
RULE = "groups:\n  - name: changed\n    rules:\n      - {record: changed:one, expr: vector(1)}\n"
PATIENCE = 120
"""Seconds in which the stack is to be proven: targets and rules have their turns."""


def main() -> int:
    """Runs the steps; 0 where all held."""
    began = time.monotonic()
    node = Node(FOLDER)

    def told(step: str) -> None:
        say(f"{step:<44}{time.monotonic() - began:7.1f} s")

    try:
        began = time.monotonic()
        node.start()
        told("node Ready")
        home = FOLDER / "home"
        (home / "own/prometheus/rules").mkdir(parents=True)
        apply(node, home)
        told("applied")
        ready(node)
        told("all pods Ready")
        smoke(node, home)
        told("smoke --kubernetes green")
        before = uids(node)
        (home / "own/prometheus/rules/changed.yml").write_text(RULE)
        apply(node, home)
        ready(node)
        replaced = sorted(name for name, uid in uids(node).items() if before.get(name) != uid)
        told(f"a changed rule has replaced {', '.join(replaced)}")
        if replaced != ["prometheus-0"]:
            raise SystemExit("more than Prometheus was replaced")
        smoke(node, home)
        told("smoke --kubernetes green again")
        node.kubectl("drain", NAME, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=120s")
        told("drained")
    finally:
        node.stop()
        told("ended")
    return 0


def stack(node: Node, home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """One command of the stack, inside the node's network."""
    named = {f"STACK_{name.upper()}_IMAGE": f"monitoring-stack/{name}:local" for name in IMAGES}
    environment = {**node.environment, **named, "STACK_HOME": str(home), "PYTHONPATH": str(ROOT)}
    argv = (*node.inside, sys.executable, "-m", "stack", *words)
    return subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)


def apply(node: Node, home: Path) -> None:
    """Exports, and runs the commands that the export names up to those that wait."""
    out = FOLDER / "export"
    made = stack(node, home, "export", "kubernetes", "-o", str(out), "--without", "grafana")
    if made.returncode:
        raise SystemExit(made.stderr)
    steps = [line.removeprefix("run").strip() for line in made.stdout.splitlines() if line.startswith("run ")]
    (FOLDER / "volumes.yaml").write_text(documents(volume(name) for name in KEEPING))
    node.kubectl("apply", "--server-side", "-f", str(FOLDER / "volumes.yaml"))
    for step in steps:
        if " rollout status " not in step:
            run_in_shell(node, step)


def run_in_shell(node: Node, step: str) -> None:
    """As a person would."""
    done = subprocess.run(
        (*node.inside, "sh", "-c", step), env=node.environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{step}: {done.stderr}")


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


def smoke(node: Node, home: Path) -> None:
    """Until it is green: a stack that has just started takes its two scrapes."""
    deadline = time.monotonic() + PATIENCE
    while True:
        done = stack(node, home, "smoke", "--kubernetes", "monitoring")
        if done.returncode == 0:
            say(done.stdout.splitlines()[-1])
            return
        if time.monotonic() > deadline:
            raise SystemExit(f"{done.stdout}{done.stderr}")
        time.sleep(2)


if __name__ == "__main__":
    if os.getuid():
        raise SystemExit("a node needs root")
    raise SystemExit(main())
