"""How each local image is made of distribution packages, as data: which packages, what is left out, moved and added.

The result has the layout of the official image, so that one description of a container runs both. Data only.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from stack.engine.interface import ImageConfig
from stack.images.pins import NOBODY, PINS, POSTGRES_PROGRAMS

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
"""Commands of the static busybox: ``wget`` for health checks, ``kill`` for reloads, ``rm`` to clear volumes.

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
PAGE = Path(__file__).with_name("prometheus.html")
PAGE_PATH = "usr/share/prometheus/web/no-ui/index.html"
"""Debian builds Prometheus without its web UI and serves this file at every address of the UI instead."""


@dataclass(frozen=True, slots=True)
class Recipe:
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
        return hashlib.sha256(repr(asdict(self)).encode()).hexdigest()[:12]


NOBODY_USER = f"{NOBODY}:{NOBODY}"


def recipes() -> dict[str, Recipe]:
    """Every component that can be built here, and how."""
    return {
        "prometheus": _prometheus(),
        "alertmanager": _alertmanager(),
        "node_exporter": _node_exporter(),
        "postgres": _postgres(),
        "python": _python(),
    }


def _prometheus() -> Recipe:
    command = ("--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus")
    return Recipe(
        (*COMMON, "prometheus", "promtool"),
        "prometheus",
        ImageConfig(("/bin/prometheus",), command, NOBODY_USER, "/prometheus", ports=(9090,)),
        folders=(("etc/prometheus", NOBODY), ("prometheus", NOBODY)),
        files=(*ACCOUNTS, (PAGE_PATH, PAGE.read_text(encoding="utf-8"))),
    )


def _alertmanager() -> Recipe:
    command = ("--config.file=/etc/alertmanager/alertmanager.yml", "--storage.path=/alertmanager")
    return Recipe(
        (*COMMON, "prometheus-alertmanager"),
        "prometheus-alertmanager",
        ImageConfig(("/bin/alertmanager",), command, NOBODY_USER, "/alertmanager", ports=(9093,)),
        moves=(
            ("usr/bin/prometheus-alertmanager", "usr/bin/alertmanager"),
            ("etc/prometheus/alertmanager.yml", "etc/alertmanager/alertmanager.yml"),
        ),
        folders=(("alertmanager", NOBODY), ("etc/alertmanager", NOBODY)),
    )


def _node_exporter() -> Recipe:
    return Recipe(
        (*COMMON, "prometheus-node-exporter"),
        "prometheus-node-exporter",
        ImageConfig(("/bin/node_exporter",), user=NOBODY_USER, ports=(9100,)),
        moves=(("usr/bin/prometheus-node-exporter", "usr/bin/node_exporter"),),
    )


def _postgres() -> Recipe:
    user = PINS["postgres"].user
    passwd, group = (text for _, text in ACCOUNTS)
    return Recipe(
        (*COMMON, "postgresql-18"),
        "postgresql-18",
        ImageConfig(
            (f"{POSTGRES_PROGRAMS}/postgres",),
            user=f"{user}:{user}",
            env=(("PATH", f"/usr/bin:{POSTGRES_PROGRAMS}"), ("LANG", "C.UTF-8")),
            ports=(5432,),
        ),
        folders=(("var/lib/postgresql", user),),
        files=(
            ("etc/passwd", f"{passwd}postgres:x:{user}:{user}:postgres:/var/lib/postgresql:/bin/sh\n"),
            ("etc/group", f"{group}postgres:x:{user}:\n"),
        ),
        links=(*LINKS, ("usr/bin/mv", "busybox")),
        left_out=(*LEFT_OUT, "usr/lib/postgresql/*/lib/bitcode/*", "usr/share/locale/*"),
    )


def _python() -> Recipe:
    return Recipe(
        (*COMMON, "netbase", "python3"),
        "python3",
        ImageConfig(cmd=("python3",), env=(("LANG", "C.UTF-8"),)),
    )


def labelled(config: ImageConfig, labels: tuple[tuple[str, str], ...]) -> ImageConfig:
    """The same defaults with labels."""
    return replace(config, labels=labels)
