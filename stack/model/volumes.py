"""What data volumes hold, and the names in them that are not their owner's."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

VolumeKind = Literal["files", "tsdb", "dump"]
"""Any files, the database of Prometheus, or what a database's server wrote to ``DUMP``."""
DUMP = ".stack-dump"
"""Name of the file, in its volume, to which a database's server writes itself down; it goes once it was taken."""
STAGED = ".stack-restore"
"""Folder in a volume with what is to take the place of everything else in it."""


class Damage(Struct, frozen=True):
    """A file or folder of a volume that is damaged, ``why``, and the paths that are moved aside for it."""

    path: str
    why: str
    moved: tuple[str, ...]
