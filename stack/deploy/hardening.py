"""Running containers against the CIS Docker Benchmark 1.6.0, section 5, and what of section 4 a container can tell.

The ids, and what counts as a finding, are those of docker-bench-security 1.6.0, so that the two agree; where this
says more than the script, docs/security.md has it. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stack.deploy.hardening_values import Host, Judged, Look, Reason, Result, Rule, Seen

SENSITIVE = ("/", "/boot", "/dev", "/etc", "/lib", "/proc", "/sys", "/usr")
EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104 - what is looked for
PRIVILEGED_PORTS = 1024
RETRIES = 5
USUAL = (
    *(
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "NET_RAW",
    ),
    *("SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
)
"""Capabilities that an engine gives any container: to ask for one by name adds nothing."""


def _options(seen: Seen) -> list[str]:
    return [str(one) for one in seen.host.get("SecurityOpt") or ()]


def _bindings(seen: Seen) -> Iterator[tuple[str, int]]:
    for bound in ((seen.inspect.get("NetworkSettings") or {}).get("Ports") or {}).values():
        yield from ((str(one.get("HostIp", "")), int(one.get("HostPort") or 0)) for one in bound or ())


def _apparmor(seen: Seen) -> str:
    return (
        "" if seen.inspect.get("AppArmorProfile") not in ("", None, "unconfined") else "no AppArmor profile"
    )


def _selinux(seen: Seen) -> str:
    return "" if _options(seen) else "no security options"


def _capabilities(seen: Seen) -> str:
    added = [one for one in seen.host.get("CapAdd") or () if one.upper().removeprefix("CAP_") not in USUAL]
    return f"capabilities added: {', '.join(added)}" if added else ""


def _privileged(seen: Seen) -> str:
    return "privileged" if seen.host.get("Privileged") else ""


def _mounts(seen: Seen) -> str:
    """Those that can be written; reading them is no finding of docker-bench-security's either."""
    mounts = (one for one in seen.inspect.get("Mounts") or () if one.get("RW"))
    found = sorted(str(one["Source"]) for one in mounts if one.get("Source") in SENSITIVE)
    return f"may write {', '.join(found)}" if found else ""


def _sshd(seen: Seen) -> str:
    return "runs sshd" if any("sshd" in one for one in seen.processes) else ""


def _low_ports(seen: Seen) -> str:
    low = sorted({port for _, port in _bindings(seen) if 0 < port <= PRIVILEGED_PORTS})
    return f"publishes {', '.join(map(str, low))}" if low else ""


def _ports(seen: Seen) -> str:
    found = sorted({f"{address}:{port}" for address, port in _bindings(seen)})
    return f"publishes {', '.join(found)}" if found else ""


def _memory(seen: Seen) -> str:
    return "" if seen.host.get("Memory") else "no limit of memory"


def _cpus(seen: Seen) -> str:
    limits = ("CpuShares", "NanoCpus")
    return "" if any(seen.host.get(one) for one in limits) else "neither shares nor a limit of processors"


def _root(seen: Seen) -> str:
    return "" if seen.host.get("ReadonlyRootfs") else "writable root"


def _wildcard(seen: Seen) -> str:
    ports = sorted({port for address, port in _bindings(seen) if address in EVERYWHERE})
    return f"publishes {', '.join(map(str, ports))} on every address" if ports else ""


def _restarts(seen: Seen) -> str:
    policy = seen.host.get("RestartPolicy") or {}
    return (
        f"restarted {policy['MaximumRetryCount']} times"
        if policy.get("MaximumRetryCount", 0) > RETRIES
        else ""
    )


def _shares(key: str, what: str) -> Look:
    return lambda seen: f"shares the host's {what}" if seen.host.get(key) == "host" else ""


def _devices(seen: Seen) -> str:
    found = [str(one.get("PathOnHost")) for one in seen.host.get("Devices") or ()]
    return f"devices {', '.join(found)}" if found else ""


def _ulimits(seen: Seen) -> str:
    return "" if seen.host.get("Ulimits") else "the engine's own limits of open files"


def _propagation(seen: Seen) -> str:
    mounts = seen.inspect.get("Mounts") or ()
    shared = [str(m["Source"]) for m in mounts if "shared" in str(m.get("Propagation"))]
    return f"shared mounts {', '.join(shared)}" if shared else ""


def _seccomp(seen: Seen) -> str:
    return (
        "seccomp is off" if "seccomp=unconfined" in [one.replace(":", "=") for one in _options(seen)] else ""
    )


def _nothing(seen: Seen) -> str:
    return "the engine keeps no record of it: see the audit log of its machine"


def _cgroup(seen: Seen) -> str:
    parent = seen.host.get("CgroupParent")
    return f"cgroup {parent}" if parent else ""


def _new_privileges(seen: Seen) -> str:
    asked = [one for one in _options(seen) if one.startswith("no-new-privileges")]
    return "" if any(not one.endswith("false") for one in asked) else "may gain privileges"


def _health(seen: Seen) -> str:
    return "" if (seen.inspect.get("State") or {}).get("Health") else "no health check"


def _image(seen: Seen) -> str:
    return (
        f"runs {(seen.inspect.get('Config') or {}).get('Image')}: whether it is the latest, a registry knows"
    )


def _pids(seen: Seen) -> str:
    return "" if (seen.host.get("PidsLimit") or 0) > 0 else "no limit of processes"


def _bridge(seen: Seen) -> str:
    joined = (seen.inspect.get("NetworkSettings") or {}).get("Networks") or {}
    there = seen.host.get("NetworkMode") in ("default", "bridge") or "bridge" in joined
    return "on the engine's default bridge" if there else ""


def _socket(seen: Seen) -> str:
    places = [f"{m.get('Source')} {m.get('Destination')}" for m in seen.inspect.get("Mounts") or ()]
    return "has the engine's socket" if any("docker.sock" in one for one in places) else ""


def _user(seen: Seen) -> str:
    user = str((seen.inspect.get("Config") or {}).get("User") or "")
    return "runs as root" if user.partition(":")[0] in ("", "0", "root") else ""


def _image_health(seen: Seen) -> str:
    return "" if seen.image_has_check else "its image has no health check"


RULES = (
    Rule("4.1", "a user for the container", _user, "an ordinary user"),
    Rule("4.6", "health check of the image", _image_health, "the image has one"),
    Rule("5.2", "AppArmor", _apparmor, "a profile of AppArmor"),
    Rule("5.3", "SELinux or other security options", _selinux, "security options are set"),
    Rule("5.4", "Linux capabilities", _capabilities, "none added"),
    Rule("5.5", "privileged containers", _privileged, "not privileged"),
    Rule("5.6", "sensitive folders of the host", _mounts, "none that can be written"),
    Rule("5.7", "sshd", _sshd, "no sshd among its processes"),
    Rule("5.8", "privileged ports", _low_ports, "none"),
    Rule("5.9", "only needed ports", _ports, "publishes nothing"),
    Rule("5.10", "the host's network", _shares("NetworkMode", "network"), "a network of its own"),
    Rule("5.11", "memory", _memory, "limited"),
    Rule("5.12", "processor time", _cpus, "limited"),
    Rule("5.13", "root file system", _root, "read-only"),
    Rule("5.14", "one address of the host", _wildcard, "no port on every address"),
    Rule("5.15", "at most five restarts", _restarts, "at most five, or as often as it takes"),
    Rule("5.16", "the host's processes", _shares("PidMode", "processes"), "not shared"),
    Rule("5.17", "the host's IPC", _shares("IpcMode", "IPC namespace"), "not shared"),
    Rule("5.18", "devices", _devices, "none", "info"),
    Rule("5.19", "limits of open files", _ulimits, "set", "info"),
    Rule("5.20", "propagation of mounts", _propagation, "none is shared"),
    Rule("5.21", "the host's UTS namespace", _shares("UTSMode", "UTS namespace"), "not shared"),
    Rule("5.22", "seccomp", _seccomp, "not switched off"),
    Rule("5.23", "docker exec, privileged", _nothing, "", "note"),
    Rule("5.24", "docker exec as root", _nothing, "", "note"),
    Rule("5.25", "cgroup", _cgroup, "the engine's own"),
    Rule("5.26", "new privileges", _new_privileges, "none can be gained"),
    Rule("5.27", "health check", _health, "it has one"),
    Rule("5.28", "the latest image", _image, "", "info"),
    Rule("5.29", "processes", _pids, "limited"),
    Rule("5.30", "the default bridge", _bridge, "not on it", "info"),
    Rule("5.31", "the host's user namespace", _shares("UsernsMode", "user namespace"), "not shared"),
    Rule("5.32", "the engine's socket", _socket, "not mounted"),
)
TRUST = ("4.5", "content trust")
SWARM = ("5.1", "swarm mode")
PRIVILEGES = "5.26"


def judged(found: Iterable[Seen], host: Host, reason: Reason) -> Iterator[Judged]:
    """Each recommendation of the engine and of each container, by id."""
    containers = tuple(found)
    yield from _of_engine(host, reason)
    for rule in RULES:
        for one in containers:
            wrong = "" if rule.id == PRIVILEGES and host.restrains else rule.look(one)
            result: Result = rule.level if wrong else "pass"
            why = reason(rule.id, one) if wrong else ""
            yield Judged(rule.id, rule.title, one.name, result, wrong or rule.says, why)


def _of_engine(host: Host, reason: Reason) -> Iterator[Judged]:
    asked = "is asked for" if host.trust else "is not asked for: DOCKER_CONTENT_TRUST is not 1"
    why = "" if host.trust else reason(TRUST[0], None)
    yield Judged(*TRUST, "", "pass" if host.trust else "warn", f"content trust {asked}", why)
    active = host.swarm not in ("", "inactive")
    state = f"swarm mode is {host.swarm or 'inactive'}"
    yield Judged(*SWARM, "", "warn" if active else "pass", state)
