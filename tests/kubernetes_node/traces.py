"""What a node leaves outside its folder, and where it could meet another one."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

from tests.kubernetes_node.conf import NAME

GROUPS = Path("/sys/fs/cgroup")
APART = tuple(
    map(Path, ("/run/netns", "/run/containerd", "/var/log/containers", "/var/lib/cni", "/var/lib/kubelet"))
)
"""Folders that the node's programs write into whatever they are told: it has its own, which end with it."""


def obstacle() -> str:
    """Why no node can be started here; empty where one can."""
    if Path(f"/run/netns/{NAME}").exists():
        return f"a node runs here, or is left of a run that was killed: end it, then ip netns del {NAME}"
    if any(GROUPS.glob("*/kubepods")):
        return "a kubelet runs here, or its control groups are left (/sys/fs/cgroup/*/kubepods)"
    return ""


def end_pods() -> None:
    """Ends what is left in the pods' control groups, and removes those."""
    for listed in GROUPS.glob("*/kubepods/**/cgroup.procs"):
        for number in listed.read_text().split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(number), signal.SIGKILL)
    time.sleep(0.5)
    for group in sorted(GROUPS.glob("*/kubepods/**/"), reverse=True):
        subprocess.run(("rmdir", str(group)), capture_output=True, check=False)
