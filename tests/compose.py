"""The ``docker compose`` of a machine, or the plugin from Debian's packages. For tests and benchmarks."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from stack.images.debian import Debian

INSTALLED = ("/usr/libexec/docker/cli-plugins/docker-compose", "/usr/lib/docker/cli-plugins/docker-compose")


def compose_binary(cache: Path) -> Path:
    """The plugin as a program of its own; downloaded once into ``cache``."""
    here = cache / "compose"
    plugin = here / INSTALLED[0].lstrip("/")
    for found in (*map(Path, INSTALLED), plugin):
        if found.is_file():
            return found
    architecture = subprocess.run(
        ["dpkg", "--print-architecture"], capture_output=True, text=True, check=True
    ).stdout
    debs = Debian(cache / "apt-compose", architecture.strip()).gather({"compose": ["docker-compose"]})[
        "compose"
    ]
    package = next(deb for deb in debs if deb.name == "docker-compose")
    subprocess.run(["dpkg-deb", "-x", str(package.path), str(here)], check=True)
    return plugin


@dataclass(frozen=True)
class Compose:
    """One project of one file, with the variables that it reads."""

    binary: Path
    file: Path
    variables: dict[str, str]

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        """``docker compose WORDS``; the caller looks at the exit code."""
        command = [str(self.binary), "--file", str(self.file), *words]
        environment = {**os.environ, **self.variables}
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=300
        )
