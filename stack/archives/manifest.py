"""What an archive says of itself: versions, what was asked for when it was made, and size and hash of each member.

Values, and their form as JSON. It comes last in the archive, since sizes are known last.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

import msgspec
from msgspec import Struct, field

from stack.common.errors import ArchiveRefused

FORMAT = 1
NAME = "manifest.json"
SUMS = "manifest.sha256"
"""The manifest's own hash, as ``sha256sum -c`` reads it."""
MOST_BYTES = 16 << 20
MEMBER = re.compile(r"[a-z][a-z0-9_]{0,63}(\.tar\.zst|\.age)")
HASH = re.compile(r"[0-9a-f]{64}")

Sealed = Literal["passphrase", "recipient", "left out"]


class Member(Struct, frozen=True, forbid_unknown_fields=True):
    """One file of the archive: ``size`` and ``sha256`` as it lies there, ``content`` its bytes once it is unpacked.

    ``component`` is the one whose data it holds; empty for settings and secrets.
    """

    name: str
    size: int
    sha256: str
    content: int
    component: str = ""


class Kept(Struct, frozen=True, forbid_unknown_fields=True):
    """What the products showed when the archive was made, and must show again. Times in Unix seconds; 0 is none.

    ``silences`` by id, ``dashboards`` that came from no file by uid, ``packet`` when the newest alert was received.
    """

    sample: float = 0.0
    silences: tuple[str, ...] = ()
    dashboards: tuple[str, ...] = ()
    packet: float = 0.0


class Manifest(Struct, frozen=True, forbid_unknown_fields=True):
    """``created`` is UTC for people, ``product`` the version of this program, ``versions`` those by component.

    ``switches``: components that were switched on the command line; ``absent``: what is not in it, with the reason.
    """

    stack: str
    created: str
    product: str
    members: tuple[Member, ...]
    versions: Mapping[str, str] = field(default_factory=dict)
    kept: Kept = Kept()
    sealed: Sealed = "left out"
    absent: Mapping[str, str] = field(default_factory=dict)
    format: int = FORMAT

    def dump(self) -> bytes:
        """The document."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"

    def member(self, name: str) -> Member | None:
        """A member by its name in the archive."""
        return next((one for one in self.members if one.name == name), None)

    @property
    def content(self) -> int:
        """Bytes of all that is in it, unpacked."""
        return sum(one.content for one in self.members)


class _Head(Struct):
    format: int = 0


def parse(document: bytes, place: str) -> Manifest:
    """The manifest in a document; ArchiveRefused, naming ``place``, where this version cannot use it."""
    try:
        found = msgspec.json.decode(document, type=_Head).format
        if found != FORMAT:
            raise ArchiveRefused(
                f"{place} has format {found}, this version reads format {FORMAT}",
                hint="use the version of this program that wrote it",
            )
        manifest = msgspec.json.decode(document, type=Manifest)
    except msgspec.MsgspecError as error:
        raise ArchiveRefused(f"{place} is damaged: {NAME}: {error}") from error
    names = [one.name for one in manifest.members]
    for one in manifest.members:
        if not (MEMBER.fullmatch(one.name) and HASH.fullmatch(one.sha256)) or min(one.size, one.content) < 0:
            raise ArchiveRefused(f"{place} is damaged: {NAME} names {one.name!r}, which no backup writes")
    if len(set(names)) != len(names):
        raise ArchiveRefused(f"{place} is damaged: {NAME} names a member twice")
    return manifest
