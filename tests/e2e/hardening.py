"""What holds for every container of a stack, whatever it runs."""

from __future__ import annotations

from tests.e2e.stack_command import Stack


def assert_closed(stack: Stack) -> None:
    """No root, no writable root, no capability, no open port, limits on everything."""
    for component, found in stack.inspect().items():
        host = found["HostConfig"]
        assert found["Config"]["User"].split(":")[0] not in ("", "0", "root"), component
        assert host["ReadonlyRootfs"], component
        assert host["CapDrop"] == ["ALL"] and not host["CapAdd"], component
        assert "no-new-privileges:true" in host["SecurityOpt"], component
        assert host["Memory"] > 0 and host["NanoCpus"] > 0 and host["PidsLimit"] > 0, component
        assert found["Config"]["Healthcheck"]["Test"], component
        assert not host["Privileged"] and host["NetworkMode"] == stack.name, component
        addresses = [b["HostIp"] for bindings in (host["PortBindings"] or {}).values() for b in bindings]
        assert set(addresses) <= {"127.0.0.1"}, component
        assert not [
            m for m in found["Mounts"] if m["Type"] == "bind" and (m["RW"] or "docker.sock" in m["Source"])
        ]
