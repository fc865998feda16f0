"""Ingest under hardship: several at once, a full disk, and SIGKILL at any moment, over and over."""

from __future__ import annotations

import errno
import hashlib
import json
import random
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from stack.app.gates.types import Rejected
from stack.app.ingest.pipeline import PACKET_TYPE, RESERVE_BYTES, SEGMENT
from tests.unit.app.ingest.test_ingest_pipeline import House, archive, house


def refuse_inconsistency(here: House) -> None:
    """Every packet's objects are there and whole, and there is no object that no packet knows."""
    known: set[str] = set()
    for packet in here.store.recent(SEGMENT, 1000):
        if packet.packet_type == PACKET_TYPE:
            manifest = json.loads(content(here, packet.payload["manifest"]))
            known |= {packet.payload["manifest"], *(entry["digest"] for entry in manifest["entries"])}
    for digest in known:
        assert here.objects.has(digest)
        assert hashlib.sha256(content(here, digest)).hexdigest() == digest
    left = here.kept()
    assert (left[0], left[2]) == (len(known), [])


def content(here: House, digest: str) -> bytes:
    return (here.root / "content" / "objects" / digest[:2] / digest).read_bytes()


def test_the_same_archive_many_times_at_once(tmp_path: Path) -> None:
    here = house(tmp_path)
    with ThreadPoolExecutor(6) as pool:
        done = list(pool.map(lambda _: here.ingest.take(archive(), "a.zip"), range(12)))
    assert len({each.digest for each in done}) == 1
    assert here.kept() == (3, 12, [])


def test_whoever_counts_what_waits_disturbs_nobody(tmp_path: Path) -> None:
    here = house(tmp_path)
    with ThreadPoolExecutor(2) as pool:
        takes = pool.submit(lambda: [here.ingest.take(archive({str(i): b"x"}), "a.zip") for i in range(10)])
        while not takes.done():
            assert here.ingest.waiting() in (0, 1)
        assert len(takes.result()) == 10
    refuse_inconsistency(here)


def test_a_thousand_files_are_an_ordinary_archive(tmp_path: Path) -> None:
    here = house(tmp_path)
    done = here.ingest.take(archive({f"package/module_{i}.py": b"x = %d" % i for i in range(1000)}), "a.zip")
    assert len(done.entries) == 1000
    refuse_inconsistency(here)


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file may grow beyond ``size``: the system says EFBIG where a full disk says ENOSPC."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


BIG = {"big": random.Random(7).randbytes(200_000), "packs": b"some text\n" * 20_000}


@pytest.mark.parametrize("size", [40, 1000, 150_000, 201_000])
def test_a_disk_that_takes_no_more_keeps_nothing(tmp_path: Path, size: int) -> None:
    here = house(tmp_path)
    here.ingest.take(archive({"kept.txt": b"first"}), "a.zip")
    with largest_file(size), pytest.raises((OSError, Rejected)) as caught:
        here.ingest.take(archive(BIG), "b.zip")
    if isinstance(caught.value, OSError):
        assert caught.value.errno == errno.EFBIG
    assert here.kept() == (2, 1, [])
    here.ingest.take(archive(BIG), "b.zip")
    refuse_inconsistency(here)


def test_a_disk_that_fills_while_the_intent_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for fails_at in (1, 2):
        here = house(tmp_path / str(fails_at))
        calls = iter(range(1, 10))

        def full(*_: object, calls: Iterator[int] = calls, fails_at: int = fails_at) -> None:
            if next(calls) == fails_at:
                raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patched, pytest.raises(OSError, match="No space"):
            patched.setattr("stack.app.ingest.intents.json.dump", full)
            here.ingest.take(archive(), "a.zip")
        assert here.kept() == (0, 0, [])


def test_the_last_of_a_disk_is_left_to_journal_and_packet_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = house(tmp_path)
    real = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: real._replace(free=RESERVE_BYTES - 1))
    with pytest.raises(OSError, match="kept for journal") as caught:
        here.ingest.take(archive(), "a.zip")
    assert (caught.value.errno, here.kept()) == (errno.ENOSPC, (0, 0, []))


CHILD = f"""
import sys
sys.path[:0] = [{str(Path(__file__).parents[4])!r}]
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from tests.unit.app.ingest.test_ingest_pipeline import archive, house

here = house(Path(sys.argv[1]))
here.ingest.recover()
random = Random(int(sys.argv[2]))
print("ready", flush=True)

def take(number):
    files = {{f"f{{i}}": b"%d" % random.randrange(60) for i in range(random.randrange(1, 9))}}
    here.ingest.take(archive(files), "a.zip")
    print(number, flush=True)

with ThreadPoolExecutor(2) as pool:
    list(pool.map(take, range(1000)))
"""


def test_killed_at_any_moment_over_and_over(tmp_path: Path) -> None:
    moments = random.Random(11)
    for attempt in range(6):
        command = [sys.executable, "-c", CHILD, str(tmp_path), str(attempt)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
            try:
                child.wait(moments.uniform(0, 0.6))
            except subprocess.TimeoutExpired:
                child.kill()
            done = len(child.stdout.readlines())
        assert child.returncode == -signal.SIGKILL
        before = house(tmp_path)
        before.ingest.recover()
        refuse_inconsistency(before)
        assert before.kept()[1] >= done
