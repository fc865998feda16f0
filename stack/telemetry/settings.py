"""The one thing that is taken from the environment: the folder of prometheus_client's multi-process mode."""

from __future__ import annotations

import os
from pathlib import Path

_MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"


def multiprocess_folder() -> Path | None:
    """The folder that processes record into together, as the library's own variable says; None without one."""
    folder = os.environ.get(_MULTIPROCESS)
    return Path(folder) if folder else None


def environment_with(folder: Path) -> dict[str, str]:
    """This process's environment for one that is to record into ``folder``, less what is meant for the stack."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STACK_")}
    return {**kept, _MULTIPROCESS: str(folder.absolute())}
