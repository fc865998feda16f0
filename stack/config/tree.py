"""Reads the native configuration folders, and those of the user's own, into memory, bounded and in a stable order.

Never writes. What cannot be read is kept as a value beside what can: it is refused where files are checked, while
commands that only look still can.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct, field

from stack.common.errors import ConfigurationInvalid
from stack.config.walk import Found, walk
from stack.model.left_out import LeftOut

FOLDERS = ("prometheus", "alertmanager", "grafana")
NEEDED = ("prometheus/prometheus.yml", "alertmanager/alertmanager.yml")
OWN = "own"
"""The user's own folder, beside stack.toml."""
RULE_TESTS = "prometheus/tests/"


class Native(Struct, frozen=True):
    """Files by path with forward slashes, the user's own below ``own/``; and what cannot be read."""

    tree: Mapping[str, bytes] = field(default_factory=dict)
    left_out: tuple[LeftOut, ...] = ()

    def overlaid(self, files: Mapping[str, bytes | None]) -> Native:
        """With these contents in place of what was read; a file without one is not there."""
        kept = {path: content for path, content in self.tree.items() if path not in files}
        new = {path: content for path, content in files.items() if content is not None}
        return Native(kept | new, tuple(one for one in self.left_out if one.path not in files))


def read_native(config: Path, home: Path) -> Native:
    """The configuration folders in ``config`` and the user's own in ``home``, which need not be there."""
    tree: dict[str, bytes] = {}
    left_out: list[LeftOut] = []
    for found in (*_shipped(config), *_own(home / OWN)):
        if isinstance(found, LeftOut):
            left_out.append(found)
        elif not found[0].startswith(RULE_TESTS):
            tree[found[0]] = found[1]
    gone = {one.path for one in left_out}
    if missing := [name for name in NEEDED if name not in tree and name not in gone]:
        raise ConfigurationInvalid(f"{config / missing[0]} is missing", hint="restore it from the checkout")
    return Native(tree, tuple(left_out))


def read_tree(root: Path) -> dict[str, bytes]:
    """Every file of the configuration folders below ``root``; none of anybody's own."""
    native = read_native(root, root / ".none")
    for one in native.left_out:
        if one.weight == "fault":
            raise ConfigurationInvalid(f"{root / one.path}: {one.why}", hint=one.hint)
    return dict(native.tree)


def _shipped(root: Path) -> Iterator[Found]:
    for folder in FOLDERS:
        if not (root / folder).is_dir():
            raise ConfigurationInvalid(f"{root / folder} is missing", hint="run from a whole checkout")
        yield from walk(root / folder, folder)


def _own(folder: Path) -> Iterator[Found]:
    if folder.exists() or folder.is_symlink():
        yield from walk(folder, OWN)
