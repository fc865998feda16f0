"""The first process of a machine: puts the root file system together, becomes the engine's parent, and ends with it.

Runs as ``python -m tests.machines.inside PLAN`` in namespaces of its own (network, processes, mounts); ``PLAN``, see
there, is JSON. SIGUSR1 ends the engine without warning and starts it again, as a crash and systemd would.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

SET_FLAGS, UP = 0x8914, 0x1  # SIOCSIFFLAGS, IFF_UP
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Plan:
    """``folder`` holds all that the machine writes: ``run``, ``lib`` (its /var/lib) and what its root changes.

    ``tree``: the read-only root file system; empty for this machine's own, of which only /run and /var/lib/docker are
    replaced then. ``user``: who runs the engine; everything in ``lib`` is theirs. ``devices``: paths below /dev that
    everybody may use there.
    """

    folder: str
    tree: str
    argv: tuple[str, ...]
    user: int = 0
    environment: tuple[tuple[str, str], ...] = ()
    devices: tuple[str, ...] = ()


def mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)


def own_root(plan: Plan) -> None:
    """A root file system over the tree, with what a system has mounted, and the old one out of sight."""
    folder = Path(plan.folder)
    root = folder / "root"
    for name in ("root", "changed", "work", "run", "lib"):
        (folder / name).mkdir(exist_ok=True)
    layers = f"lowerdir={plan.tree},upperdir={folder}/changed,workdir={folder}/work"
    mount("-t", "overlay", "-o", layers, "overlay", str(root))
    for source in ("/sys", "/dev"):
        mount("--rbind", source, f"{root}{source}")
    mount("-t", "proc", "proc", f"{root}/proc")
    for place in ("/tmp", "/dev/shm"):
        mount("-t", "tmpfs", "tmpfs", f"{root}{place}")
    mount("--bind", str(folder / "run"), f"{root}/run")
    mount("--bind", str(folder / "lib"), f"{root}/var/lib")
    for device in plan.devices:
        real = Path(device).stat()
        copy = root / "tmp" / Path(device).name
        os.mknod(copy, real.st_mode, real.st_rdev)
        copy.chmod(0o666)
        mount("--bind", str(copy), f"{root}{device}")
    os.chdir(root)
    subprocess.run(["pivot_root", ".", "old"], check=True)
    os.chdir("/")
    subprocess.run(["/bin/busybox", "umount", "-l", "/old"], check=True)


def host_root(plan: Plan) -> None:
    """This machine's own file system, but for what an engine writes to."""
    mount("-t", "proc", "proc", "/proc")
    for name, place in (("run", "/run"), ("lib", "/var/lib/docker")):
        (Path(plan.folder) / name).mkdir(exist_ok=True)
        Path(place).mkdir(parents=True, exist_ok=True)
        mount("--bind", f"{plan.folder}/{name}", place)


def engine(plan: Plan) -> int:
    """Starts it; its process id."""
    child = os.fork()
    if child == 0:
        if plan.user:
            os.setgroups([])
            os.setgid(plan.user)
            os.setuid(plan.user)
        os.execvpe(plan.argv[0], plan.argv, {"PATH": PATH, **dict(plan.environment)})
    return child


def belongs_to(user: int, *places: str) -> None:
    for place in places:
        Path(place).mkdir(parents=True, exist_ok=True)
        os.chown(place, user, user)


def main(told: str) -> int:
    raw = json.loads(told)
    plan = Plan(**{**raw, "argv": tuple(raw["argv"]), "environment": tuple(map(tuple, raw["environment"]))})
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SET_FLAGS, struct.pack("16sh", b"lo", UP))
    os.environ["PATH"] = PATH
    (own_root if plan.tree else host_root)(plan)
    if plan.user:
        belongs_to(
            plan.user, "/var/lib", *(dict(plan.environment)[name] for name in ("HOME", "XDG_RUNTIME_DIR"))
        )
    running = engine(plan)
    killed: set[int] = set()

    def crash(number: int, frame: object) -> None:
        killed.add(running)
        os.kill(running, signal.SIGKILL)

    signal.signal(signal.SIGUSR1, crash)
    while True:
        ended, status = os.wait()
        if ended == running:
            if ended not in killed:
                return os.waitstatus_to_exitcode(status) & 0xFF
            Path("/run/docker.pid").unlink(missing_ok=True)
            running = engine(plan)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
