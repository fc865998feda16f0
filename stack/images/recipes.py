"""What a recipe is: how a local image is made of distribution packages: which, and what is left out, moved and added.

The result has the layout of the official image, so that one description of a container runs both. Data only.
"""

from __future__ import annotations

import hashlib

from msgspec import Struct
from msgspec.structs import asdict, replace

from stack.engine.interface import ImageConfig
from stack.model.spec import NOBODY

COMMON = ("base-files", "busybox-static", "ca-certificates", "libc6", "tzdata")
APPLETS = (
    "cat",
    "env",
    "false",
    "id",
    "kill",
    "ls",
    "mkdir",
    "nc",
    "nslookup",
    "ps",
    "rm",
    "sh",
    "sleep",
    "stat",
    "true",
    "wget",
)
"""Commands of the static busybox: ``wget`` for health checks, ``kill`` for reloads, ``rm`` for old files.

The rest is for a look around.
"""
LEFT_OUT = (
    "etc/default/*",
    "etc/init.d/*",
    "etc/logrotate.d/*",
    "usr/games*",
    "usr/include*",
    "usr/lib/*/gconv/*",
    "usr/lib/systemd/*",
    "usr/lib/python3*/__pycache__/*",
    "usr/lib/python3*/idlelib/*",
    "usr/lib/python3*/pydoc_data/*",
    "usr/lib/python3*/test/*",
    "usr/lib/python3*/turtledemo/*",
    "usr/share/applications/*",
    "usr/share/bash-completion/*",
    "usr/share/bug/*",
    "usr/share/doc/*/changelog*",
    "usr/share/doc/*/NEWS*",
    "usr/share/doc/*/README*",
    "usr/share/doc/*/docs/*",
    "usr/share/doc/*/examples/*",
    "usr/share/initramfs-tools/*",
    "usr/share/lintian/*",
    "usr/share/man/*",
    "usr/share/pixmaps/*",
    "usr/share/prometheus/web/static/*",
)
"""Shell patterns of paths that no image needs; copyright files stay."""
ACCOUNTS = (
    ("etc/passwd", f"root:x:0:0:root:/root:/bin/sh\nnobody:x:{NOBODY}:{NOBODY}:nobody:/:/bin/false\n"),
    ("etc/group", f"root:x:0:\nnobody:x:{NOBODY}:\n"),
)
TLS_LINKS = (
    ("usr/lib/ssl/cert.pem", "/etc/ssl/certs/ca-certificates.crt"),
    ("usr/lib/ssl/certs", "/etc/ssl/certs"),
)
LINKS = tuple((f"usr/bin/{a}", "busybox") for a in APPLETS) + TLS_LINKS


class Recipe(Struct, frozen=True):
    """One local image; all paths are relative to the root.

    ``moves`` are (from, to), ``links`` (path, target), ``files`` (path, text) and ``folders`` (path, owner's uid).
    """

    packages: tuple[str, ...]
    main: str
    config: ImageConfig
    moves: tuple[tuple[str, str], ...] = ()
    folders: tuple[tuple[str, int], ...] = ()
    files: tuple[tuple[str, str], ...] = ACCOUNTS
    links: tuple[tuple[str, str], ...] = LINKS
    left_out: tuple[str, ...] = LEFT_OUT

    def digest(self) -> str:
        """Identity of the recipe: another digest means that an image made by it is out of date."""
        told = {**asdict(self), "config": asdict(self.config)}
        return hashlib.sha256(repr(told).encode()).hexdigest()[:12]


NOBODY_USER = f"{NOBODY}:{NOBODY}"


def python() -> Recipe:
    """The base of our own programs' images."""
    return Recipe(
        (*COMMON, "netbase", "python3"),
        "python3",
        ImageConfig(cmd=("python3",), env=(("LANG", "C.UTF-8"),)),
    )


def labelled(config: ImageConfig, labels: tuple[tuple[str, str], ...]) -> ImageConfig:
    """The same defaults with labels."""
    return replace(config, labels=labels)
