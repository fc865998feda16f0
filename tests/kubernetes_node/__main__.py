"""The whole export on a real node: applied, ready, proven, a changed rule, objects of the operator, a drained node.

    python -m tests.kubernetes_node

Needs root, Go, gcc, iptables, runc and an engine. Says how long each step took; all of it goes at the end.
"""

from __future__ import annotations

import os
import shlex
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from stack.exports.yaml_out import documents
from tests.kubernetes_node.commands import Stack
from tests.kubernetes_node.conf import ADDRESS, NAME
from tests.kubernetes_node.definitions import for_operator
from tests.kubernetes_node.node import Node
from tests.kubernetes_node.parts import ROOT, images, say
from tests.kubernetes_node.policies import Policies
from tests.kubernetes_node.traces import obstacle

FOLDER = ROOT / ".stack/kubernetes-node"
KEEPING = ("prometheus", "alertmanager", "grafana", "app", "postgres")
SETTINGS = '[database]\nmode = "postgres"\n'
RULE = "groups:\n  - name: changed\n    rules:\n      - {record: changed:one, expr: vector(1)}\n"
PROBES = """\
scrape_configs:
  - job_name: shop
    metrics_path: /probe
    scrape_interval: 5s
    params: {module: [http_2xx]}
    static_configs: [{targets: ["http://app:8000/health"]}]
    relabel_configs: &through
      - {source_labels: [__address__], target_label: __param_target}
      - {source_labels: [__param_target], target_label: instance}
      - {target_label: __address__, replacement: "blackbox:9115"}
  - job_name: ground
    metrics_path: /probe
    scrape_interval: 5s
    params: {module: [icmp]}
    static_configs: [{targets: [NODE]}]
    relabel_configs: *through
  - job_name: outer
    scrape_interval: 5s
    basic_auth: {username: reader, password_file: own/secrets/pass}
    static_configs: [{targets: ["app:8000"]}]
""".replace("NODE", ADDRESS)
FAILED = 6
"""The exit code of checks that failed."""
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
    if why := obstacle():
        raise SystemExit(why)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
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
    _write(home, "stack.toml", SETTINGS)
    stack, policies = Stack(node, home, refs), Policies(node)
    policies.start()
    bring_up(node, stack)
    told("applied, all pods Ready")
    say(smoke(stack))
    told("smoke --kubernetes green, NetworkPolicies enforced")
    say(f"MiB of programs: {node.memory()}\nMiB of pods: {node.pods_memory()}")
    changed(node, stack, told)
    forbidden(node, policies)
    told("Alertmanager may not ask Prometheus, and nobody else is denied anything")
    down(node, stack)
    told("smoke --kubernetes says what is down, and is green again")
    told(for_operator(node, stack))
    node.kubectl("drain", NAME, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=120s")
    node.kubectl("uncordon", NAME)
    bring_up(node, stack)
    smoke(stack)
    told("drained and come back, smoke --kubernetes green")
    policies.stop()
    node.kubectl("delete", "-k", str(FOLDER / "export"), "--timeout=120s")
    told("deleted")


def changed(node: Node, stack: Stack, told: Callable[[str], None]) -> None:
    """A changed rule replaces Prometheus alone; then a probe with a secret comes along."""
    before = uids(node)
    _write(stack.home, "own/prometheus/rules/changed.yml", RULE)
    orphans = bring_up(node, stack)
    replaced = sorted(name for name, uid in uids(node).items() if before.get(name) != uid)
    told(f"a changed rule has replaced {', '.join(replaced)}")
    if replaced != ["prometheus-0"]:
        raise SystemExit("more, or less, than Prometheus was replaced")
    gone = [line for command in orphans for line in node.shell(command).splitlines() if " deleted" in line]
    told(f"{len(gone)} ConfigMaps of earlier exports deleted")
    _write(stack.home, "own/prometheus/scrape/probes.yml", PROBES)
    _write(stack.home, "own/secrets/pass", "of no use here\n")
    bring_up(node, stack)
    said = smoke(stack)
    if "2 of 2 probes succeed" not in said:
        raise SystemExit(said)
    told("two probes and a secret came along, smoke --kubernetes green again")


def forbidden(node: Node, policies: Policies) -> None:
    """What no policy allows is not let through; nothing else was tried."""
    if (before := policies.denied()) != "none":
        raise SystemExit(f"denied, and needed: {before}")
    words = ("exec", "-n", "monitoring", "alertmanager-0", "--", "wget", "-T", "3", "-qO-")
    answer = node.kubectl(*words, "http://prometheus:9090/-/ready", fails=True)
    if answer or not policies.denied().startswith("alertmanager-0 "):
        raise SystemExit(f"Alertmanager asks Prometheus: {answer}; denied: {policies.denied()}")


def down(node: Node, stack: Stack) -> None:
    """What does not run is named with its remedy, which helps."""
    node.kubectl("scale", "-n", "monitoring", "statefulset/alertmanager", "--replicas=0")
    failed = stack.run("smoke", "--kubernetes", "monitoring", "--quick")
    if failed.returncode != FAILED or "statefulset/alertmanager is scaled to 0" not in failed.stdout:
        raise SystemExit(f"{failed.returncode}: {failed.stdout}{failed.stderr}")
    node.shell("kubectl scale -n monitoring statefulset/alertmanager --replicas=1")
    smoke(stack)


def bring_up(node: Node, stack: Stack) -> list[str]:
    """Exports, and runs all commands that the export names; those that remove what earlier exports left."""
    made = stack.export("kubernetes", "-o", str(FOLDER / "export"))
    (FOLDER / "volumes.yaml").write_text(documents(volume(name) for name in KEEPING))
    node.kubectl("apply", "--server-side", "-f", str(FOLDER / "volumes.yaml"))
    for command in made["commands"]:
        if " rollout status " in command:
            node.kubectl(*shlex.split(command)[1:], f"--timeout={PATIENCE}s")
        else:
            node.shell(command)
    orphans: list[str] = made["orphans"]
    return orphans


def _write(home: Path, path: str, text: str) -> None:
    (home / path).parent.mkdir(parents=True, exist_ok=True)
    (home / path).write_text(text)


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
        say("".join(f"not yet   {line}\n" for line in done.stdout.splitlines() if line.startswith("FAILED")))
        time.sleep(2)


if __name__ == "__main__":
    if os.getuid():
        raise SystemExit("a node needs root")
    raise SystemExit(main())
