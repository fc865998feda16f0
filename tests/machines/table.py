"""The machines: how each is run, and what a user of it is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from stack.images.debian import SUITE
from tests.machines.machine import Machine, Place
from tests.machines.tree import OLD, ROOTLESS

HOME = "/home/u"
PODMAN = ("podman", "system", "service", "-t", "0", "unix:///run/docker.sock")
RUNTIME = f"/run/user/{ROOTLESS}"


@dataclass(frozen=True)
class Row:
    """``says``: what ``start`` prints of the engine; ``refused``: the only line, where it is not to be used.

    ``info``: fields of ``GET /info`` that a proxy before the socket changes. ``proves``: of what the engine itself says
    it is, so that a row never tests something else. ``after``: what happens to the proven machine before it must still
    be what it was.
    """

    name: str
    machine: Machine
    proves: Callable[[dict[str, Any]], object] = lambda info: True
    says: tuple[str, ...] = ()
    refused: str = ""
    info: dict[str, Any] = field(default_factory=dict)
    after: Callable[[Place], object] | None = None


def security(info: dict[str, Any]) -> str:
    return " ".join(info["SecurityOptions"])


ROWS = (
    Row(
        "docker-containerd-store",
        Machine(
            (
                "dockerd",
                "--feature",
                "containerd-snapshotter=true",
                "--userland-proxy=false",
                "--log-driver=none",
            ),
            SUITE,
        ),
        lambda info: (
            "io.containerd.snapshotter.v1" in str(info["DriverStatus"]) and info["LoggingDriver"] == "none"
        ),
        says=(r"engine +Docker (2[89]|[3-9]\d)\.",),
    ),
    Row(
        "docker-userns-live-restore",
        Machine(
            (
                *("dockerd", "--userns-remap=default", "--live-restore"),
                *("--default-address-pool", "base=10.213.0.0/16,size=26"),
            ),
            SUITE,
        ),
        lambda info: "name=userns" in security(info) and info["LiveRestoreEnabled"],
        after=Place.crash,
    ),
    Row(
        "docker-rootless",
        Machine(
            ("sh", "/usr/share/docker.io/contrib/dockerd-rootless.sh"),
            SUITE,
            f"user/{ROOTLESS}/docker.sock",
            ROOTLESS,
            (("HOME", HOME), ("XDG_RUNTIME_DIR", RUNTIME), ("DOCKER_IGNORE_BR_NETFILTER_ERROR", "1")),
            ("/dev/net/tun",),
        ),
        lambda info: "name=rootless" in security(info),
        says=("cannot limit CPU time and memory and swap and the number of processes",),
    ),
    Row(
        "docker-of-debian-12-poor",
        Machine(
            (
                *("prlimit", "--nofile=4096:4096", "taskset", "--cpu-list", "0"),
                *("setpriv", "--bounding-set", "-sys_resource", "dockerd"),
            )
        ),
        lambda info: info["NCPU"] == 1,
        says=("cannot limit CPU time", "may not set the number of open files"),
        info={"CpuCfsQuota": False},
    ),
    Row(
        "podman-5",
        Machine(PODMAN, SUITE),
        says=(r"engine +Podman [5-9]\.",),
    ),
    Row(
        "podman-of-debian-12",
        Machine(PODMAN, OLD),
        refused=r"error: Podman 4\.3\.1 answers at .*, whose API lacks what this bundle needs: "
        r"Podman 5 or later, or Docker 20\.10 or later",
    ),
)
