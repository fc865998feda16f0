"""Files of the user's own that other files name: secrets and targets, under their paths in the container. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from stack.common import yaml_edit as edit
from stack.common.yaml_paths import NamedFile, meant, named_files, renamed
from stack.components.build import Build
from stack.components.places import OWN
from stack.model.patterns import last_part_matches
from stack.model.spec import CONFIG_ROOT, CURRENT, SECRETS, TARGETS, ConfigFile

OWN_SECRETS = f"{OWN}{SECRETS}/"
OWN_TARGETS = f"{OWN}prometheus/{TARGETS}/"
OWN_RECEIVERS = f"{OWN}receivers/"
OWN_HOSTS = f"{OWN}hosts/"
INSIDE = {
    OWN_SECRETS: f"{CONFIG_ROOT}/{CURRENT}/{SECRETS}/",
    OWN_TARGETS: f"{CONFIG_ROOT}/{TARGETS}/",
}
"""Where they lie in a container. What a process watches must not move with the version in use."""
KEEPER = ".keep"
"""Prometheus cannot watch a folder that is not there, and looks again only after minutes."""
TARGET_SUFFIXES = (".yml", ".yaml", ".json")


def translated(files: Iterable[ConfigFile]) -> tuple[ConfigFile, ...]:
    """The files, in which each path to one of the user's own is that inside the container. Lines stay."""
    return tuple(_translated(file) for file in files)


def _translated(file: ConfigFile) -> ConfigFile:
    text = file.content.decode(errors="surrogateescape")
    edits = [
        renamed(text, named, INSIDE[top] + found.removeprefix(top))
        for named in named_files(text)
        for top in (OWN_TARGETS if named.discovery else OWN_SECRETS,)
        if (found := meant(named.value, file.origin, top))
    ]
    return file.edited(edit.edited(text, edits).encode(errors="surrogateescape"))


def own_secrets(build: Build, files: Iterable[ConfigFile], uid: int) -> tuple[ConfigFile, ...]:
    """The secrets that translated files name, for ``uid`` alone; a missing one is for the validation to name."""
    inside = INSIDE[OWN_SECRETS]
    names = {
        named.value.removeprefix(inside)
        for named in _named(files)
        if not named.discovery and named.value.startswith(inside)
    }
    return tuple(secret_file(build, name, uid) for name in sorted(names) if OWN_SECRETS + name in build.tree)


def secret_file(build: Build, name: str, uid: int) -> ConfigFile:
    """The file ``name`` of own/secrets/, for ``uid`` alone."""
    origin = OWN_SECRETS + name
    return ConfigFile(f"{SECRETS}/{name}", closing_line_cut(build.tree[origin]), 0o400, uid, True, origin)


def own_targets(build: Build, files: Iterable[ConfigFile]) -> tuple[ConfigFile, ...]:
    """The targets' files that translated files name."""
    inside = INSIDE[OWN_TARGETS]
    patterns = [
        named.value.removeprefix(inside)
        for named in _named(files)
        if named.discovery and named.value.startswith(inside)
    ]
    folders = {pattern.rpartition("/")[0] for pattern in patterns}
    keepers = (ConfigFile(posixpath.join(TARGETS, folder, KEEPER), b"") for folder in sorted(folders))
    found = (
        ConfigFile(f"{TARGETS}/{path}", content, origin=OWN_TARGETS + path)
        for path, content in build.below(OWN_TARGETS).items()
        if path.endswith(TARGET_SUFFIXES) and any(last_part_matches(path, pattern) for pattern in patterns)
    )
    return (*keepers, *found)


def _named(files: Iterable[ConfigFile]) -> Iterable[NamedFile]:
    for file in files:
        if not file.secret:
            yield from named_files(file.content.decode(errors="surrogateescape"))


def closing_line_cut(content: bytes) -> bytes:
    """A secret without its closing line break, of which not every product takes no notice."""
    return content.removesuffix(b"\n").removesuffix(b"\r")
