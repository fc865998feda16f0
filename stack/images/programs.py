"""The images that hold this package's own code: what each is made from, and the name that follows from it.

Base, lock file, sources and way of building are the identity. Only what the program runs counts: a change elsewhere
in the package, an editor's backup file or byte code changes no image. Cheap, since every start asks it; the building
itself is in ``program_image``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from stack.common.errors import BuildFailed
from stack.model.spec import NAMESPACE, NOBODY

PACKAGE = Path(__file__).resolve().parent.parent
DATA_FILES = ("py.typed",)
"""Files of the package beside its modules that a program may read."""
COMPILE = (
    "import compileall, py_compile, sysconfig; "
    "[compileall.compile_dir(d, quiet=2, workers=0, "
    "invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH) for d in (%s,)]"
)
"""Byte code that is never checked against a file time, which a reproducible layer does not have."""
PACKAGES_FILE = f"""\
FROM %s
USER 0
COPY site /app/site
RUN ["python3", "-c", "{COMPILE % "sysconfig.get_path('stdlib'), '/app/site'"}"]
ENV PYTHONPATH=/app:/app/site PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 LANG=C.UTF-8
"""
SOURCE_FILE = f"""\
FROM %s
USER 0
COPY stack /app/stack
RUN ["python3", "-c", "{COMPILE % "'/app/stack'"}"]
USER {NOBODY}:{NOBODY}
"""


class Program(Struct, frozen=True):
    """One part of this package with an image of its own.

    ``sources`` are modules and folders below ``stack/``, ``lock`` the file of its packages, ``defaults`` the last lines
    of its Dockerfile, ``data`` whether it keeps data in ``/data``.
    """

    name: str
    lock: str
    sources: tuple[str, ...]
    defaults: str
    data: bool = False

    @property
    def repository(self) -> str:
        """The part of the image's name before the tag."""
        return f"{NAMESPACE}/{self.name}"

    @property
    def local(self) -> str:
        """The name of the last one built."""
        return f"{self.repository}:local"

    @property
    def packages_file(self) -> str:
        """The Dockerfile of its packages, with a place for the base."""
        data = f"COPY --chown={NOBODY}:{NOBODY} data /data\nWORKDIR /data\n" if self.data else ""
        return f"{PACKAGES_FILE}{data}{self.defaults}USER {NOBODY}:{NOBODY}\n"


APP = Program(
    "app",
    "requirements-app.lock",
    ("__init__.py", "app", "telemetry"),
    'EXPOSE 8000\nENTRYPOINT ["python3", "-m", "stack.app"]\nCMD []\n',
    data=True,
)
CHECKS = Program(
    "checks",
    "requirements-checks.lock",
    (
        "__init__.py",
        "boards",
        "checks",
        "clients",
        "common",
        "components",
        "config",
        "dashboards/__init__.py",
        "dashboards/queries.py",
        "engine/__init__.py",
        "engine/interface.py",
        "engine/whole_volumes.py",
        "images/__init__.py",
        "images/catalog.py",
        "images/pins.py",
        "images/recipes.py",
        "model",
        "telemetry/__init__.py",
        "telemetry/catalogue.py",
        "validation/__init__.py",
        "validation/certificates.py",
        "validation/messages.py",
        "validation/native.py",
        "validation/notifying.py",
        "validation/provisioning.py",
        "validation/probing.py",
        "validation/scraping.py",
        "validation/secrets.py",
    ),
    'ENTRYPOINT ["python3", "-m", "stack.components"]\nCMD []\n',
)
"""Checks inside the network of an engine on another machine; built nowhere else."""
PROGRAMS = {program.name: program for program in (APP, CHECKS)}


class Inputs(Struct, frozen=True):
    """What a program's image is made from, besides its base: the lock file, and the sources by path."""

    program: Program
    lock: bytes
    sources: tuple[tuple[str, bytes], ...]

    def digest(self) -> str:
        """Identity of lock file, sources and the way of building."""
        seen = hashlib.sha256((self.program.packages_file + SOURCE_FILE).encode() + self.lock)
        for path, content in self.sources:
            seen.update(f"\0{path}\0{len(content)}\0".encode() + content)
        return seen.hexdigest()[:12]

    def key(self, base: str) -> str:
        """Identity of the image on this base (an image id)."""
        return short(base, self.digest())

    def name(self, base: str) -> str:
        """The lasting name of the image on this base; another checkout on the same engine has its own."""
        return f"{self.program.repository}:{self.key(base)}"

    def packages_name(self, base: str) -> str:
        """The name of the layer of packages on this base."""
        return f"{NAMESPACE}/packages:{short(base, self.program.packages_file, self.lock.decode())}"


def read_inputs(program: Program, package: Path = PACKAGE) -> Inputs:
    """Lock file and sources of a program of the package that runs now, from a checkout or an installed one."""
    places = (package.parent / program.lock, package / "bundle" / program.lock)
    lock = next((place for place in places if place.is_file()), None)
    if lock is None:
        raise BuildFailed(
            f"{program.name}: {program.lock} is missing beside {package}",
            hint="reinstall, or check it out again",
        )
    return Inputs(program, lock.read_bytes(), tuple(_sources(program, package)))


def _sources(program: Program, package: Path) -> Iterator[tuple[str, bytes]]:
    for source in program.sources:
        place = package / source
        for path in sorted(place.rglob("*")) if place.is_dir() else (place,):
            if _belongs(path):
                yield f"stack/{path.relative_to(package).as_posix()}", path.read_bytes()


def _belongs(path: Path) -> bool:
    """Whether a distribution of the package has it: a module that can be imported, or data that is named above."""
    module = path.suffix == ".py" and path.stem.isidentifier()
    return (module or path.name in DATA_FILES) and path.is_file()


def short(*parts: str) -> str:
    """A short identity of some texts."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]
