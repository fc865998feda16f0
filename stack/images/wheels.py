"""Python packages for a program's image, gathered on this machine for the interpreter inside the image.

Containers may have no route to a package index, so pip runs here, for the other interpreter, from the hashed lock file
and with wheels only: no code of a package runs. The result is cached by everything that it depends on.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct

from stack.common.errors import BuildFailed
from stack.common.files import folder_once
from stack.images.debian import Ended

MANYLINUX = ("manylinux_2_34", "manylinux_2_28", "manylinux_2_17", "manylinux2014", "linux")
"""Platforms that the base images (glibc 2.41 and later) can run, best first."""
PROBE = "import platform, sys; print('%d.%d' % sys.version_info[:2], platform.machine())"

Pip = Callable[[Sequence[str]], Ended]


class Interpreter(Struct, frozen=True):
    """The Python inside the base image: ``version`` such as 3.14, ``machine`` such as x86_64."""

    version: str
    machine: str

    def pip_options(self) -> list[str]:
        """What tells pip to choose wheels for this interpreter."""
        tag = "cp" + self.version.replace(".", "")
        platforms = [f"--platform={name}_{self.machine}" for name in MANYLINUX]
        abis = [f"--abi={abi}" for abi in (tag, "abi3", "none")]
        return [f"--python-version={self.version}", "--implementation=cp", *platforms, *abis]


def run_pip(arguments: Sequence[str]) -> Ended:
    """pip of the interpreter that runs this program."""
    argv = (sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments)
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return Ended(done.returncode, done.stdout, done.stderr)


def gather(lock: bytes, interpreter: Interpreter, cache: Path, pip: Pip = run_pip) -> Path:
    """The folder of installed packages, from the cache or freshly gathered; BuildFailed has pip's last words."""
    options = interpreter.pip_options()
    key = hashlib.sha256(lock + " ".join(options).encode()).hexdigest()[:12]

    def fill(folder: Path) -> None:
        requirements = folder.parent / f"{folder.name}.txt"
        requirements.write_bytes(lock)
        try:
            _install(requirements, folder, options, pip)
        finally:
            requirements.unlink()

    return folder_once(cache / f"site-{key}", fill)


def _install(requirements: Path, folder: Path, options: Sequence[str], pip: Pip) -> None:
    arguments = ["install", "--quiet", "--no-compile", "--no-deps", "--require-hashes", "--only-binary=:all:"]
    ended = pip([*arguments, *options, f"--target={folder}", f"--requirement={requirements}"])
    if ended.code != 0:
        said = [line for line in ended.errors.splitlines() if line.startswith("ERROR")]
        words = said[-1] if said else f"pip ended with {ended.code}"
        raise BuildFailed(
            f"Python packages: {words}", hint="the machine needs a package index or pip's cache"
        )
