"""Whether the ``docker-compose`` that a person of this machine would call can read the generated file."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence

SECONDS = 10
"""The longest that one program may take to tell its version."""
REMEDY = "install Docker Compose 2 and call it as `docker compose`"
Run = Callable[[Sequence[str]], str]


def version_of(argv: Sequence[str]) -> str:
    """What a program prints; empty where it is not there, fails or is silent."""
    if shutil.which(argv[0]) is None:
        return ""
    try:
        ran = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=SECONDS
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return ran.stdout.strip() if ran.returncode == 0 else ""


def remark(run: Run = version_of) -> str:
    """A sentence where version 1 is the only Compose here; empty otherwise."""
    old = run(("docker-compose", "version", "--short"))
    if not old.removeprefix("v").startswith("1.") or run(("docker", "compose", "version", "--short")):
        return ""
    return f"docker-compose here is version {old}, which cannot read docker-compose.yml"
