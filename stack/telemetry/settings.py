"""Where the metrics server listens and who may read, and the one thing that is taken from the environment."""

from __future__ import annotations

import os
from pathlib import Path

_MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"


def multiprocess_folder() -> Path | None:
    """The folder of prometheus_client's multi-process mode, as its own variable says; None without one."""
    folder = os.environ.get(_MULTIPROCESS)
    return Path(folder) if folder else None


def environment_with(folder: Path) -> dict[str, str]:
    """This process's environment for one that is to record into ``folder``."""
    return {**os.environ, _MULTIPROCESS: str(folder.absolute())}
