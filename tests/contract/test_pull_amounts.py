"""The lines of a real engine's pull and build, as a bar reads them."""

from __future__ import annotations

import io
import random
import tarfile
from collections.abc import Iterator

import pytest

from stack.cli.amounts import Amount
from tests.contract import tiny_registry
from tests.contract.engine_bench import DockerBench
from tests.contract.tiny_registry import TinyRegistry, serving

pytestmark = pytest.mark.engine
MEGABYTES = 6


@pytest.fixture
def bench() -> Iterator[DockerBench]:
    with DockerBench() as made:
        yield made


def layer() -> bytes:
    """A layer that cannot be compressed, as large as to come in several pieces."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        member = tarfile.TarInfo("data")
        member.size = MEGABYTES * 10**6
        tar.addfile(member, io.BytesIO(random.Random(1).randbytes(member.size)))
    return out.getvalue()


def test_a_pull_is_measured_from_its_first_bytes_to_its_last(
    bench: DockerBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiny_registry, "LAYER", layer())
    amount, seen = Amount(), []

    def hear(line: str) -> None:
        seen.append((amount.hear(line), amount.share))

    with serving(TinyRegistry()) as registry:
        ref = f"{registry.address}/ct/large:1"
        try:
            bench.engine.pull(ref, hear, patience=30)
        finally:
            bench.engine.untag(ref)
    shares = [share for _, share in seen if share is not None]
    assert shares == sorted(shares) and shares[-1] == 1.0
    assert any(f" of {MEGABYTES}.0 MB" in shown for shown, _ in seen), seen


def test_a_build_is_measured_by_its_steps(bench: DockerBench) -> None:
    amount, seen = Amount(), []

    def hear(line: str) -> None:
        seen.append((amount.hear(line), amount.share))

    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as tar:
        text = b"FROM scratch\nCOPY Dockerfile /a\nCOPY Dockerfile /b\nCMD []\n"
        member = tarfile.TarInfo("Dockerfile")
        member.size = len(text)
        tar.addfile(member, io.BytesIO(text))
    context.seek(0)
    try:
        bench.engine.build_image(context, "ct/steps:1", {}, hear)
    finally:
        bench.engine.untag("ct/steps:1")
    shares = [share for _, share in seen if share is not None]
    assert shares == sorted(shares) and set(shares) >= {0.0, 0.25, 0.5, 0.75}
    assert ("COPY Dockerfile /b", 0.5) in seen
