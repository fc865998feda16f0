"""A root file system of a few megabytes from this machine's own shell: an image for tests where no registry is."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from pathlib import Path

PROGRAMS = ("sh", "cat", "sleep", "kill", "rm")


def libraries(program: str) -> set[str]:
    """Absolute paths of the shared objects that a program needs."""
    told = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    return {word for word in told.split() if word.startswith("/")}


def root_file_system() -> bytes:
    """The programs with their libraries as a tar."""
    found = {f"/bin/{name}": shutil.which(name) or f"/bin/{name}" for name in PROGRAMS}
    needed = set[str]().union(*(libraries(path) for path in found.values()))
    contents = {**found, **{path: path for path in needed}}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for folder in ("tmp", "data"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777
            tar.addfile(entry)
        for inside, here in sorted(contents.items()):
            data = Path(here).resolve().read_bytes()
            entry = tarfile.TarInfo(inside.lstrip("/"))
            entry.size, entry.mode = len(data), 0o755
            tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()
