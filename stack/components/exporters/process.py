"""Processes of the engine's machine by name, watched by process-exporter over a read-only mount of its /proc.

It stays an ordinary user in namespaces of its own, so that what only root may see of others' processes is missing:
open files, and bytes read and written.
"""

from __future__ import annotations

import json
import re

from stack.components.exporters.kind import Kind, Packaged, Told, runnable
from stack.components.exporters.server import Form, Option, Server
from stack.model.spec import CONFIG_ROOT, CURRENT, ConfigFile, Mount

PORT = 9256
PROGRAM = "/bin/process-exporter"
CONFIG = "processes.yml"
PROC = "/host/proc"


def tell(server: Server) -> Told:
    """Which programs, by the names that the kernel has of them."""
    names = [name.strip() for name in server.options["programs"].split(",")]
    chosen = {"process_names": [{"comm": names}]}
    return Told(
        (
            f"--procfs={PROC}",
            f"--config.path={CONFIG_ROOT}/{CURRENT}/{CONFIG}",
            "--children=false",
            "--threads=false",
            "--gather-smaps=false",
        ),
        files=(ConfigFile(CONFIG, f"{json.dumps(chosen)}\n".encode(), origin=server.origin),),
        mounts=(Mount("bind", "/proc", PROC),),
    )


PROCESS = Kind(
    form=Form(
        "process",
        "process_exporter",
        0,
        "none",
        (
            Option(
                "programs",
                re.compile(r"[^\s,\"]+(\s*,\s*[^\s,\"]+)*"),
                "names with commas between them, like nginx,postgres",
                "",
                "--option programs=NAMES: as ps -e shows them, at most 15 letters each",
            ),
        ),
    ),
    title="processes",
    purpose="figures of chosen programs on the engine's machine",
    port=PORT,
    packaged=Packaged("ncabatoff/process-exporter:0.8.7", "prometheus-process-exporter", PROGRAM, "0"),
    tell=tell,
    health=runnable(PROGRAM),
    dashboard="processes",
)
