"""node_exporter: the figures of the engine's host, over read-only mounts. Not published; Prometheus alone asks it.

It keeps its own network namespace (CIS 5.10), so network figures are those of the namespace it runs in.
"""

from __future__ import annotations

from datetime import date

from stack.components.build import MIB, Build, wget
from stack.components.manifest import Checks, Component
from stack.engine.interface import ImageConfig
from stack.images.pins import LOOKED_UP, Line, Pin
from stack.images.recipes import COMMON, NOBODY_USER, Recipe
from stack.model.spec import Health, Mount, ServiceSpec

PORT = 9100
CONTAINER_LINKS = "^(veth.*|br-.*|docker.*)$"
"""Links that come and go with containers: each would leave twenty series behind."""


def service(build: Build) -> ServiceSpec:
    """The container."""
    return NODE_EXPORTER.container(
        build,
        ready_path="/",
        health=Health(wget(PORT, "/")),
        entrypoint=("/bin/node_exporter",),
        command=(
            "--path.procfs=/host/proc",
            "--path.sysfs=/host/sys",
            "--path.rootfs=/host/root",
            "--no-collector.systemd",
            f"--collector.netclass.ignored-devices={CONTAINER_LINKS}",
            f"--collector.netdev.device-exclude={CONTAINER_LINKS}",
            "--collector.filesystem.mount-points-exclude=^/(dev|proc|run|sys|var/lib/docker/.+)($|/)",
        ),
        mounts=(
            Mount("bind", "/proc", "/host/proc"),
            Mount("bind", "/sys", "/host/sys"),
            Mount("bind", "/", "/host/root"),
        ),
    )


def checks() -> Checks:
    """Its page, which only somebody inside the network can read."""
    from stack.checks import node_exporter

    return Checks(node_exporter.CHECKS, ("node_exporter.ready",))


def recipe() -> Recipe:
    """How it is made of Debian's package."""
    return Recipe(
        (*COMMON, "prometheus-node-exporter"),
        "prometheus-node-exporter",
        ImageConfig(("/bin/node_exporter",), user=NOBODY_USER, ports=(PORT,)),
        moves=(("usr/bin/prometheus-node-exporter", "usr/bin/node_exporter"),),
    )


NODE_EXPORTER = Component(
    name="node_exporter",
    title="node_exporter",
    purpose="figures of the host: processor, memory, disks",
    service=service,
    port=PORT,
    pin=Pin(
        "node_exporter",
        "prom/node-exporter:v1.12.1",
        ("/bin/node_exporter", "--version"),
        line=Line("1", "only the newest release is kept", LOOKED_UP, date(2027, 2, 28)),
    ),
    memory=128 * MIB,
    dashboards=("host",),
    recipe=recipe,
    checks=checks,
)
