"""Real readers of archives, at their most trusting, and what they write where.

Each runs as an unprivileged user in a folder deep inside a temporary one, so that a member that climbs arrives in
what is thrown away. Python's own modules are asked for names and contents only and write nothing.
"""

from __future__ import annotations

import os
import posixpath
import shutil
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

NOBODY = 65534
DEEP = "1/2/3/4/5/target"
SPECIAL = b"<neither a file nor a folder>"
PROGRAMS = {"tar": "tar", "bsdtar": "libarchive-tools", "unzip": "unzip", "7z": "p7zip-full"}
COMMANDS = {
    "GNU tar": ("tar", "-xPf", "{}"),
    "bsdtar": ("bsdtar", "-xPf", "{}"),
    "bsdtar, streaming": ("bsdtar", "-xPf", "-"),
    "unzip": ("unzip", "-q", "-o", "-:", "{}"),
    "7z": ("7z", "x", "-y", "-spf", "-bb0", "-mmt=off", "{}"),
}


@dataclass
class Reading:
    """Files by their path from the target (``../x`` is outside); ``whole``: the reader did not complain."""

    whole: bool
    files: dict[str, bytes] = field(default_factory=dict)


def require_programs() -> None:
    """Fails with the way out when a reader is missing."""
    missing = [package for program, package in PROGRAMS.items() if shutil.which(program) is None]
    assert not missing, f"readers are missing: run scripts/packages {' '.join(missing)} as root"


@contextmanager
def jail() -> Iterator[Path]:
    """The target folder, deep inside a temporary one that belongs to nobody."""
    with tempfile.TemporaryDirectory(prefix="readers-") as name:
        target = Path(name) / DEEP
        target.mkdir(parents=True)
        if os.geteuid() == 0:
            for folder in (Path(name), *Path(name).rglob("*")):
                os.chown(folder, NOBODY, NOBODY)
        yield target


def read_with(reader: str, data: bytes, suffix: str) -> Reading:
    """What one reader makes of an archive."""
    if reader.startswith("python"):
        return _python(reader, data)
    with jail() as target, tempfile.NamedTemporaryFile(suffix=suffix) as archive:
        archive.write(data)
        archive.flush()
        Path(archive.name).chmod(0o644)
        done = _run([part.format(archive.name) for part in COMMANDS[reader]], target, data)
        return Reading(done == 0, dict(_tree(target)))


def _run(command: list[str], target: Path, data: bytes) -> int:
    unprivileged = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    done = subprocess.run(
        command,
        cwd=target,
        input=data,
        capture_output=True,
        timeout=30,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(target)},
        check=False,
        **unprivileged,  # type: ignore[call-overload]
    )
    return int(done.returncode)


def _tree(target: Path) -> Iterator[tuple[str, bytes]]:
    top = target.parents[DEEP.count("/")]
    for folder, folders, names in os.walk(top):
        for name in (*folders, *names):
            path = Path(folder) / name
            relative = os.path.relpath(path, target)
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                yield relative, SPECIAL
            elif path.is_file():
                yield relative, path.read_bytes()


def _python(reader: str, data: bytes) -> Reading:
    files: dict[str, bytes] = {}
    listed = _tar_files if reader == "python tarfile" else _zip_files
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        try:
            for name, content in listed(file):
                files[posixpath.normpath(name)] = content
        except (tarfile.TarError, zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError):
            return Reading(False, files)
    return Reading(True, files)


def _tar_files(file: object) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=file, mode="r:*") as archive:  # type: ignore[call-overload]
        for member in archive:
            if member.isreg():
                content = archive.extractfile(member)
                yield member.name, content.read() if content else b""
            elif not member.isdir():
                yield member.name, SPECIAL


def _zip_files(file: object) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(file) as archive:  # type: ignore[call-overload]
        for info in archive.infolist():
            if not info.is_dir():
                yield info.filename, archive.read(info)


ZIP_READERS = ("python zipfile", "bsdtar", "bsdtar, streaming", "unzip", "7z", "GNU tar")
TAR_READERS = ("python tarfile", "bsdtar", "bsdtar, streaming", "GNU tar", "7z")
PACKED_TAR_READERS = ("python tarfile", "bsdtar", "bsdtar, streaming", "GNU tar")

Build = Callable[[], bytes]
