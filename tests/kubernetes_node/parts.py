"""What a node is made of: programs from Debian packages and Go modules, built once; images as archives."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

from stack.images.debian import ARCHITECTURES, Debian

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".stack/cache/kubernetes-node"
VERSION = "1.37.2"
PACKAGES = ("etcd-server", "containerd", "containernetworking-plugins", "kubectl")
PROGRAMS = ("kube-apiserver", "kubelet", "kube-scheduler", "kube-controller-manager", "kube-proxy")
PAUSE = """\
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
static void ended(int number) { (void)number; _exit(0); }
static void reap(int number) { (void)number; while (waitpid(-1, 0, WNOHANG) > 0) {} }
int main(void) { signal(SIGINT, ended); signal(SIGTERM, ended); signal(SIGCHLD, reap); for (;;) pause(); }
"""
PAUSE_IMAGE = "monitoring-stack/pause:1"
IMAGES = ("prometheus", "alertmanager", "node_exporter", "app")


def say(text: str) -> None:
    """A line of progress."""
    print(text, flush=True)


def run(*argv: str, **told: object) -> str:
    """What a command prints; its error ends everything."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False, **told)  # type: ignore[call-overload]
    if done.returncode:
        raise SystemExit(f"{' '.join(argv[:4])} ...: {done.stdout[-500:]}{done.stderr[-1500:]}")
    return str(done.stdout)


def packages() -> Path:
    """The folder in which the packages are unpacked."""
    root = CACHE / "root"
    if not (root / "usr/bin/etcd").is_file():
        began = time.monotonic()
        debian = Debian(CACHE / "debian", ARCHITECTURES[os.uname().machine])
        for deb in debian.gather({"node": PACKAGES})["node"]:
            run("dpkg-deb", "-x", str(deb.path), str(root))
        say(f"packages {time.monotonic() - began:.0f} s")
    return root / "usr"


def programs() -> Path:
    """The folder with Kubernetes' own programs; building them takes a processor twenty minutes."""
    folder = CACHE / f"bin-{VERSION}"
    major, minor, _ = VERSION.split(".")
    stamps = {"gitVersion": f"v{VERSION}", "gitMajor": major, "gitMinor": minor}
    flags = "-s -w " + " ".join(
        f"-X k8s.io/component-base/version.{key}={value}" for key, value in stamps.items()
    )
    environment = {**os.environ, "CGO_ENABLED": "0", "GOMAXPROCS": "1", "GOFLAGS": "-mod=mod"}
    for name in PROGRAMS:
        if not (folder / name).is_file():
            began = time.monotonic()
            folder.mkdir(parents=True, exist_ok=True)
            unfinished = folder / f".{name}"
            run(
                "nice", "-n", "19", "go", "build", "-p", "1", "-trimpath", "-ldflags", flags,
                "-o", str(unfinished), f"k8s.io/kubernetes/cmd/{name}",
                cwd=Path(__file__).parent, env=environment,
            )  # fmt: skip
            unfinished.rename(folder / name)
            say(f"{name} {time.monotonic() - began:.0f} s")
    return folder


def images(folder: Path) -> Iterable[Path]:
    """Archives of the images that the engine here has, built where they are not, and of the pause container."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pause.c").write_text(PAUSE)
    run("gcc", "-static", "-Os", "-s", "-o", str(folder / "pause"), str(folder / "pause.c"))
    run("tar", "-C", str(folder), "-cf", str(folder / "pause-root.tar"), "pause")
    run("docker", "import", "--change", 'ENTRYPOINT ["/pause"]', str(folder / "pause-root.tar"), PAUSE_IMAGE)
    names = [f"monitoring-stack/{name}:local" for name in IMAGES]
    run("docker", "save", "-o", str(folder / "stack.tar"), PAUSE_IMAGE, *names)
    return (folder / "stack.tar",)
