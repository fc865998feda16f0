"""Each recommendation of the benchmark: a container that follows it, and one that does not."""

from __future__ import annotations

from typing import Any

import pytest

from stack.deploy.hardening import RULES, SWARM, judged
from stack.deploy.hardening_reasons import NO_APPARMOR, PINNED, PUBLISHED, STARTED_WITH_ONE, reasons
from stack.deploy.hardening_values import Host, Judged, Seen

GOOD_HOST: dict[str, Any] = {
    "SecurityOpt": ["no-new-privileges:true"], "CapAdd": None, "Privileged": False, "Memory": 1, "NanoCpus": 1,
    "ReadonlyRootfs": True, "RestartPolicy": {"Name": "unless-stopped", "MaximumRetryCount": 0}, "PidMode": "",
    "IpcMode": "private", "UTSMode": "", "UsernsMode": "", "Devices": [], "Ulimits": [{}], "CgroupParent": "",
    "PidsLimit": 64, "NetworkMode": "monitoring",
}  # fmt: skip
BIND = {"Type": "bind", "Source": "/proc", "RW": False, "Propagation": "rprivate"}


def container(name: str = "monitoring-app", **changes: Any) -> dict[str, Any]:
    top = {
        key: value for key, value in changes.items() if key in ("AppArmorProfile", "Mounts", "State", "User")
    }
    host = {
        **GOOD_HOST,
        **{key: value for key, value in changes.items() if key not in (*top, "Ports", "Networks")},
    }
    return {
        "Name": f"/{name}",
        "AppArmorProfile": top.get("AppArmorProfile", "docker-default"),
        "Config": {"User": top.get("User", "65534:65534"), "Image": "x:1"},
        "State": top.get("State", {"Health": {"Status": "healthy"}}),
        "Mounts": top.get("Mounts", [BIND]),
        "NetworkSettings": {"Ports": changes.get("Ports", {}), "Networks": changes.get("Networks", {})},
        "HostConfig": host,
    }


def results(inspect: dict[str, Any], processes: tuple[str, ...] = ("/bin/app",)) -> dict[str, Judged]:
    found = judged((Seen(inspect, processes, True),), Host("inactive", trust=True), lambda rule, seen: "")
    return {one.id: one for one in found}


BROKEN: list[tuple[str, dict[str, Any], str]] = [
    ("4.1", {"User": ""}, "runs as root"),
    ("4.1", {"User": "0:0"}, "runs as root"),
    ("5.2", {"AppArmorProfile": ""}, "no AppArmor profile"),
    ("5.2", {"AppArmorProfile": "unconfined"}, "no AppArmor profile"),
    ("5.3", {"SecurityOpt": None}, "no security options"),
    ("5.4", {"CapAdd": ["NET_ADMIN"]}, "capabilities added: NET_ADMIN"),
    ("5.5", {"Privileged": True}, "privileged"),
    ("5.6", {"Mounts": [{**BIND, "Source": "/etc", "RW": True}]}, "may write /etc"),
    ("5.8", {"Ports": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "80"}]}}, "publishes 80"),
    ("5.9", {"Ports": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}]}}, "publishes 127.0.0.1:8080"),
    ("5.10", {"NetworkMode": "host"}, "shares the host's network"),
    ("5.11", {"Memory": 0}, "no limit of memory"),
    ("5.12", {"NanoCpus": 0}, "neither shares nor a limit of processors"),
    ("5.13", {"ReadonlyRootfs": False}, "writable root"),
    (
        "5.14",
        {"Ports": {"80/tcp": [{"HostIp": "::", "HostPort": "8080"}]}},
        "publishes 8080 on every address",
    ),
    ("5.15", {"RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 9}}, "restarted 9 times"),
    ("5.16", {"PidMode": "host"}, "shares the host's processes"),
    ("5.17", {"IpcMode": "host"}, "shares the host's IPC namespace"),
    ("5.18", {"Devices": [{"PathOnHost": "/dev/kvm"}]}, "devices /dev/kvm"),
    ("5.19", {"Ulimits": []}, "the engine's own limits of open files"),
    ("5.20", {"Mounts": [{**BIND, "Propagation": "shared"}]}, "shared mounts /proc"),
    ("5.20", {"Mounts": [{**BIND, "Propagation": "rshared"}]}, "shared mounts /proc"),
    ("5.21", {"UTSMode": "host"}, "shares the host's UTS namespace"),
    ("5.22", {"SecurityOpt": ["seccomp:unconfined", "no-new-privileges"]}, "seccomp is off"),
    ("5.25", {"CgroupParent": "/x"}, "cgroup /x"),
    ("5.26", {"SecurityOpt": ["label=disable"]}, "may gain privileges"),
    ("5.26", {"SecurityOpt": ["no-new-privileges:false"]}, "may gain privileges"),
    ("5.27", {"State": {}}, "no health check"),
    ("5.29", {"PidsLimit": None}, "no limit of processes"),
    ("5.30", {"NetworkMode": "default"}, "on the engine's default bridge"),
    ("5.30", {"Networks": {"bridge": {}}}, "on the engine's default bridge"),
    ("5.31", {"UsernsMode": "host"}, "shares the host's user namespace"),
    ("5.32", {"Mounts": [{**BIND, "Source": "/var/run/docker.sock"}]}, "has the engine's socket"),
    (
        "5.32",
        {"Mounts": [{**BIND, "Source": "/run/x", "Destination": "/var/run/docker.sock"}]},
        "has the engine's socket",
    ),
]
MANUAL = {"5.23", "5.24", "5.28"}


@pytest.mark.parametrize(("rule", "changes", "evidence"), BROKEN)
def test_a_fault_is_found_under_its_id_alone(rule: str, changes: dict[str, Any], evidence: str) -> None:
    assert results(container())[rule].result == "pass"
    found = results(container(**changes))
    assert (found[rule].evidence, found[rule].result in ("warn", "info")) == (evidence, True)


def test_sshd_is_found_among_the_processes() -> None:
    assert results(container(), ("/usr/sbin/sshd -D",))["5.7"].evidence == "runs sshd"
    assert results(container())["5.7"].result == "pass"


def test_every_rule_has_a_fault_here() -> None:
    assert {rule for rule, *_ in BROKEN} | MANUAL | {"4.6", "5.7"} == {rule.id for rule in RULES}


def test_an_image_without_a_health_check_is_found() -> None:
    found = {one.id: one for one in judged((Seen(container()),), Host(), lambda rule, seen: "")}
    assert (found["4.6"].result, found["4.6"].evidence) == ("warn", "its image has no health check")


def test_a_capability_that_every_container_has_adds_nothing() -> None:
    assert results(container(CapAdd=["CAP_CHOWN", "net_raw"]))["5.4"].result == "pass"


def test_an_engine_that_lets_nobody_gain_privileges_needs_no_option() -> None:
    open_one = Seen(container(SecurityOpt=["label=disable"]), (), True)
    host = Host(security=("name=no-new-privileges",))
    found = {one.id: one for one in judged((open_one,), host, lambda rule, seen: "")}
    assert found["5.26"].result == "pass"


def test_content_trust_is_what_the_client_asks_for() -> None:
    off, on = (
        next(iter(judged((), Host(trust=trust), reasons(Host(), lambda s: True)))) for trust in (False, True)
    )
    assert (off.id, off.result, off.reason, off.fault) == ("4.5", "warn", PINNED, False)
    assert (on.result, on.reason) == ("pass", "")


def test_a_sound_container_passes_all_that_can_be_judged() -> None:
    found = results(container())
    assert {one.id for one in found.values() if one.result != "pass"} == MANUAL
    assert all(one.evidence for one in found.values())


@pytest.mark.parametrize(("state", "result"), [("", "pass"), ("inactive", "pass"), ("active", "warn")])
def test_swarm_mode_is_a_matter_of_the_engine(state: str, result: str) -> None:
    (_, swarm) = judged((), Host(state), lambda rule, seen: "")
    assert (swarm.id, swarm.result) == (SWARM[0], result)


def test_reasons_are_those_of_the_stack_alone() -> None:
    host = Host("inactive", ("name=seccomp,profile=default",))
    why = reasons(host, lambda seen: seen.name == "monitoring-app")
    ours, theirs = Seen(container()), Seen(container("other"))
    assert why("5.2", ours) == NO_APPARMOR and why("5.9", ours) == PUBLISHED
    assert why("4.6", ours) == STARTED_WITH_ONE and not why("4.6", theirs) and not why("5.1", None)
    assert not why("5.2", theirs) and not why("5.9", theirs) and not why("5.13", ours)
    with_apparmor = reasons(Host("", ("name=apparmor",)), lambda seen: True)
    assert not with_apparmor("5.2", ours), "where the engine has it, our containers do too"


def test_a_warning_with_a_reason_is_no_fault() -> None:
    assert Judged("5.2", "t", "c", "warn", "e").fault
    assert not Judged("5.2", "t", "c", "warn", "e", "because").fault
    assert not Judged("5.2", "t", "c", "info", "e").fault
