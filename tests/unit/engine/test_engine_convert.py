"""Conversion to and from the engine's API, as data."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from stack.engine import convert, labels
from stack.engine.interface import Job, Usage
from stack.engine.observation import observed_container
from stack.model.observed import Applied
from stack.model.spec import CONFIG_ROOT, ConfigFile, Health, Limits, Mount, Port, ServiceSpec

MIB = 1 << 20


def spec(**changed: Any) -> ServiceSpec:
    told: dict[str, Any] = {
        "component": "node_exporter",
        "image": "x/y:1",
        "image_id": "sha256:1",
        "port": 9100,
        "ready_path": "/",
        "limits": Limits(64 * MIB, 0.25, 99),
        "health": Health(("CMD", "wget"), interval=2.5, timeout=1.0, retries=4, start_period=0.5),
    }
    return ServiceSpec(**{**told, **changed})


def host(**changed: Any) -> dict[str, Any]:
    return dict(convert.service_body("demo", spec(**changed))["HostConfig"])


@pytest.mark.parametrize(
    "body",
    [
        convert.service_body("demo", spec()),
        convert.helper_body("demo", "x/y:1", "v"),
        convert.job_body("demo", Job("x/y:1", ("/bin/x",))),
    ],
    ids=["service", "helper", "job"],
)
def test_hardening_is_everywhere(body: dict[str, Any]) -> None:
    told = body["HostConfig"]
    assert told["CapDrop"] == ["ALL"] and "CapAdd" not in told
    assert told["SecurityOpt"] == ["no-new-privileges:true"]
    assert told["ReadonlyRootfs"] is True and told["Privileged"] is False
    assert told["IpcMode"] == "private"
    assert 0 < told["Memory"] == told["MemorySwap"]
    assert told["NanoCpus"] > 0 and told["PidsLimit"] > 0
    assert told["LogConfig"]["Config"] == {"max-size": "10m", "max-file": "3"}
    assert labels.stack_of(body["Labels"]) == "demo"


def test_a_service_is_told_whole() -> None:
    body = convert.service_body(
        "demo", spec(entrypoint=("/bin/x",), command=("--a",), environment=(("K", "V=W"),), stop_seconds=7)
    )
    assert (body["Image"], body["Hostname"], body["User"]) == ("x/y:1", "node-exporter", "65534:65534")
    assert (body["Entrypoint"], body["Cmd"], body["Env"]) == (["/bin/x"], ["--a"], ["K=V=W"])
    assert body["StopTimeout"] == 7
    assert body["NetworkingConfig"]["EndpointsConfig"] == {
        "demo": {"Aliases": ["node-exporter", "node_exporter"]}
    }
    assert body["HostConfig"]["NetworkMode"] == "demo"
    assert body["HostConfig"]["RestartPolicy"] == {"Name": "unless-stopped"}
    assert body["HostConfig"]["NanoCpus"] == 250_000_000
    assert body["HostConfig"]["Ulimits"][0]["Name"] == "nofile"
    assert (body["HostConfig"]["Memory"], body["HostConfig"]["PidsLimit"]) == (64 * MIB, 99)


def test_the_images_own_defaults_stay_where_nothing_is_said() -> None:
    assert {"Entrypoint", "Cmd"}.isdisjoint(convert.service_body("demo", spec()))


def test_times_are_nanoseconds() -> None:
    assert convert.service_body("demo", spec())["Healthcheck"] == {
        "Test": ["CMD", "wget"],
        "Interval": 2_500_000_000,
        "Timeout": 1_000_000_000,
        "Retries": 4,
        "StartPeriod": 500_000_000,
    }


def test_a_bare_health_command_is_run_as_it_is() -> None:
    assert convert.service_body("demo", spec(health=Health(("/bin/ok",))))["Healthcheck"]["Test"] == [
        "CMD",
        "/bin/ok",
    ]


@pytest.mark.parametrize(("test", "init"), [(("CMD", "x"), False), (("CMD-SHELL", "x"), True)])
def test_an_init_reaps_what_a_shell_leaves(test: tuple[str, ...], init: bool) -> None:
    assert host(health=Health(test)).get("Init", False) is init


def test_nothing_is_published_unless_asked() -> None:
    assert host()["PortBindings"] == {}
    assert host(published=Port(9100, 19100))["PortBindings"] == {
        "9100/tcp": [{"HostIp": "127.0.0.1", "HostPort": "19100"}]
    }


def test_mounts_of_each_kind() -> None:
    told = host(
        mounts=(
            Mount("volume", "v-config", CONFIG_ROOT),
            Mount("volume", "v-data", "/data", read_only=False),
            Mount("bind", "/proc", "/host/proc"),
            Mount("tmpfs", "", "/run", read_only=False, size=5),
        )
    )
    config, data, bind = told["Mounts"]
    assert (config["ReadOnly"], config["VolumeOptions"]["NoCopy"]) == (True, True)
    assert (data["ReadOnly"], data["VolumeOptions"]["NoCopy"]) == (False, False)
    assert data["VolumeOptions"]["Labels"] == labels.of_volume("demo", data["Source"])
    assert (bind["ReadOnly"], bind["BindOptions"]) == (True, {"Propagation": "rprivate"})
    assert sorted(told["Tmpfs"]) == ["/run", "/tmp"]
    assert told["Tmpfs"]["/run"] == "rw,noexec,nosuid,nodev,mode=1777,size=5"


def test_an_own_scratch_folder_replaces_the_default() -> None:
    told = host(mounts=(Mount("tmpfs", "", "/tmp", read_only=False, size=9),))
    assert told["Tmpfs"] == {"/tmp": "rw,noexec,nosuid,nodev,mode=1777,size=9"}


def test_the_process_namespace_of_the_host_only_where_asked() -> None:
    assert "PidMode" not in host()
    assert host(pid_host=True)["PidMode"] == "host"


def test_a_job_has_a_writable_root_only_for_its_files() -> None:
    plain = convert.job_body("demo", Job("i", ("/bin/x", "a")))
    assert (plain["Entrypoint"], plain["Cmd"]) == (["/bin/x"], ["a"])
    assert plain["HostConfig"]["NetworkMode"] == "none" and "User" not in plain
    filled = convert.job_body(
        "demo", Job("i", ("/bin/x",), (ConfigFile("f", b""),), network="demo", user="1:1")
    )
    assert filled["HostConfig"]["ReadonlyRootfs"] is False and filled["HostConfig"]["Tmpfs"] == {}
    assert (filled["HostConfig"]["NetworkMode"], filled["User"]) == ("demo", "1:1")


def test_helpers_never_share_a_name() -> None:
    assert len({convert.helper_name("demo") for _ in range(50)}) == 50


def inspected(**state: Any) -> dict[str, Any]:
    body = convert.service_body("demo", spec(needs=("a", "b"), published=Port(9100, 19100)))
    return {
        "Id": "abc",
        "Name": "/demo-node-exporter",
        "Image": "sha256:1",
        "Config": body,
        "HostConfig": body["HostConfig"],
        "State": {"Status": "created", "StartedAt": "0001-01-01T00:00:00Z", **state},
        "NetworkSettings": {"Ports": {}},
    }


def test_a_container_reads_back() -> None:
    seen = observed_container(inspected(), Applied("d", "v"), (), {}, {})
    assert (seen.id, seen.name, seen.component) == ("abc", "demo-node-exporter", "node_exporter")
    assert seen.digest == spec(needs=("a", "b"), published=Port(9100, 19100)).digest()
    assert (seen.needs, seen.published, seen.applied) == (("a", "b"), "127.0.0.1:19100", Applied("d", "v"))
    assert (seen.state, seen.health, seen.started_at, seen.exit_code) == ("created", "", "", 0)


def test_state_and_health_read_back() -> None:
    seen = observed_container(
        inspected(
            Status="exited", ExitCode=3, StartedAt="2026-01-01T00:00:00Z", Health={"Status": "healthy"}
        ),
        Applied(),
        (),
        {},
        {},
    )
    assert (seen.state, seen.exit_code, seen.started_at) == ("exited", 3, "2026-01-01T00:00:00Z")
    assert seen.health == "healthy" and not seen.running


OTHERS = {"shop": "n7", "kiosk": "n8"}


@pytest.mark.parametrize(
    ("endpoint", "joined", "lost"),
    [
        ({"NetworkID": "n7", "Aliases": ["demo-prometheus.monitoring-stack"]}, ("shop",), ()),
        ({"NetworkID": "", "Aliases": ["demo-prometheus.monitoring-stack"]}, ("shop",), ()),
        ({"NetworkID": "n7", "Aliases": ["mine"]}, (), ()),
        ({"NetworkID": "n7", "Aliases": None}, (), ()),
        ({"NetworkID": "older", "Aliases": ["demo-prometheus.monitoring-stack"]}, (), ("shop",)),
    ],
)
def test_networks_of_others_read_back(
    endpoint: dict[str, Any], joined: tuple[str, ...], lost: tuple[str, ...]
) -> None:
    told = inspected()
    told["NetworkSettings"]["Networks"] = {"demo": {"NetworkID": "n1"}, "bridge": {}, "shop": endpoint}
    seen = observed_container(told, Applied(), {"n1"}, {}, OTHERS)
    assert (seen.joined, seen.lost, seen.stranded) == (joined, lost, False)


def test_a_container_made_again_is_on_its_own_network_only() -> None:
    told = inspected()
    told["NetworkSettings"]["Networks"] = {"demo": {"Aliases": ["a", "abc"]}, "shop": {"Aliases": ["b"]}}
    assert convert.again(told)["NetworkingConfig"]["EndpointsConfig"] == {"demo": {"Aliases": ["a"]}}


def test_names_that_resolve_inside_are_given() -> None:
    assert "ExtraHosts" not in host()
    given = host(extra_hosts=(("host.docker.internal", "host-gateway"),))
    assert given["ExtraHosts"] == ["host.docker.internal:host-gateway"]


def test_a_container_without_labels_reads_as_nobodys() -> None:
    told = inspected()
    told["Config"] = {"Image": "x", "Labels": None}
    seen = observed_container(told, Applied(), (), {}, {})
    assert (seen.component, seen.digest, seen.needs) == ("", "", ())


@pytest.mark.parametrize(
    ("joined", "stranded"),
    [
        ({"demo": {"NetworkID": "n1"}}, False),
        ({"demo": {"NetworkID": "old"}}, True),
        ({"demo": {"NetworkID": ""}}, False),
        ({"demo": {"NetworkID": "n1"}, "proxy": {"NetworkID": "theirs"}}, False),
        ({"none": {"NetworkID": "x"}}, False),
        (None, False),
    ],
    ids=["there", "gone", "never started", "also on another", "helper", "nothing told"],
)
def test_a_container_whose_network_is_gone_is_stranded(joined: Any, stranded: bool) -> None:
    told = inspected()
    told["NetworkSettings"]["Networks"] = joined
    assert observed_container(told, Applied(), {"n1", "n2"}, {}, {}).stranded is stranded


@pytest.mark.parametrize(
    ("ports", "expected"),
    [
        ({"9100/tcp": [{"HostIp": "127.0.0.1", "HostPort": "49153"}]}, "127.0.0.1:49153"),
        ({"9100/tcp": [{"HostIp": "::1", "HostPort": "1"}]}, "[::1]:1"),
        ({"9100/tcp": None}, ""),
        (None, ""),
    ],
)
def test_what_the_engine_bound_counts(ports: Any, expected: str) -> None:
    assert convert.published({"NetworkSettings": {"Ports": ports}, "HostConfig": {}}) == expected


def stat(**told: Any) -> str:
    return base64.b64encode(json.dumps(told).encode()).decode()


@pytest.mark.parametrize(
    ("header", "version"),
    [
        (stat(name=".applied", linkTarget=f"{CONFIG_ROOT}/abc"), "abc"),
        (stat(name=".applied", linkTarget=""), ""),
        (stat(name=".applied"), ""),
        (base64.b64encode(b"[1]").decode(), ""),
        ("%%%", ""),
        ("", ""),
    ],
)
def test_a_link_names_the_last_part_of_its_target(header: str, version: str) -> None:
    assert convert.link_target(header) == version


@pytest.mark.parametrize(
    ("memory", "expected"),
    [
        ({"usage": 100, "limit": 500, "stats": {"total_inactive_file": 30, "inactive_file": 1}}, (70, 500)),
        ({"usage": 100, "limit": 500, "stats": {"inactive_file": 40}}, (60, 500)),
        ({"usage": 100, "limit": 500}, (100, 500)),
        ({}, (0, 0)),
    ],
    ids=["cgroup v1", "cgroup v2", "no detail", "not running"],
)
def test_usage_leaves_the_page_cache_out(memory: dict[str, Any], expected: tuple[int, int]) -> None:
    assert convert.usage({"memory_stats": memory}) == Usage(*expected)
