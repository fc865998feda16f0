"""What only a real engine can show: hardening as inspected, signals, ownership of files, jobs."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from stack.common.errors import StartFailed
from stack.common.wait import CLOCK, NotYet, until
from stack.engine.address import SYSTEM_SOCKET as SOCKET
from stack.engine.client import Client
from stack.engine.docker import connect
from stack.engine.insides import Insides
from stack.engine.interface import ImageConfig, Job
from stack.engine.unix import UnixTransport
from stack.model.found import FileFound
from stack.model.spec import CONFIG_ROOT, ConfigFile, Mount, config_volume, container_name
from tests.contract.engine_bench import (
    MIB,
    TINY,
    DockerBench,
    make,
    published,
    service,
    tar_of,
    write,
)
from tests.loopback import free_port

pytestmark = pytest.mark.engine


@pytest.fixture
def bench() -> Iterator[DockerBench]:
    with DockerBench() as made:
        yield made


def soon(condition: Callable[[], bool]) -> None:
    """Waits for something that the engine does on its own."""

    def ask() -> None:
        if not condition():
            raise NotYet("the condition does not hold")

    until(ask, seconds=30)


def inspected(bench: DockerBench, container: str) -> dict[str, Any]:
    return dict(bench.engine.inspect(container))


def test_every_container_meets_the_cis_benchmark(bench: DockerBench) -> None:
    """CIS Docker Benchmark 1.6.0, section 5; the numbers are its own."""
    wanted = service(
        bench,
        published=published(free_port()),
        mounts=(
            Mount("bind", "/proc", "/host/proc"),
            Mount("tmpfs", "", "/cache", read_only=False, size=MIB),
            Mount("volume", config_volume(bench.stack, "web_app"), CONFIG_ROOT),
        ),
    )
    told = inspected(bench, make(bench, wanted))
    host, config = told["HostConfig"], told["Config"]
    # 5.2, 5.3, 5.22, 5.26; whoever reads a folder of the host cannot have SELinux' label of containers
    assert host["SecurityOpt"] == ["no-new-privileges:true", "label=disable"]
    assert (host["CapDrop"], host["CapAdd"]) == (["ALL"], None)  # 5.4
    assert not host["Privileged"]  # 5.5
    assert all(not mount["RW"] for mount in told["Mounts"] if mount["Type"] == "bind")  # 5.6
    bound = [b for bindings in told["NetworkSettings"]["Ports"].values() for b in bindings or ()]
    assert {b["HostIp"] for b in bound} == {"127.0.0.1"}  # 5.14
    assert all(int(b["HostPort"]) > 1024 for b in bound) and not host["PublishAllPorts"]  # 5.8, 5.9
    assert host["NetworkMode"] == bench.stack  # 5.10, 5.30
    assert host["Memory"] == host["MemorySwap"] == 64 * MIB  # 5.11
    assert host["NanoCpus"] == 500_000_000  # 5.12
    assert host["ReadonlyRootfs"]  # 5.13
    assert {"noexec", "nosuid"} <= set(host["Tmpfs"]["/tmp"].split(","))
    assert f"size={MIB}" in host["Tmpfs"]["/cache"].split(",")
    assert host["RestartPolicy"]["Name"] == "unless-stopped"  # 5.15, see its deviation in convert
    assert (host["PidMode"], host["IpcMode"], host["UTSMode"]) == ("", "private", "")  # 5.16, 5.17, 5.21
    assert not host["Devices"] and not host["CgroupParent"] and not host["UsernsMode"]  # 5.18, 5.25, 5.31
    assert host["Ulimits"]  # 5.19
    assert {m["Propagation"] for m in told["Mounts"] if m["Type"] == "bind"} == {"rprivate"}  # 5.20
    assert config["Healthcheck"]["Test"][0] == "CMD"  # 5.27
    assert host["PidsLimit"] == 64  # 5.29
    assert not any("docker.sock" in mount["Source"] for mount in told["Mounts"])  # 5.32
    assert config["User"] == "65534:65534"  # 4.1
    assert host["LogConfig"] == {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}}
    aliases = told["NetworkSettings"]["Networks"][bench.stack]["Aliases"]
    assert {"web-app", "web_app"} <= set(aliases)


def test_the_engine_itself_keeps_to_what_it_was_told(bench: DockerBench) -> None:
    container = make(bench, service(bench))

    def shell(text: str) -> int:
        return bench.engine.execute(container, ("/bin/sh", "-c", text)).code

    assert shell("echo x > /file") != 0
    assert shell(f"echo x > {CONFIG_ROOT}/file") != 0
    assert shell("echo x > /tmp/file && echo x > /data/file") == 0
    status = bench.engine.execute(container, ("/bin/cat", "/proc/self/status")).output
    told = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert told["CapEff"].strip("0") == told["CapBnd"].strip("0") == ""
    assert told["NoNewPrivs"] == "1"
    assert told["Uid"].split() == ["65534"] * 4


def test_a_secret_is_readable_for_its_owner_only(bench: DockerBench) -> None:
    container = make(bench, service(bench))
    write(
        bench,
        ConfigFile("secrets/mine", b"m", mode=0o400, uid=65534, secret=True),
        ConfigFile("secrets/other", b"o", mode=0o400, uid=1),
    )
    read = {
        name: bench.engine.execute(container, ("/bin/cat", f"{CONFIG_ROOT}/secrets/{name}"))
        for name in ("mine", "other")
    }
    assert (read["mine"].code, read["mine"].output) == (0, "m")
    assert read["other"].code == 1


def test_a_signal_arrives_and_the_engine_still_restarts_what_crashes(bench: DockerBench) -> None:
    """The engine's own way to send HUP would count as a wish to stop: no restart after that."""
    container = make(bench, service(bench))
    soon(lambda: "started" in bench.engine.logs(container, 5))
    bench.engine.signal(container, "HUP")
    soon(lambda: "got HUP" in bench.engine.logs(container, 5))
    bench.engine.execute(container, ("kill", "-USR1", "1"))
    soon(lambda: inspected(bench, container)["RestartCount"] == 1)


def test_a_signal_arrives_where_the_image_has_no_kill(bench: DockerBench) -> None:
    without = service(bench, environment=(("PATH", "/nowhere"),), entrypoint=("/bin/sh", "-c", BUSY_LOOP))
    container = make(bench, without)
    soon(lambda: "started" in bench.engine.logs(container, 5))
    bench.engine.signal(container, "HUP")
    soon(lambda: "got HUP" in bench.engine.logs(container, 5))


def test_a_paused_container_stops(bench: DockerBench) -> None:
    container = make(bench, service(bench))
    bench.raw.containers.get(container).pause()
    bench.engine.stop(container)
    assert bench.engine.observe(bench.stack).containers[0].state == "exited"


@pytest.mark.parametrize("verb", ["stop", "restart"])
def test_a_process_gets_the_stop_time_that_it_declares(bench: DockerBench, verb: str) -> None:
    """Longer than an engine waits of itself (10 s), and longer than a call may stay without an answer."""
    slow = "trap 'sleep 11; echo ended; exit 0' TERM; echo started; while :; do sleep 0.05; done"
    wanted = service(bench, entrypoint=("/bin/sh", "-c", slow), stop_seconds=60)
    container = make(bench, wanted)
    soon(lambda: "started" in bench.engine.logs(container, 5))
    getattr(connect(seconds=5), verb)(container)
    assert "ended" in bench.engine.logs(container, 5)


def test_following_ends_with_the_container(bench: DockerBench) -> None:
    container = make(bench, service(bench))
    lines = bench.engine.follow(container, 10)
    assert next(lines) == "started"
    bench.engine.stop(container)
    assert list(lines) == []


def test_following_can_be_given_up(bench: DockerBench) -> None:
    lines = iter(bench.engine.follow(make(bench, service(bench)), 10))
    assert next(lines) == "started"
    del lines


def test_a_job_that_does_not_end_is_ended(bench: DockerBench) -> None:
    job = Job(TINY, ("/bin/sh", "-c", "echo waiting; while :; do sleep 1; done"), seconds=2)
    with pytest.raises(StartFailed, match="did not end within 2 s") as caught:
        bench.engine.run(bench.stack, job)
    assert caught.value.logs == ("waiting",)
    assert bench.engine.observe(bench.stack).leftovers == ()


def test_a_job_tells_which_files_its_image_has(bench: DockerBench) -> None:
    secret = ConfigFile("own/key", b"k", mode=0o400, uid=7)
    paths = ("/etc/ssl/nothing", "/bin", "/bin/sh", "/files/own/key")
    job = Job(TINY, ("/bin/sh", "-c", "exit 3"), (secret,), "/files", look_at=paths)
    ran = bench.engine.run(bench.stack, job)
    nothing, folder, program, own = ran.seen
    assert ran.code == 3 and nothing is None and folder and program
    assert (folder.kind, program.kind, program.mode & 0o4) == ("folder", "file", 0o4)
    assert own == FileFound("file", 0o400, 7, b"k")


def test_a_file_is_looked_at_where_links_lead(bench: DockerBench) -> None:
    container = make(bench, service(bench), start=False)
    links = (("l", "v1/m"), ("v1/m", "../v1/x.yml"), ("gone", "v2"))
    write(bench, ConfigFile("v1/x.yml", b"one", mode=0o440, uid=7), links=links)
    insides = Insides(Client(UnixTransport(SOCKET), SOCKET, 20.0))
    found = {name: insides.look(container, f"{CONFIG_ROOT}/{name}") for name, _ in links}
    assert found["l"] == found["v1/m"] == FileFound("file", 0o440, 7, b"one")
    assert found["gone"] is None


def test_a_program_that_is_not_there_is_told(bench: DockerBench) -> None:
    with pytest.raises(StartFailed, match="/bin/nothing"):
        bench.engine.run(bench.stack, Job(TINY, ("/bin/nothing",)))
    assert bench.engine.observe(bench.stack).leftovers == ()


def test_a_writer_killed_midway_leaves_a_helper_that_is_found(bench: DockerBench) -> None:
    volume = config_volume(bench.stack, "web_app")
    bench.engine.create_volume(volume, bench.stack)
    script = (
        "import os; from stack.engine.containers import Containers; from stack.engine.docker import connect\n"
        "Containers.put = lambda *a: os.kill(os.getpid(), 9)\n"
        f"connect().write_volume({volume!r}, {bench.stack!r}, {TINY!r}, (), ())"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -9
    (leftover,) = bench.engine.observe(bench.stack).leftovers
    bench.engine.remove(leftover.id)
    bench.engine.remove_volume(volume)


def test_a_removed_container_takes_its_anonymous_volumes_along_and_keeps_the_named(
    bench: DockerBench,
) -> None:
    image = "ct-volumes:contract"
    try:
        bench.engine.import_image(io.BytesIO(tar_of({})), image, ImageConfig(volumes=("/lost",)))
        container = make(bench, service(bench, image=image), start=False)
        mounts = {m["Destination"]: m["Name"] for m in inspected(bench, container)["Mounts"]}
        bench.engine.remove(container)
        left = {v.name for v in bench.raw.volumes.list()}
        assert mounts["/data"] in left and mounts["/lost"] not in left
    finally:
        bench.engine.untag(image)


def test_a_data_volume_takes_the_owner_of_the_images_folder(bench: DockerBench) -> None:
    """Else a non-root process could not write its data."""
    container = make(bench, service(bench))
    assert bench.engine.execute(container, ("/bin/sh", "-c", "echo kept > /data/x")).code == 0
    bench.engine.remove(container)
    again = make(bench, service(bench))
    assert bench.engine.execute(again, ("/bin/cat", "/data/x")).output == "kept\n"


def test_a_silent_process_is_waited_for_as_long_as_asked(bench: DockerBench) -> None:
    container = make(bench, service(bench))
    with pytest.raises(StartFailed, match=rf"run /bin/sh in {bench.stack}-web-app: no answer within 0.3 s"):
        bench.engine.execute(container, ("/bin/sh", "-c", "sleep 3; exit 5"), seconds=0.3)
    assert bench.engine.execute(container, ("/bin/sh", "-c", "exit 5"), seconds=5.0).code == 5


def test_a_process_that_was_stopped_by_a_signal_goes_on_and_restarts_at_once(bench: DockerBench) -> None:
    container = make(bench, service(bench, stop_seconds=20))
    bench.raw.api.kill(container, "STOP")
    began = CLOCK.now()
    bench.engine.signal(container, "CONT")
    bench.engine.restart(container)
    assert CLOCK.now() - began < 15
    (seen,) = bench.engine.observe(bench.stack).containers
    assert seen.running and seen.finished_at and not seen.restarts


def test_what_the_engine_started_again_is_counted(bench: DockerBench) -> None:
    container = make(bench, service(bench))
    bench.engine.signal(container, "USR1")  # ends it with 7
    soon(lambda: bench.engine.observe(bench.stack).containers[0].restarts > 0)


def test_a_name_that_is_taken_by_a_starting_colleague(bench: DockerBench) -> None:
    make(bench, service(bench, mounts=()), start=False)
    with pytest.raises(StartFailed, match="made by somebody else just now"):
        bench.engine.create(bench.stack, service(bench, mounts=()))
    assert bench.engine.observe(bench.stack).containers[0].name == container_name(bench.stack, "web_app")


BUSY_LOOP = (
    "trap 'echo got HUP; exit 0' HUP; echo started; while :; do /bin/sleep 0.05; done"  # no kill in its PATH
)
