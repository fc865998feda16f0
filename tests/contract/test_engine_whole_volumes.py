"""Volumes as a whole, out as a tar and in again, on both engines; a killed client leaves nothing behind."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from stack.common.errors import StartFailed
from stack.common.wait import NotYet, until
from stack.model.spec import ConfigFile, data_volume
from stack.model.volumes import DUMP, STAGED
from tests.contract.engine_bench import TINY, Bench, DockerBench
from tests.unit.archives.archive_samples import file, folder, tar_of

COMPONENT = "web_app"


@pytest.fixture
def image(bench: Bench, request: pytest.FixtureRequest) -> str:
    """One that has what works on volumes."""
    if isinstance(bench, DockerBench):
        resolve: Callable[[str], str] = request.getfixturevalue("image_of")
        return resolve("python")
    return TINY


@pytest.fixture
def volume(bench: Bench) -> str:
    """A volume with two files."""
    name = data_volume(bench.stack, COMPONENT)
    bench.engine.create_volume(name, bench.stack)
    files = (ConfigFile("a", b"a", 0o640, 65534), ConfigFile("deep/b", b"b" * 100_000, 0o644, 472))
    bench.engine.write_volume(name, bench.stack, TINY, files, ())
    return name


def content(bench: Bench, image: str, volume: str, kind: str = "files") -> dict[str, bytes]:
    """The files that come of a volume."""
    data = b"".join(bench.engine.gather(bench.stack, image, volume, kind))  # type: ignore[arg-type]
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        found = {one.name: tar.extractfile(one) for one in tar if one.isfile()}
        return {name: file.read() for name, file in found.items() if file}


def test_all_comes_out_with_owner_and_permissions(bench: Bench, image: str, volume: str) -> None:
    data = b"".join(bench.engine.gather(bench.stack, image, volume, "files"))
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        found = {one.name: (one.mode, one.size) for one in tar if one.isfile()}
        assert "." in tar.getnames()
        owners = {one.uid for one in tar if one.isfile()}
    assert found == {"a": (0o640, 1), "deep/b": (0o644, 100_000)}
    if isinstance(bench, DockerBench):
        assert owners == {65534, 472}


def test_other_content_takes_its_place(bench: Bench, image: str, volume: str) -> None:
    told = tar_of(folder(STAGED, 0o750), file(f"{STAGED}/new", b"n"), file(f"{STAGED}/deep/c", b"c"))
    bench.engine.stage(bench.stack, TINY, volume, io.BytesIO(told))
    assert set(content(bench, image, volume)) == {"a", "deep/b"}
    for _ in range(2):
        bench.engine.adopt(bench.stack, image, volume)
        assert content(bench, image, volume) == {"new": b"n", "deep/c": b"c"}
    if isinstance(bench, DockerBench):
        data = b"".join(bench.engine.gather(bench.stack, image, volume, "files"))
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            top = tar.getmember(".")
            assert (top.mode, top.uid) == (0o750, 65534)


def test_what_a_volume_held_comes_back_after_another_owner(bench: Bench, image: str, volume: str) -> None:
    engine, before = bench.engine, content(bench, image, volume)
    changed = (ConfigFile("a", b"of another form"), ConfigFile("new", b"n"))
    engine.keep(bench.stack, image, volume, "files")
    engine.write_volume(volume, bench.stack, TINY, changed, ())
    assert content(bench, image, volume) == {**before, "a": b"of another form", "new": b"n"}
    for _ in range(2):
        engine.give_back(bench.stack, image, volume)
        assert content(bench, image, volume) == before
    if isinstance(bench, DockerBench):
        data = b"".join(engine.gather(bench.stack, image, volume, "files"))
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            assert {one.uid for one in tar if one.isfile()} == {65534, 472}


def test_another_owner_may_begin_with_what_was_written_down(bench: Bench, image: str, volume: str) -> None:
    engine, before = bench.engine, content(bench, image, volume)
    engine.write_volume(volume, bench.stack, TINY, (ConfigFile(DUMP, b"dump"),), ())
    with pytest.raises(StartFailed, match="what was there is not kept"):
        engine.from_dump(bench.stack, image, volume)
    engine.keep(bench.stack, image, volume, "dump")
    engine.from_dump(bench.stack, image, volume)
    assert content(bench, image, volume) == {"restore.dump": b"dump"}
    engine.give_back(bench.stack, image, volume)
    assert content(bench, image, volume) == before


def test_what_was_staged_can_go_again(bench: Bench, image: str, volume: str) -> None:
    bench.engine.stage(bench.stack, TINY, volume, io.BytesIO(tar_of(file(f"{STAGED}/new"))))
    for _ in range(2):
        bench.engine.unstage(bench.stack, image, volume)
    bench.engine.adopt(bench.stack, image, volume)
    assert set(content(bench, image, volume)) == {"a", "deep/b"}


def test_a_dump_comes_alone(bench: Bench, image: str, volume: str) -> None:
    bench.engine.write_volume(volume, bench.stack, TINY, (ConfigFile(DUMP, b"dump"),), ())
    assert content(bench, image, volume, "dump") == {"restore.dump": b"dump"}
    assert set(content(bench, image, volume)) == {"a", "deep/b"}


def test_damage_is_found_and_moved_aside(bench: Bench, image: str, volume: str) -> None:
    engine, stack = bench.engine, bench.stack
    assert engine.examine(stack, image, volume, "files", 0.0, deep=True) == ()
    cut = ConfigFile("silences", b"\x05abc", 0o640, 65534)
    engine.write_volume(volume, stack, TINY, (cut,), ())
    (found,) = engine.examine(stack, image, volume, "files", 0.0, deep=False)
    assert (found.path, found.moved) == ("silences", ("silences",)) and "cut" in found.why
    for _ in range(2):
        engine.set_aside(stack, image, volume, ".damaged-1", found.moved)
    assert engine.examine(stack, image, volume, "files", 0.0, deep=True) == ()
    assert set(content(bench, image, volume)) == {"a", "deep/b"}


def test_what_cannot_be_taken_says_why(bench: Bench, image: str, volume: str) -> None:
    damaged = ConfigFile("x.db", b"SQLite format 3\0" + b"garbage" * 999)
    bench.engine.write_volume(volume, bench.stack, TINY, (damaged,), ())
    with pytest.raises(StartFailed, match=rf"read volume {volume}: x\.db: SQLite says: "):
        content(bench, image, volume)
    with pytest.raises(StartFailed, match=r"volume ct-nowhere is gone"):
        content(bench, image, "ct-nowhere")
    bench.foreign("volume", f"{bench.stack}-theirs")
    with pytest.raises(StartFailed, match="is not ours"):
        content(bench, image, f"{bench.stack}-theirs")


def test_no_helper_is_left(bench: Bench, image: str, volume: str) -> None:
    content(bench, image, volume)
    bench.engine.stage(bench.stack, TINY, volume, io.BytesIO(tar_of(file(f"{STAGED}/new"))))

    def broken() -> bytes:
        raise ZeroDivisionError

    class Breaking(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return broken()

    with pytest.raises(ZeroDivisionError):
        bench.engine.stage(bench.stack, TINY, volume, Breaking())
    given = bench.engine.gather(bench.stack, image, volume, "files")
    next(iter(given))
    del given
    assert bench.engine.observe(bench.stack).leftovers == ()


READ_ON = """
import sys
from stack.engine.docker import connect
given = connect().gather(*sys.argv[1:4], "files")
next(given)
print("begun", flush=True)
sys.stdin.read()
"""


@pytest.mark.engine
def test_a_killed_client_leaves_neither_helper_nor_copy(image_of: Callable[[str], str]) -> None:
    image = image_of("python")
    with DockerBench() as bench:
        volume = data_volume(bench.stack, COMPONENT)
        bench.engine.create_volume(volume, bench.stack)
        large = ConfigFile("large", os.urandom(24 << 20))
        bench.engine.write_volume(volume, bench.stack, TINY, (large,), ())
        process = subprocess.Popen(
            [sys.executable, "-c", READ_ON, bench.stack, image, volume],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
            text=True,
        )
        assert process.stdout and process.stdout.readline() == "begun\n"
        assert len(bench.engine.observe(bench.stack).leftovers) == 1
        process.send_signal(signal.SIGKILL)
        process.communicate()

        def helper_gone() -> None:
            if bench.engine.observe(bench.stack).leftovers:
                raise NotYet("the helper is there")

        until(helper_gone, seconds=20)
        assert list(content(bench, image, volume)) == ["large"]
