"""What is found of a file in a container: what it looks like from outside, or all of it."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

FOLDER_MODE = 0o755
"""Permissions of a configuration volume and of the folders in it."""
FileKind = Literal["file", "folder", "link", "other"]


class FileStat(Struct, frozen=True):
    """What an engine tells of a file without its content: bytes, permissions, last change, a link's whole target."""

    kind: FileKind
    mode: int
    size: int
    changed: str
    target: str = ""


class FileFound(Struct, frozen=True):
    """A file, folder or link as it is read: permissions, owner, content, a link's target as it is written.

    ``uid`` is None where the engine does not tell owners as containers see them.
    """

    kind: FileKind
    mode: int
    uid: int | None
    content: bytes = b""
    target: str = ""
