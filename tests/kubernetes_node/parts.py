"""What a node is made of: programs from Debian packages and Go modules, built once; images as archives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import cast

import docker

from stack.images.debian import ARCHITECTURES, Debian
from tests.grafana_standin.image import Builds, build_image

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
COMPONENTS = ("prometheus", "alertmanager", "node_exporter", "app", "postgres", "blackbox")
ALL = {"STACK_DATABASE": "postgres", "STACK_COMPONENTS": "blackbox=on"}
"""Settings that bring all of them along."""


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
    """The folder in which the packages are unpacked, without those that they depend on: the machine's own fit it."""
    root = CACHE / "root"
    if not (root / "usr/bin/etcd").is_file():
        began = time.monotonic()
        debian = Debian(CACHE / "debian", ARCHITECTURES[os.uname().machine])
        for deb in debian.gather({"node": PACKAGES})["node"]:
            if deb.name in PACKAGES:
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


def images() -> dict[str, str]:
    """Component > image that the engine here has, built where it is not; Grafana is the stand-in of the tests."""
    found = _present()
    if missing := [name for name in COMPONENTS if name not in found]:
        say(f"images of {', '.join(missing)} are built")
        _images("build")
        found = _present()
    refs = {name: found[name] for name in COMPONENTS}
    return {**refs, "grafana": build_image(cast(Builds, docker.from_env().api))}


def _present() -> dict[str, str]:
    listed = json.loads(_images("list", "--json"))
    return {row["component"]: row["ref"] for row in listed["images"] if row["id"]}


def _images(*words: str) -> str:
    return run(sys.executable, "-m", "stack", "images", *words, cwd=ROOT, env={**os.environ, **ALL})


def archive(folder: Path, refs: list[str]) -> Path:
    """These images and that of the pause container as one archive."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pause.c").write_text(PAUSE)
    run("gcc", "-static", "-Os", "-s", "-o", str(folder / "pause"), str(folder / "pause.c"))
    run("tar", "-C", str(folder), "-cf", str(folder / "pause-root.tar"), "pause")
    run("docker", "import", "--change", 'ENTRYPOINT ["/pause"]', str(folder / "pause-root.tar"), PAUSE_IMAGE)
    run("docker", "save", "-o", str(folder / "stack.tar"), PAUSE_IMAGE, *refs)
    return folder / "stack.tar"
