"""The exported stack on a real Swarm of two machines: up, proven by its own checks, changed, tidied."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.e2e.stack_command import ROOT, Stack
from tests.e2e.swarm_nodes import WORKER, Swarm, load, swarm
from tests.machines.machine import Place, until

pytestmark = pytest.mark.e2e
NAME = "e2e-swarm"
MANAGER_HAS, WORKER_HAS = ("prometheus", "grafana"), ("alertmanager", "app")
"""What stays where; node_exporter runs on both."""
URLS = {
    "prometheus": "http://127.0.0.1:9090",
    "grafana": "http://127.0.0.1:3000",
    "alertmanager": f"http://{WORKER}:9093",
    "app": f"http://{WORKER}:8000",
}
RULES = "prometheus/rules/node_exporter.yml"


@pytest.fixture(scope="module")
def nodes() -> Iterator[Swarm]:
    (ROOT / ".stack").mkdir(exist_ok=True)
    with swarm() as made:
        yield made


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("swarm")


@pytest.fixture(scope="module")
def stack(nodes: Swarm, home: Path, image_of: Callable[[str], str], grafana_image: str) -> Stack:
    """The command as somebody at the manager's terminal gives it, with images that no registry has."""
    refs = {name: image_of(name) for name in ("prometheus", "alertmanager", "app", "node_exporter")}
    refs["grafana"] = grafana_image
    load(docker.from_env(), {ref: _homes(nodes, name) for name, ref in refs.items()}, home)
    settings = {f"STACK_{name.upper()}_IMAGE": ref for name, ref in refs.items()}
    made = Stack.make(
        NAME, 26950, home, STACK_APP_ALLOWED_HOSTS=WORKER, DOCKER_HOST=nodes.manager.address, **settings
    )
    return replace(made, before=nodes.manager.there)


def _homes(nodes: Swarm, component: str) -> tuple[Place, ...]:
    by_place = ((nodes.manager, WORKER_HAS), (nodes.worker, MANAGER_HAS))
    return tuple(place for place, others in by_place if component not in others)


def export(stack: Stack) -> Any:
    publish = [word for name in URLS for word in ("--publish", f"{name}={URLS[name].rpartition(':')[2]}")]
    return stack.ok("export", "swarm", "-o", str(stack.home / "out"), *publish, "--json").json()


def deploy(nodes: Swarm, stack: Stack, command: str) -> str:
    """What the printed command complains of."""
    words = shlex.split(command)
    return nodes.run(*words[:3], "--resolve-image", "never", "--detach=true", *words[3:]).stderr


@pytest.fixture(scope="module")
def deployed(nodes: Swarm, stack: Stack) -> Stack:
    """The printed commands, as they are but for the nodes, which only the user knows."""
    *once, last = export(stack)["commands"]
    where = nodes.nodes()
    for command in once:
        words = shlex.split(command)
        role = "manager" if any(f".{name}=" in command for name in MANAGER_HAS) else "worker"
        nodes.run(*(where[role] if word == "NODE" else word for word in words))
    assert deploy(nodes, stack, last) == ""
    nodes.settled(NAME)
    return stack


def _another(nodes: Swarm, before: dict[str, str]) -> bool:
    """While the old one ends, none should run."""
    now = nodes.tasks(NAME)["prometheus"]
    return bool(now) and now.keys() != before.keys()


def smoke(stack: Stack, *words: str) -> Any:
    urls = [word for name, url in URLS.items() for word in ("--url", f"{name}={url}")]
    return stack.ok("smoke", *urls, *words, "--json").json()


def test_all_replicas_run_and_the_stack_is_proven_from_outside(deployed: Stack, nodes: Swarm) -> None:
    assert nodes.replicas(NAME)[f"{NAME}_node-exporter"] == "2/2"
    report = smoke(deployed)
    found = {one["check"]: one for one in report["findings"]}
    assert "node 2" in found["prometheus.targets"]["evidence"]
    assert "delivered" in found["path.alert"]["evidence"]
    assert "received the Watchdog" in found["path.watchdog"]["evidence"]
    assert {"grafana.login", "grafana.panels", "prometheus.config"} <= found.keys()
    skipped = {one["check"]: one["reason"] for one in report["skipped"]}
    assert skipped["alertmanager.secrets"] == "it runs a command in a container"
    assert {"stack.containers", "node_exporter.ready"} <= skipped.keys()


def test_what_compose_promises_is_kept_but_for_what_the_export_says(deployed: Stack, nodes: Swarm) -> None:
    containers = nodes.containers(NAME)
    assert set(containers) == {*MANAGER_HAS, *WORKER_HAS, "node-exporter"}
    for name, found in containers.items():
        host = found["HostConfig"]
        assert host["ReadonlyRootfs"] and host["CapDrop"] == ["ALL"], name
        assert host["Memory"] > 0 and host["NanoCpus"] > 0 and host["PidsLimit"] == 256, name
        assert found["Config"]["User"].split(":")[0] not in ("", "0"), name
        assert found["State"]["Health"]["Status"] == "healthy", name
        assert not host["SecurityOpt"] and host["MemorySwap"] != host["Memory"], "told as lost"
    told = " ".join(export(deployed)["notes"])
    assert "no-new-privileges is lost" in told and "swap is lost" in told
    env = " ".join(containers["grafana"]["Config"]["Env"])
    assert "$__file{/etc/stack/secrets/grafana_admin_password}" in env


def test_a_changed_rule_restarts_prometheus_alone_and_leaves_two_configs_to_prune(
    deployed: Stack, nodes: Swarm
) -> None:
    before = nodes.tasks(NAME)
    assert export(deployed)["written"] == []
    rules = deployed.home / RULES
    rules.write_text(rules.read_text().replace("for: 10m", "for: 11m", 1))
    told = export(deployed)
    assert len(told["written"]) == 3, "the rule, the digest and the stack file"
    assert deploy(nodes, deployed, told["commands"][-1]) == ""
    until(lambda: _another(nodes, before["prometheus"]), "no new Prometheus")
    nodes.settled(NAME)
    after = nodes.tasks(NAME)
    assert {name for name in before if after[name].keys() != before[name].keys()} == {"prometheus"}
    smoke(deployed, "--quick")
    orphans = deployed.ok("export", "swarm", "--prune").out.splitlines()
    assert len(orphans) == 2 and all(
        line.startswith("docker config rm e2e-swarm_prometheus-") for line in orphans
    )
    for line in orphans:
        nodes.run(*line.split())
    assert "in use" in deployed.ok("export", "swarm", "--prune").out
