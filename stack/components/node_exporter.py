"""node_exporter: the figures of the engine's host, over read-only mounts. Not published; Prometheus alone asks it.

It keeps its own network namespace (CIS 5.10), so network figures are those of the namespace it runs in, unless
``node_exporter.host_network`` says otherwise. Then it listens on the machine's loopback and on the address by which
containers reach the machine, and on no other: whoever is outside does not get to it.
"""

from __future__ import annotations

import re
from datetime import date

import yaml

from stack.common import yaml_edit as edit
from stack.components.build import HOST_GATEWAY, MIB, Build, wget
from stack.components.manifest import Checks, Component
from stack.config import values as read
from stack.config.table import Setting
from stack.engine.interface import ImageConfig
from stack.images.pins import LOOKED_UP, Line, Pin
from stack.images.recipes import COMMON, NOBODY_USER, Recipe
from stack.model.outer import MACHINE, TEXTFILES
from stack.model.spec import ConfigFile, Health, Mount, ServiceSpec

PORT = 9100
TARGET = f"node-exporter:{PORT}"
LOOPBACK = "127.0.0.1"
HOST_NETWORK = "node_exporter.host_network"
TEXTFILE = "node_exporter.textfile"
PROM = ".prom"
OWN_TEXTFILES = "own/textfile/"
FOLDER = re.compile(r"(/|own/)[A-Za-z0-9._/-]*[A-Za-z0-9_-]")
CONTAINER_LINKS = "^(veth.*|br-.*|docker.*)$"
"""Links that come and go with containers: each would leave twenty series behind."""


def service(build: Build) -> ServiceSpec:
    """The container."""
    beside = bool(build.settings[HOST_NETWORK])
    folder = str(build.settings[TEXTFILE])
    return NODE_EXPORTER.container(
        build,
        ready_path="/",
        host_network=beside,
        extra_hosts=HOST_GATEWAY if beside else (),
        health=Health(wget(PORT, "/")),
        entrypoint=("/bin/node_exporter",),
        command=(
            "--path.procfs=/host/proc",
            "--path.sysfs=/host/sys",
            "--path.rootfs=/host/root",
            "--no-collector.systemd",
            f"--collector.netclass.ignored-devices={CONTAINER_LINKS}",
            f"--collector.netdev.device-exclude={CONTAINER_LINKS}",
            *(f"--web.listen-address={host}:{PORT}" for host in (LOOPBACK, MACHINE) if beside),
            *((f"--collector.textfile.directory={TEXTFILES}",) if folder else ()),
            "--collector.filesystem.mount-points-exclude=^/(dev|proc|run|sys|var/lib/docker/.+)($|/)",
        ),
        mounts=(
            Mount("bind", "/proc", "/host/proc"),
            Mount("bind", "/sys", "/host/sys"),
            Mount("bind", "/", "/host/root"),
            *((Mount("bind", str((build.settings.home / folder).resolve()), TEXTFILES),) if folder else ()),
        ),
    )


def where_it_is(build: Build, files: tuple[ConfigFile, ...]) -> tuple[ConfigFile, ...]:
    """Prometheus' files, in which it is asked for where it listens. Its ``instance`` stays, and with it the history."""
    if not build.settings[HOST_NETWORK]:
        return files
    return tuple(
        file.edited(_moved(file.content)) if file.path.startswith(("prometheus.yml", "scrape/")) else file
        for file in files
    )


def _moved(content: bytes) -> bytes:
    text = content.decode(errors="surrogateescape")
    edits: list[edit.Edit] = []
    for job in edit.items(edit.member(edit.compose(text), "scrape_configs")):
        for group in edit.items(edit.member(job, "static_configs")):
            targets = edit.items(edit.member(group, "targets"))
            if [edit.text_of(one) for one in targets] == [TARGET] and isinstance(group, yaml.MappingNode):
                edits.append(edit.replaced(targets[0], f"{MACHINE}:{PORT}"))
                if "labels" not in edit.keys(group):
                    edits.append(edit.put_first(group, f'labels: {{instance: "{TARGET}"}}'))
    return edit.edited(text, edits).encode(errors="surrogateescape")


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
    settings=(
        Setting(
            HOST_NETWORK,
            "STACK_NODE_EXPORTER_HOST_NETWORK",
            read.switch,
            False,
            "figures of the machine's own links: node_exporter in its network",
        ),
        Setting(
            TEXTFILE,
            "STACK_NODE_EXPORTER_TEXTFILE",
            read.match(FOLDER, "a folder below own/, or an absolute path of the engine's machine"),
            "",
            "folder with `.prom` files that others write, like `own/textfile`",
        ),
    ),
    dashboards=("host",),
    recipe=recipe,
    checks=checks,
)
