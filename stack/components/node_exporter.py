"""node_exporter: the figures of the engine's host, over read-only mounts. Not published; Prometheus alone asks it.

It keeps its own network namespace (CIS 5.10), so network figures are those of the namespace it runs in.
"""

from __future__ import annotations

from stack.components.build import MIB, Build, wget
from stack.components.manifest import Checks, Component
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


NODE_EXPORTER = Component(
    name="node_exporter",
    title="node_exporter",
    purpose="figures of the host: processor, memory, disks",
    service=service,
    port=PORT,
    memory=128 * MIB,
    dashboards=("host",),
    checks=checks,
)
