"""Images on a real engine: pulls from registries of every temper, builds, imports."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

from stack.common.errors import BuildFailed, PullRefused, RegistryUnreachable
from stack.engine.images import Images
from stack.engine.interface import ImageConfig
from tests.contract.engine_bench import TINY, DockerBench, tar_of
from tests.contract.tiny_registry import TinyRegistry, serving

pytestmark = pytest.mark.engine


@pytest.fixture
def bench() -> Iterator[DockerBench]:
    with DockerBench() as made:
        yield made


def test_an_image_is_pulled(bench: DockerBench) -> None:
    said: list[str] = []
    with serving(TinyRegistry()) as registry:
        ref = f"{registry.address}/ct/tiny:1"
        try:
            bench.engine.pull(ref, said.append, patience=10)
            held = bench.engine.image(ref)
            assert held is not None and held.labels == {"from": "registry"} and held.digests
            assert any("Pulling from ct/tiny" in line for line in said)
        finally:
            bench.engine.untag(ref)


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (401, "UNAUTHORIZED", "docker login"),
        (403, "DENIED", "docker login"),
        (404, "MANIFEST_UNKNOWN", "no such image"),
        (429, "TOOMANYREQUESTS", "rate limit"),
    ],
)
def test_a_registry_that_refuses(bench: DockerBench, status: int, code: str, words: str) -> None:
    with serving(TinyRegistry(refuse=(status, code))) as registry, pytest.raises(PullRefused, match=words):
        bench.engine.pull(f"{registry.address}/ct/tiny:1", print, patience=10)


def test_a_registry_that_says_nothing(bench: DockerBench) -> None:
    with (
        serving(TinyRegistry(silent=True)) as registry,
        pytest.raises(RegistryUnreachable, match=r"within 0\.5 s"),
    ):
        bench.engine.pull(f"{registry.address}/ct/tiny:1", print, patience=0.5)


def test_a_slow_layer_is_no_silence(bench: DockerBench) -> None:
    """Patience counts until the registry's first word, not for the whole pull."""
    with serving(TinyRegistry(slow=1.5)) as registry:
        ref = f"{registry.address}/ct/slow:1"
        try:
            bench.engine.pull(ref, print, patience=0.7)
            assert bench.engine.image(ref) is not None
        finally:
            bench.engine.untag(ref)


def test_an_image_is_built_without_network(bench: DockerBench) -> None:
    tag, said = "ct-built:contract", list[str]()
    dockerfile = f"FROM {TINY}\nUSER 0\nRUN cat /proc/net/dev > /net && cat /net\nUSER 65534\n"
    try:
        made = bench.engine.build_image(
            io.BytesIO(tar_of({"Dockerfile": dockerfile})), tag, {"a": "b"}, said.append
        )
        held = bench.engine.image(tag)
        assert held is not None and (held.id, held.labels) == (made, {"a": "b"})
        interfaces = {line.strip().partition(":")[0] for line in "\n".join(said).splitlines() if ": " in line}
        assert "lo" in interfaces and "eth0" not in interfaces
    finally:
        bench.engine.untag(tag)


def test_a_build_that_fails_says_why(bench: DockerBench) -> None:
    dockerfile = f"FROM {TINY}\nRUN exit 7\n"
    with pytest.raises(BuildFailed, match="returned a non-zero code: 7"):
        bench.engine.build_image(io.BytesIO(tar_of({"Dockerfile": dockerfile})), "ct-bad:1", {}, print)
    with pytest.raises(BuildFailed):
        bench.engine.build_image(io.BytesIO(b"no tar"), "ct-bad:1", {}, print)
    assert bench.engine.image("ct-bad:1") is None


def test_an_image_that_another_removes_meanwhile_is_said(
    bench: DockerBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Images, "image", lambda *_: None)
    monkeypatch.setattr(Images, "tag", lambda *_: None)
    try:
        with pytest.raises(BuildFailed, match="vanished as soon as it was made"):
            bench.engine.import_image(io.BytesIO(tar_of({})), "ct-gone:contract", ImageConfig())
    finally:
        bench.engine.untag("ct-gone:contract")


def test_an_imported_image_has_its_defaults(bench: DockerBench) -> None:
    tag = "ct-imported:contract"
    config = ImageConfig(
        entrypoint=("/bin/sh", "-c"),
        cmd=('echo "$X"',),
        user="1:2",
        workdir="/w",
        env=(("X", 'a "b" $c \\d'),),
        labels=(("l.m", "v w"),),
        ports=(8000,),
        volumes=("/d",),
    )
    try:
        bench.engine.import_image(io.BytesIO(tar_of({})), tag, config)
        told = bench.raw.images.get(tag).attrs["Config"]
        assert (told["Entrypoint"], told["Cmd"]) == (list(config.entrypoint), list(config.cmd))
        assert (told["User"], told["WorkingDir"], told["Env"]) == ("1:2", "/w", ['X=a "b" $c \\d'])
        assert told["Labels"] == {"l.m": "v w"}
        assert set(told["ExposedPorts"]) == {"8000/tcp"} and set(told["Volumes"]) == {"/d"}
    finally:
        bench.engine.untag(tag)
