"""node_exporter: the figures of the engine's host, over read-only mounts. Not published; Prometheus alone asks it.

It keeps its own network namespace (CIS 5.10), so network figures are those of the namespace it runs in.
"""

from __future__ import annotations

from stack.components.build import MIB, Build, wget
from stack.model.spec import ConfigFile, Health, Limits, Mount, ServiceSpec

PORT = 9100
CONTAINER_LINKS = "^(veth.*|br-.*|docker.*)$"
"""Links that come and go with containers: each would leave twenty series behind."""


def service(build: Build) -> ServiceSpec:
    """The container."""
    return ServiceSpec(
        component="node_exporter",
        image=build.images["node_exporter"].ref,
        image_id=build.images["node_exporter"].id,
        port=PORT,
        ready_path="/",
        limits=Limits(memory=128 * MIB, cpus=1.0),
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


def files(build: Build) -> tuple[ConfigFile, ...]:
    """None: it is told everything by its arguments."""
    del build
    return ()
