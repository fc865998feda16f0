"""Which files a product loads by the patterns of its configuration, as Go's ``filepath.Glob`` reads them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from stack.model.spec import CONFIG_ROOT, CURRENT


def loads(patterns: Iterable[str], path: str) -> bool:
    """Whether one of them loads the file, whose ``path`` is relative to the version in use.

    A wildcard stays within a folder; a pattern may begin with ``./`` or with the folder itself.
    """
    relative = (p.removeprefix("./").removeprefix(f"{CONFIG_ROOT}/{CURRENT}/") for p in patterns)
    return any(p.count("/") == path.count("/") and fnmatchcase(path, p) for p in relative)
