"""Alertmanager: groups, routes and delivers. Its default receiver is the application's webhook.

Runs alone, so gossip is off: it would hold the first notification back for 10 s.
"""

from __future__ import annotations

from stack.components.build import MIB, Build, config_files, wget
from stack.components.token import notifying, token_file
from stack.model.spec import CONFIG_ROOT, CURRENT, ConfigFile, Health, Limits, ServiceSpec

PORT = 9093


def service(build: Build) -> ServiceSpec:
    """The container."""
    return ServiceSpec(
        component="alertmanager",
        image=build.images["alertmanager"].ref,
        image_id=build.images["alertmanager"].id,
        port=PORT,
        ready_path="/-/ready",
        limits=Limits(memory=256 * MIB, cpus=1.0),
        health=Health(wget(PORT, "/-/healthy")),
        entrypoint=("/bin/alertmanager",),
        command=(
            f"--config.file={CONFIG_ROOT}/{CURRENT}/alertmanager.yml",
            "--storage.path=/alertmanager",
            f"--web.external-url={build.url('alertmanager')}",
            "--cluster.listen-address=",
        ),
        mounts=(build.config_mount("alertmanager"), build.data_mount("alertmanager", "/alertmanager")),
        published=build.published("alertmanager", PORT),
        reload="signal",
        files=files(build),
        assets=token_file(build),
    )


def files(build: Build) -> tuple[ConfigFile, ...]:
    """The main file and the message templates."""
    tree = build.below("alertmanager/")
    chosen = {p: c for p, c in tree.items() if p == "alertmanager.yml" or p.startswith("templates/")}
    return config_files(notifying(build, chosen))
