"""Links that must stay where they are while versions change: which ones to place and which to remove.

What lies in the volume is looked at, since an interrupted run may have left anything. A link that is right already is
not touched: replacing one takes it away for a moment, and who looks just then takes its file for deleted.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from stack.model.spec import ConfigFile, ServiceSpec

MANIFEST = ".links"
"""This file of a version lists the links that belong to it, so that going back to it brings them back."""

Links = Mapping[str, str]


class Change(Struct, frozen=True):
    """Links to place, as (path, target), and paths to remove."""

    place: tuple[tuple[str, str], ...]
    remove: tuple[str, ...]


def change(root: str, wanted: Links, there: Mapping[str, str]) -> Change:
    """What makes folder ``root`` hold exactly ``wanted``.

    ``there`` is all that lies below it, by path: targets of links, empty for anything else.
    """
    folders = _folders(root, wanted)
    place = tuple((path, target) for path, target in sorted(wanted.items()) if there.get(path) != target)
    foreign = there.keys() - wanted.keys() - folders
    return Change(place, tuple(sorted(p for p in foreign if p.rpartition("/")[0] not in foreign)))


def versioned(service: ServiceSpec) -> tuple[ConfigFile, ...]:
    """All files that lie in the folder of the version in use, by their path in the volume."""
    version = service.files_digest()
    files = tuple(replace(f, path=f"{version}/{f.path}") for f in service.files)
    return (*files, manifest(version, service.linked.placed())) if service.linked else files


def manifest(version: str, links: Links) -> ConfigFile:
    """The list of a version's links."""
    return ConfigFile(f"{version}/{MANIFEST}", json.dumps(dict(links), sort_keys=True).encode())


def read_manifest(content: bytes | None) -> dict[str, str]:
    """The links of a version; none where it has no list."""
    return {str(path): str(target) for path, target in json.loads(content or b"{}").items()}


def _folders(root: str, links: Iterable[str]) -> set[str]:
    """The root and every folder below it that has a link somewhere inside."""
    found = {root}
    for path in links:
        folder = path.rpartition("/")[0]
        while folder.startswith(f"{root}/"):
            found.add(folder)
            folder = folder.rpartition("/")[0]
    return found
