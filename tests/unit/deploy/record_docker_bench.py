"""Records what docker-bench-security says of containers that follow its advice and of such that do not.

    python -m tests.unit.deploy.record_docker_bench FOLDER IMAGE

FOLDER holds docker-bench-security (docker/docker-bench-security, Apache License 2.0; none of it is kept here), IMAGE is
one on the engine that has a shell; it needs root. Written is docker_bench.json beside this file: what the engine said
of each container, in the parts that are judged, and the script's verdicts. The containers go afterwards.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

RECORDED = Path(__file__).with_name("docker_bench.json")
PREFIX = "bench-"
ADVISED = {
    "--read-only": "true", "--security-opt": "no-new-privileges:true", "--cap-drop": "ALL", "--memory": "64m",
    "--cpus": "0.5", "--pids-limit": "64", "--user": "65534:65534", "--network": f"{PREFIX}net",
    "--ulimit": "nofile=1024", "--health-cmd": "true", "--restart": "unless-stopped",
}  # fmt: skip


def sound(*more: str, **other: str | None) -> tuple[str, ...]:
    """The words of a container that follows all advice; ``other`` replaces an option's value, None leaves it out."""
    told = {**ADVISED, **{f"--{name.replace('_', '-')}": value for name, value in other.items()}}
    return (*(f"{name}={value}" for name, value in told.items() if value is not None), *more)


SAMPLES: dict[str, tuple[str, ...]] = {
    "sound": sound(),
    "bare": (),
    "root": sound(user="0"),
    "rootgroup": sound(user="0:0"),
    "usualcaps": sound("--cap-add=CHOWN", "--cap-add=NET_RAW"),
    "caps": sound("--cap-add=CHOWN", "--cap-add=NET_ADMIN"),
    "privileged": sound("--privileged"),
    "etc": sound("-v=/etc:/host/etc"),
    "etcro": sound("-v=/etc:/host/etc:ro"),
    "lowport": sound("-p=127.0.0.1:1024:80"),
    "port": sound("-p=127.0.0.1:18080:80"),
    "everywhere": sound("-p=18081:80"),
    "hostnet": sound(network="host"),
    "shares": sound(cpus=None, cpu_shares="512"),
    "quota": sound(cpus=None, cpu_quota="50000"),
    "restarts": sound(restart="on-failure:6"),
    "fiverestarts": sound(restart="on-failure:5"),
    "hostpid": sound("--pid=host"),
    "hostipc": sound("--ipc=host"),
    "device": sound("--device=/dev/null"),
    "shared": sound("--mount=type=bind,source=/srv,target=/srv,readonly,bind-propagation=rshared"),
    "hostuts": sound("--uts=host"),
    "noseccomp": sound("--security-opt=seccomp=unconfined"),
    "hostuser": sound("--userns=host"),
    "unchecked": sound("--no-healthcheck", health_cmd=None),
    "nopids": sound(pids_limit=None),
    "optionless": sound(security_opt=None),
    "limitless": sound(memory=None, cpus=None, ulimit=None),
    "writable": sound(read_only=None),
    "cgroup": sound("--cgroup-parent=/bench"),
    "socket": sound("-v=/run/docker.sock:/var/run/docker.sock:ro"),
    "elsewhere": sound("-v=/run/docker.pid:/var/run/docker.sock:ro"),
}
CHECKS = ("check_4_1", "check_4_5", "check_4_6", *(f"check_5_{number}" for number in range(1, 33)))
TOP = ("Name", "Image", "AppArmorProfile", "Mounts", "State", "Config", "NetworkSettings", "HostConfig")
INNER = {
    "State": ("Health",),
    "Config": ("User", "Image"),
    "NetworkSettings": ("Ports", "Networks"),
    "HostConfig": (
        *(
            "SecurityOpt",
            "CapAdd",
            "Privileged",
            "Memory",
            "NanoCpus",
            "CpuShares",
            "CpuQuota",
            "ReadonlyRootfs",
        ),
        *(
            "RestartPolicy",
            "PidMode",
            "IpcMode",
            "UTSMode",
            "UsernsMode",
            "Devices",
            "Ulimits",
            "CgroupParent",
        ),
        *("PidsLimit", "NetworkMode"),
    ),
}


def docker(*words: str) -> str:
    return subprocess.run(("docker", *words), check=True, capture_output=True, text=True, timeout=60).stdout


def cut(inspect: dict[str, Any]) -> dict[str, Any]:
    """What is judged, and nothing of the machine beside it."""
    kept: dict[str, Any] = {name: inspect.get(name) for name in TOP}
    for name, inside in INNER.items():
        kept[name] = {one: (inspect.get(name) or {}).get(one) for one in inside}
    kept["NetworkSettings"]["Networks"] = {name: {} for name in kept["NetworkSettings"]["Networks"] or ()}
    if kept["State"]["Health"]:
        kept["State"]["Health"] = {"Status": kept["State"]["Health"]["Status"]}
    return kept


def verdicts(folder: Path) -> dict[str, dict[str, Any]]:
    """Id > the script's word and the containers or images that it names."""
    words = ("bash", "docker-bench-security.sh", "-b", "-l", "/tmp/bench.log", "-c", ",".join(CHECKS))
    subprocess.run(words, cwd=folder, check=False, capture_output=True, timeout=600)
    told = json.loads(_whole(Path("/tmp/bench.log.json").read_text()))
    return {
        one["id"]: {"result": one["result"], "items": sorted(set(one.get("items") or ()))}
        for section in told["tests"]
        for one in section["results"]
    }


def _whole(text: str) -> str:
    """Single checks are written without the section that they belong to."""
    head, _, rest = text.partition('"tests": [')
    results, _, end = rest.rpartition("\n  ],")
    return f'{head}"tests": [{{"results": [{results.strip().strip(",")}]}}],{end}'


def shared_folder() -> None:
    """A mount that shares what is mounted in it, without which no container can."""
    subprocess.run(("mount", "--bind", "/srv", "/srv"), check=True)
    subprocess.run(("mount", "--make-rshared", "/srv"), check=True)


def main(folder: str, image: str) -> None:
    names = [f"{PREFIX}{name}" for name in SAMPLES]
    docker("network", "create", f"{PREFIX}net")
    shared_folder()
    try:
        for name, words in SAMPLES.items():
            docker(
                "run",
                "-d",
                "--name",
                f"{PREFIX}{name}",
                *words,
                "--entrypoint",
                "/bin/sh",
                image,
                "-c",
                "sleep 600",
            )
        seen = [cut(json.loads(docker("inspect", name))[0]) for name in names]
        images = {one["Image"]: json.loads(docker("inspect", one["Image"]))[0] for one in seen}
        checked = {key: (one["Config"] or {}).get("Healthcheck") is not None for key, one in images.items()}
        told = {"engine": docker("version", "--format", "{{.Server.Version}}").strip(), "script": "1.6.0"}
        document = {**told, "images": checked, "containers": seen, "verdicts": verdicts(Path(folder))}
        RECORDED.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    finally:
        docker("rm", "-f", *names)
        subprocess.run(("umount", "/srv"), check=True)
        docker("network", "rm", f"{PREFIX}net")


if __name__ == "__main__":
    main(*sys.argv[1:3])
