"""What the engine must say of every container of a stack, whoever brought it up."""

from __future__ import annotations

from typing import Any


def open_doors(found: dict[str, Any], network: str) -> list[str]:
    """What an inspected container has or lacks that it shouldn't; empty where it is closed."""
    host, config = found["HostConfig"], found["Config"]
    published = [b["HostIp"] for bindings in (host["PortBindings"] or {}).values() for b in bindings]
    binds = [m for m in found["Mounts"] if m["Type"] == "bind"]
    demands = {
        "runs as root": config["User"].split(":")[0] not in ("", "0", "root"),
        "writable root": host["ReadonlyRootfs"],
        "capabilities": host["CapDrop"] == ["ALL"] and not host["CapAdd"],
        "new privileges": "no-new-privileges:true" in host["SecurityOpt"],
        "privileged": not host["Privileged"],
        "no memory limit": host["Memory"] > 0,
        "no processor limit": host["NanoCpus"] > 0,
        "no process limit": host["PidsLimit"] > 0,
        "logs without bound": bool(host["LogConfig"]["Config"].get("max-size")),
        "no health check": bool(config["Healthcheck"]["Test"]),
        "another network": host["NetworkMode"] == network,
        "published beyond loopback": set(published) <= {"127.0.0.1"},
        "writable host folder": not any(m["RW"] for m in binds),
        "the engine's socket": not any("docker.sock" in m["Source"] for m in binds),
    }
    return [name for name, met in demands.items() if not met]
