"""An engine reached over TCP or by ssh does all the same: no file of this machine is shared with it."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stack.common.errors import Busy, EngineUnavailable, RegistryUnreachable
from stack.common.wait import NotYet, until
from stack.engine.docker import connect
from stack.engine.holder import this_process
from stack.engine.interface import ImageConfig, Job
from stack.model.spec import CONFIG_ROOT, CURRENT, ConfigFile
from stack.model.volumes import STAGED
from tests.contract.engine_bench import TINY, DockerBench, make, service, write
from tests.contract.engine_gate import SOCKET, certificates, engine_over_tcp
from tests.contract.tiny_registry import TinyRegistry, serving
from tests.unit.archives.archive_samples import file, folder, tar_of

pytestmark = pytest.mark.engine


SSH = f"#!/bin/sh\nexec docker --host unix://{SOCKET} system dial-stdio\n"
"""What ssh does once somebody is let in."""


@pytest.fixture(params=["tcp", "ssh"])
def bench(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[DockerBench]:
    (tmp_path / "ssh").write_text(SSH)
    (tmp_path / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with DockerBench() as made, engine_over_tcp() as address:
        made.engine = connect(address if request.param == "tcp" else "ssh://me@web1")
        yield made


def test_whole_volumes_cross_the_wire(bench: DockerBench, image_of: Callable[[str], str]) -> None:
    engine, stack, volume, image = bench.engine, bench.stack, f"{bench.stack}-app-data", image_of("python")
    engine.create_volume(volume, stack)
    engine.stage(
        stack, TINY, volume, io.BytesIO(tar_of(folder(STAGED), file(f"{STAGED}/a", b"x" * 3_000_000)))
    )
    engine.adopt(stack, image, volume)
    data = b"".join(engine.gather(stack, image, volume, "files"))
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        assert {one.name: one.size for one in tar if one.isfile()} == {"a": 3_000_000}
    next(iter(engine.gather(stack, image, volume, "files")))
    until_no_helper(bench)


def until_no_helper(bench: DockerBench) -> None:
    def none() -> None:
        if bench.engine.observe(bench.stack).leftovers:
            raise NotYet("a helper is there")

    until(none, seconds=10)


def test_it_says_that_it_is_remote(bench: DockerBench) -> None:
    info = bench.engine.info()
    assert info.remote and info.address.startswith(("tcp://127.0.0.1:", "ssh://me@web1"))


def test_files_processes_signals_and_logs_cross_the_wire(bench: DockerBench) -> None:
    container = make(bench, service(bench))
    write(bench, ConfigFile("v1/big", b"x" * 3_000_000), links=((CURRENT, "v1"),))
    assert bench.engine.read_file(container, f"{CONFIG_ROOT}/{CURRENT}/big") == b"x" * 3_000_000
    assert bench.engine.execute(container, ("/bin/sh", "-c", "exit 6")).code == 6
    lines = bench.engine.follow(container, 10)
    assert next(lines) == "started"
    bench.engine.signal(container, "HUP")
    assert next(lines) == "got HUP"
    bench.engine.stop(container)
    assert list(lines) == []
    assert bench.engine.observe(bench.stack).containers[0].state == "exited"


def test_a_job_runs_there(bench: DockerBench) -> None:
    job = Job(TINY, ("/bin/cat", "/in/f"), (ConfigFile("f", b"far away"),), folder="/in")
    assert bench.engine.run(bench.stack, job).output == "far away"


def test_the_state_and_the_lock_are_there(bench: DockerBench) -> None:
    bench.engine.write_state(bench.stack, b"far away")
    assert bench.engine.read_state(bench.stack) == b"far away"
    with bench.engine.lock(bench.stack, this_process("start")) as lease:
        with pytest.raises(Busy, match="start by"):
            connect().lock(bench.stack, this_process("stop"))
        lease.check()


def test_who_has_the_certificates_is_let_in(
    bench: DockerBench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with engine_over_tcp(certificates(tmp_path)) as address:
        monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
        monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
        assert connect(address).info().version == bench.engine.info().version
        (tmp_path / "cert.pem").unlink()
        (tmp_path / "key.pem").unlink()
        with pytest.raises(EngineUnavailable, match=address):
            connect(address)
        monkeypatch.delenv("DOCKER_TLS_VERIFY")
        with pytest.raises(EngineUnavailable, match=address):
            connect(address)


def test_images_travel(bench: DockerBench) -> None:
    ref = "ct-far:contract"
    try:
        made = bench.engine.import_image(io.BytesIO(b"\0" * 10240), ref, ImageConfig(user="1"))
        archive = b"".join(bench.engine.save((ref,)))
        bench.engine.untag(ref)
        assert bench.engine.load(io.BytesIO(archive)) == (ref,)
        held = bench.engine.image(ref)
        assert held is not None and held.id == made
    finally:
        bench.engine.untag(ref)


def test_a_silent_registry_is_given_up(bench: DockerBench) -> None:
    with serving(TinyRegistry(silent=True)) as registry, pytest.raises(RegistryUnreachable):
        bench.engine.pull(f"{registry.address}/ct/tiny:1", print, patience=0.5)


def test_an_image_is_pulled_there(bench: DockerBench) -> None:
    with serving(TinyRegistry()) as registry:
        ref = f"{registry.address}/ct/tiny:2"
        try:
            bench.engine.pull(ref, print, patience=10)
            assert bench.engine.image(ref) is not None
        finally:
            bench.engine.untag(ref)
