"""Installs a lock file's packages into the environment of the Python that runs this: python -I scripts/locked.py FILE

Of the caller's pip configuration (files and PIP_ variables) only what says where packages come from counts: index,
proxy, certificates, patience. A target folder, a dry run or a constraint would leave the environment broken. Ends
with 1 and one line where a package is then missing or cannot be imported.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

SOURCES = {
    *("index-url", "extra-index-url", "find-links", "no-index", "trusted-host", "keyring-provider"),
    *("proxy", "cert", "client-cert", "default-timeout", "timeout", "retries", "cache-dir", "no-cache-dir"),
}
SECTIONS = ("global", "install")
"""Of a configuration file that count for `pip install`, the stronger one last."""
PINNED = re.compile(r"(?m)^([A-Za-z0-9._-]+)==([^\s;]+) *(;.*?)?\\?$")
IMPORTED = ("docker", "dotenv", "prometheus_client", "requests", "yaml")


def configured(plain: dict[str, str]) -> dict[str, str]:
    """Variables for pip instead of all configuration of the caller's; one of the caller's wins over a file."""
    # Its own variables would be options of this very command: PIP_USER lists one file of three.
    listing = plain | {name: os.environ[name] for name in ("PIP_CONFIG_FILE",) if name in os.environ}
    command = [sys.executable, "-I", "-m", "pip", "config", "list"]
    listed = subprocess.run(command, env=listing, capture_output=True, text=True, check=False)
    found: dict[str, str] = {}
    for wanted in SECTIONS:
        for line in listed.stdout.splitlines():
            place, _, text = line.partition("=")
            section, _, name = place.rpartition(".")
            if section == wanted and name in SOURCES:
                found[_variable(name)] = str(ast.literal_eval(text))
    return found | {name: os.environ[name] for name in map(_variable, SOURCES) if name in os.environ}


def _variable(name: str) -> str:
    return f"PIP_{name.upper().replace('-', '_')}"


def environment() -> dict[str, str]:
    """The caller's, with its configuration of pip and of Python replaced."""
    plain = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PIP_") and name not in ("PYTHONHOME", "PYTHONPATH", "PYTHONUSERBASE")
    }
    given = {"PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1", **configured(plain)}
    if not os.environ.get("HOME"):
        given["PIP_NO_CACHE_DIR"] = "1"  # pip would make a folder called ~ here
    return plain | given


def missing(lock: Path) -> str:
    """What of the lock file cannot be used after all; empty where everything is there."""
    for name, wanted, condition in PINNED.findall(lock.read_text(encoding="utf-8")):
        try:
            found = version(name)
        except PackageNotFoundError:
            if condition:
                continue  # not for this system
            return f"{name} is not there"
        if found.removeprefix("v") != wanted:  # PEP 440: the same version; some packages call themselves so
            return f"{name} is {found} instead of {wanted}"
    for module in IMPORTED:
        try:
            __import__(module)
        except ImportError as error:
            return f"{module} cannot be imported ({error})"
    return ""


def main() -> int:
    """Installs and looks."""
    lock = Path(sys.argv[1])
    pip = [sys.executable, "-I", "-m", "pip", "install", "-q", "--require-hashes", "-r", str(lock)]
    ended = subprocess.run(pip, env=environment(), check=False)
    fault = f"pip could not install {lock.name}: is a package index reachable?"
    if ended.returncode == 0:
        absent = missing(lock)
        if not absent:
            return 0
        fault = f"{absent} after {lock.name} was installed: remove .venv and try again"
    sys.stderr.write(f"install: {fault}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
