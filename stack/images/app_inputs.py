"""What the application's image is made from, and the name that follows: base, lock file, sources, way of building.

Cheap to ask, since every start asks it; the building itself is in ``app``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stack.common.errors import BuildFailed
from stack.images.pins import APP_REPOSITORY, NOBODY

PACKAGE = Path(__file__).resolve().parent.parent
LOCK_NAME = "requirements-app.lock"
LEFT_OUT = frozenset({"__pycache__", "bundle"})
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
COPY --chown={NOBODY}:{NOBODY} data /data
ENV PYTHONPATH=/app:/app/site PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 LANG=C.UTF-8
WORKDIR /data
EXPOSE 8000
ENTRYPOINT ["python3", "-m", "stack.app"]
CMD []
USER {NOBODY}:{NOBODY}
"""
SOURCE_FILE = f"""\
FROM %s
USER 0
COPY stack /app/stack
RUN ["python3", "-c", "{COMPILE % "'/app/stack'"}"]
USER {NOBODY}:{NOBODY}
"""


@dataclass(frozen=True, slots=True)
class AppInputs:
    """What the image is made from, besides its base: the lock file, and the sources by path."""

    lock: bytes
    sources: tuple[tuple[str, bytes], ...]

    def digest(self) -> str:
        """Identity of lock file, sources and the way of building."""
        seen = hashlib.sha256((PACKAGES_FILE + SOURCE_FILE).encode() + self.lock)
        for path, content in self.sources:
            seen.update(f"\0{path}\0{len(content)}\0".encode() + content)
        return seen.hexdigest()[:12]

    def key(self, base: str) -> str:
        """Identity of the image on this base (an image id)."""
        return short(base, self.digest())

    def name(self, base: str) -> str:
        """The lasting name of the image on this base; another checkout on the same engine has its own."""
        return f"{APP_REPOSITORY}:{self.key(base)}"


def read_inputs(package: Path = PACKAGE) -> AppInputs:
    """Lock file and sources of the program that runs now, from a checkout or an installed package."""
    places = (package.parent / LOCK_NAME, package / "bundle" / LOCK_NAME)
    lock = next((place for place in places if place.is_file()), None)
    if lock is None:
        raise BuildFailed(
            f"app: {LOCK_NAME} is missing beside {package}", hint="reinstall, or check it out again"
        )
    return AppInputs(lock.read_bytes(), tuple(_sources(package)))


def _sources(package: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(package.rglob("*")):
        below = path.relative_to(package)
        hidden = any(part in LEFT_OUT or part.startswith(".") for part in below.parts)
        if path.is_file() and not hidden:
            yield f"stack/{below.as_posix()}", path.read_bytes()


def short(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]
