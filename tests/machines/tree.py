"""A root file system with the engines of a Debian suite in it, unpacked from its packages; nothing is installed."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

from stack.images.debian import ARCHITECTURES, SUITE, Debian

ENGINES = (
    *("docker.io", "containerd", "runc", "iptables", "ca-certificates"),
    *("podman", "crun", "netavark", "aardvark-dns", "nftables"),
    *("rootlesskit", "slirp4netns", "uidmap", "iproute2", "util-linux", "mount", "busybox-static"),
)
OLD = "bookworm"
"""Debian 12, whose Podman is refused."""
PACKAGES = {SUITE: ENGINES, OLD: ("podman", "runc", "conmon", "iptables", "busybox-static")}
MERGED = ("bin", "sbin", "lib", "lib64")
MOUNTED = ("proc", "sys", "dev", "run", "tmp", "old", "root", "home", "var/lib", "var/tmp")
APPLETS = ("sh", "id", "mount", "realpath", "mkdir", "rm", "stat", "readlink", "cat", "ps")
TABLES = ("iptables", "ip6tables")
ROOTLESS = 1000
FILES = {
    "etc/passwd": "root:x:0:0::/root:/bin/sh\ndockremap:x:100:100::/:/bin/sh\n"
    f"u:x:{ROOTLESS}:{ROOTLESS}::/home/u:/bin/sh\n",
    "etc/group": f"root:x:0:\ndockremap:x:100:\nu:x:{ROOTLESS}:\n",
    "etc/subuid": "dockremap:100000:65536\nu:200000:65536\n",
    "etc/subgid": "dockremap:100000:65536\nu:200000:65536\n",
    "etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "etc/resolv.conf": "nameserver 192.0.2.1\n",
    "etc/containers/policy.json": '{"default": [{"type": "insecureAcceptAnything"}]}\n',
    "etc/containers/registries.conf": "",
    "etc/containers/containers.conf": '[engine]\ncgroup_manager = "cgroupfs"\nruntime = "runc"\n'
    'events_logger = "file"\n',
}


def tree(cache: Path, suite: str, packages: tuple[str, ...]) -> Path:
    """The root file system, made where it is missing or the suite has other packages today."""
    machine = subprocess.run(["uname", "-m"], capture_output=True, text=True, check=True).stdout.strip()
    debian = Debian(cache / suite, ARCHITECTURES[machine], suite=suite)
    debs = debian.gather({"engines": packages})["engines"]
    told = "\n".join((*(deb.path.name for deb in debs), *FILES.values(), *APPLETS))
    made = cache / f"tree-{suite}-{hashlib.sha256(told.encode()).hexdigest()[:12]}"
    if not made.is_dir():
        for old in cache.glob(f"tree-{suite}-*"):
            shutil.rmtree(old)
        unfinished = made.with_suffix(".unfinished")
        _unpack([deb.path for deb in debs], unfinished)
        _complete(unfinished)
        unfinished.rename(made)
    return made


def _unpack(debs: list[Path], root: Path) -> None:
    for name in MERGED:
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")
    for deb in debs:
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(deb)], stdout=subprocess.PIPE) as packed:
            words = [
                "tar",
                "-x",
                "-p",
                "--keep-directory-symlink",
                "-C",
                str(root),
                "--exclude=./usr/share/doc",
            ]
            subprocess.run(words, stdin=packed.stdout, check=True)
        assert packed.returncode == 0, deb


def _complete(root: Path) -> None:
    """What the packages' scripts would have done."""
    for name in MOUNTED:
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "var/tmp").chmod(0o1777)
    shutil.rmtree(root / "var/run", ignore_errors=True)
    (root / "var/run").unlink(missing_ok=True)
    (root / "var/run").symlink_to("/run")
    for applet in APPLETS:
        if not (root / "usr/bin" / applet).exists():
            (root / "usr/bin" / applet).symlink_to("busybox")
    for table in TABLES:
        for tool in ("", "-save", "-restore"):
            if not (root / "usr/sbin" / (table + tool)).is_symlink():
                (root / "usr/sbin" / (table + tool)).symlink_to("xtables-nft-multi")
    for path, text in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
