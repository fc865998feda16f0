"""The user's own files that a backup holds: below own/, stack.toml and .env; which of them are secrets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from stack.common.errors import ArchiveRefused
from stack.config.tree import OWN

SETTINGS = "stack.toml"
VARIABLES = ".env"
SECRETS = f"{OWN}/secrets/"
File = tuple[bytes, int]
"""Content and permissions."""


def files_of(home: Path) -> dict[str, File]:
    """All of them by path."""
    return {
        str(path.relative_to(home)): (path.read_bytes(), path.stat().st_mode & 0o777) for path in _paths(home)
    }


def _paths(home: Path) -> Iterator[Path]:
    for name in (SETTINGS, VARIABLES):
        if (home / name).is_file():
            yield home / name
    yield from (one for one in sorted((home / OWN).rglob("*")) if one.is_file())


def is_secret(path: str) -> bool:
    """Whether a file goes with the secrets."""
    return path == VARIABLES or path.startswith(SECRETS)


def allowed(files: Mapping[str, File], place: str) -> dict[str, File]:
    """The files of an archive; ArchiveRefused where one is none that a backup holds."""
    for path in files:
        if path not in (SETTINGS, VARIABLES) and PurePosixPath(path).parts[0] != OWN:
            raise ArchiveRefused(f"{place}: {path!r} is no file of own/", hint="do not use it")
    return dict(files)


def differing(home: Path, files: Mapping[str, File]) -> tuple[str, ...]:
    """Those of which another version lies here."""
    return tuple(
        path
        for path, (content, _) in files.items()
        if (home / path).is_file() and (home / path).read_bytes() != content
    )
