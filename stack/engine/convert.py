"""From our values to the body of the engine's API and back: the one place that knows both.

Pure functions. Hardening (CIS Docker Benchmark 1.6.0, section 5) is not an option: every container gets it.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from stack.engine import labels
from stack.engine.interface import Job, Usage
from stack.model.observed import HELPER
from stack.model.outer import MACHINE
from stack.model.spec import LOG, OPEN_FILES, RESTART, Health, Limits, Mount, Port, ServiceSpec

NANO = 1_000_000_000
MIB = 1024 * 1024
SCRATCH = Mount("tmpfs", "", "/tmp", read_only=False, size=64 * MIB)  # noqa: S108 - inside the container
VOLUME_ROOT = "/v"
HOST = "host"
"""The network of the engine's machine, as engines call it."""
STOP_SECONDS = 10
"""What an engine waits between TERM and KILL where a container declares nothing."""
JOB_MEMORY = 512 * MIB

Body = dict[str, Any]


def service_body(stack: str, service: ServiceSpec) -> Body:
    """``POST /containers/create`` for a component."""
    health = _healthcheck(service.health)
    host = {
        **_hardened(service.limits.memory, service.limits.cpus, service.limits.pids),
        "NetworkMode": HOST if service.host_network else stack,
        "RestartPolicy": {"Name": RESTART},
        "Mounts": [_mount(m, stack) for m in service.mounts if m.kind != "tmpfs"],
        "Tmpfs": _tmpfs(service.mounts),
        "PortBindings": _bindings(service.published),
        "LogConfig": _logs(*service.log),
    }
    if service.extra_hosts:
        host["ExtraHosts"] = [f"{name}:{address}" for name, address in service.extra_hosts]
    if any(mount.kind == "bind" for mount in service.mounts):
        # SELinux lets no container read the host's files, whose labels must stay as they are.
        host["SecurityOpt"] = [*host["SecurityOpt"], "label=disable"]
    if service.pid_host:
        host["PidMode"] = "host"
    if health["Test"][0] == "CMD-SHELL":
        # A shell that times out leaves children behind, which a plain process 1 would never reap.
        host["Init"] = True
    body: Body = {
        "Image": service.image,
        "User": service.user,
        "Env": [f"{key}={value}" for key, value in service.environment],
        "Labels": labels.of_service(stack, service.component, service.digest(), service.needs),
        "Healthcheck": health,
        "StopTimeout": service.stop_seconds,
        "ExposedPorts": {f"{service.port}/tcp": {}},
        "HostConfig": host,
        **_names(stack, service),
    }
    if service.stop_signal:
        body["StopSignal"] = f"SIG{service.stop_signal}"
    if service.entrypoint:
        body["Entrypoint"] = list(service.entrypoint)
    if service.command:
        body["Cmd"] = list(service.command)
    return body


def _names(stack: str, service: ServiceSpec) -> Body:
    """By which it is known on the stack's network, where it is on it."""
    if service.host_network:
        return {}
    network = {"EndpointsConfig": {stack: {"Aliases": list(service.aliases)}}}
    return {"Hostname": service.hostname or service.host, "NetworkingConfig": network}


def update_body(limits: Limits) -> Body:
    """``POST /containers/{id}/update``: what can be changed while a container runs."""
    given = _hardened(limits.memory, limits.cpus, limits.pids)
    changeable = ("Memory", "MemorySwap", "NanoCpus", "PidsLimit")
    return {**{name: given[name] for name in changeable}, "RestartPolicy": {"Name": RESTART}}


def helper_body(stack: str, image: str, volume: str) -> Body:
    """A container that is never started: it only lends its mount to an archive."""
    return _unstarted(image, labels.of_helper(stack, image), _whole_volume(volume, stack))


def state_body(stack: str, image: str) -> Body:
    """The container that holds a stack's state volume: never started, so that no prune takes the volume."""
    marks = labels.of_state(stack)
    mount = _whole_volume(keeper_name(stack, labels.STATE), stack)
    mount["VolumeOptions"]["Labels"] = marks
    return _unstarted(image, marks, mount)


def lock_body(stack: str, image: str, holder: str) -> Body:
    """The container that is a stack's lock: never started; ``holder`` is JSON."""
    return _unstarted(image, labels.of_lock(stack, holder))


def again(inspect: Mapping[str, Any]) -> Body:
    """The body that makes the same container once more, from what ``GET /containers/{id}/json`` says of it.

    On its own network only: engines before 25 create with one.
    """
    config, host = inspect["Config"], inspect["HostConfig"]
    joined = (inspect.get("NetworkSettings") or {}).get("Networks") or {}
    short = inspect["Id"][:12]
    endpoints = {
        name: {"Aliases": [a for a in endpoint.get("Aliases") or () if a != short]}
        for name, endpoint in joined.items()
        if name == host.get("NetworkMode")
    }
    return {**config, "HostConfig": host, "NetworkingConfig": {"EndpointsConfig": endpoints}}


def _unstarted(image: str, marks: dict[str, str], *mounts: Body) -> Body:
    return {
        "Image": image,
        "Entrypoint": ["/never-started"],
        "Labels": marks,
        "NetworkDisabled": True,
        "HostConfig": {
            **_hardened(64 * MIB, 0.1, 16, ulimits=False),
            "NetworkMode": "none",
            "Mounts": list(mounts),
        },
    }


def _whole_volume(volume: str, stack: str) -> Body:
    return _mount(Mount("volume", volume, VOLUME_ROOT, read_only=False), stack, copy=False)


def keeper_name(stack: str, role: str) -> str:
    """Name of the container, and of the volume, that keeps a stack's state or lock."""
    return f"{stack}-{role}"


def job_body(stack: str, job: Job) -> Body:
    """A short-lived container; its root is writable only where files must be put into it."""
    body: Body = {
        "Image": job.image,
        "Entrypoint": [job.argv[0]],
        "Cmd": list(job.argv[1:]),
        "Labels": labels.of_helper(stack, job.image),
        "Healthcheck": {"Test": ["NONE"]},
        "HostConfig": {
            **_hardened(JOB_MEMORY, 2.0, 256, ulimits=False),
            "ReadonlyRootfs": not job.files,
            "NetworkMode": job.network or "none",
            # Where files are put in, the root is writable and nothing may hide them.
            "Tmpfs": {} if job.files else _tmpfs(()),
        },
    }
    if job.machine:
        body["HostConfig"]["ExtraHosts"] = [f"{MACHINE}:host-gateway"]
    if job.user:
        body["User"] = job.user
    return body


def removal_body(stack: str, image: str, volume: str, paths: Iterable[str]) -> Body:
    """A job that removes ``paths`` from a volume. Root, since folders and files have all kinds of owners."""
    argv = ("rm", "-rf", "--", *(f"{VOLUME_ROOT}/{path}" for path in paths))
    body = job_body(stack, Job(image, argv, user="0:0"))
    body["HostConfig"] |= {"CapAdd": ["DAC_OVERRIDE"], "Mounts": [_whole_volume(volume, stack)]}
    return body


def volume_body(stack: str, image: str, volume: str, argv: tuple[str, ...]) -> Body:
    """A job on a whole volume, whose output only who is attached gets, and which the engine removes at its end.

    Root, since files have all kinds of owners, who stay.
    """
    body = job_body(stack, Job(image, argv, user="0:0"))
    body["HostConfig"] |= {
        "CapAdd": ["CHOWN", "DAC_OVERRIDE", "FOWNER"],
        "Mounts": [_whole_volume(volume, stack)],
        "AutoRemove": True,
        "LogConfig": {"Type": "none", "Config": {}},
    }
    attached = {"AttachStdin": True, "AttachStdout": True, "AttachStderr": True}
    return body | attached | {"OpenStdin": True, "StdinOnce": True}


def helper_name(stack: str) -> str:
    """A name that no other helper has."""
    return f"{stack}-{HELPER}-{secrets.token_hex(4)}"


def link_target(stat: str) -> str:
    """Last part of a link's target in the engine's words (JSON in base64); empty where there is no such link."""
    try:
        target = json.loads(base64.b64decode(stat, validate=True))["linkTarget"]
    except (ValueError, KeyError, TypeError):
        return ""
    return str(target).rpartition("/")[2]


def published(inspect: Mapping[str, Any]) -> str:
    """``address:port`` of the first published port: as the engine bound it, else as it was asked to."""
    bound = (inspect.get("NetworkSettings") or {}).get("Ports") or {}
    asked = (inspect.get("HostConfig") or {}).get("PortBindings") or {}
    for bindings in (*bound.values(), *asked.values()):
        for binding in bindings or ():
            return address(binding.get("HostIp", ""), binding.get("HostPort", ""))
    return ""


def address(host: str, port: str | int) -> str:
    """``host:port``, an IPv6 host in brackets (RFC 3986, 3.2.2)."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def usage(stats: Mapping[str, Any]) -> Usage:
    """What ``GET /containers/{id}/stats`` says; the page cache is left out (cgroup v1 and v2 name it apart)."""
    memory = stats.get("memory_stats") or {}
    detail = memory.get("stats") or {}
    cache = detail.get("total_inactive_file", detail.get("inactive_file", 0))
    return Usage(max(memory.get("usage", 0) - cache, 0), memory.get("limit", 0))


def _hardened(memory: int, cpus: float, pids: int, *, ulimits: bool = True) -> Body:
    """Without ``ulimits`` the engine's own count: a short-lived container has no use for more."""
    limits = [{"Name": "nofile", "Soft": OPEN_FILES, "Hard": OPEN_FILES}] if ulimits else []
    return {
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges:true"],
        "ReadonlyRootfs": True,
        "Privileged": False,
        "IpcMode": "private",
        "Memory": memory,
        "MemorySwap": memory,
        "NanoCpus": int(cpus * NANO),
        "PidsLimit": pids,
        "Ulimits": limits,
        "LogConfig": _logs(*LOG),
    }


def _logs(size: str, count: int) -> Body:
    return {"Type": "json-file", "Config": {"max-size": size, "max-file": str(count)}}


def _mount(mount: Mount, stack: str, *, copy: bool = True) -> Body:
    body: Body = {
        "Type": mount.kind,
        "Source": mount.source,
        "Target": mount.target,
        "ReadOnly": mount.read_only,
    }
    if mount.kind == "bind":
        # A mount that holds the engine's own folder is the engine's business: rslave where the root is shared.
        body |= {} if mount.source == "/" else {"BindOptions": {"Propagation": "rprivate"}}
    else:
        # A data volume takes the owner of the image's folder; what we fill ourselves must begin empty.
        body["VolumeOptions"] = {
            "NoCopy": mount.read_only or not copy,
            "Labels": labels.of_volume(stack, mount.source),
        }
    return body


def _tmpfs(mounts: Iterable[Mount]) -> dict[str, str]:
    wanted = {m.target: m for m in (SCRATCH, *(m for m in mounts if m.kind == "tmpfs"))}
    return {
        target: f"rw,noexec,nosuid,nodev,mode=1777,size={m.size or SCRATCH.size}"
        for target, m in wanted.items()
    }


def _bindings(port: Port | None) -> Body:
    if port is None:
        return {}
    return {f"{port.container}/tcp": [{"HostIp": port.address, "HostPort": str(port.host)}]}


def _healthcheck(health: Health) -> Body:
    known = health.test[0] in ("CMD", "CMD-SHELL", "NONE")
    return {
        "Test": list(health.test) if known else ["CMD", *health.test],
        "Interval": int(health.interval * NANO),
        "Timeout": int(health.timeout * NANO),
        "Retries": health.retries,
        "StartPeriod": int(health.start_period * NANO),
    }
