"""storage_gate: an object is there wholly or not at all, whichever step fails or is never reached."""

from __future__ import annotations

import hashlib
import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import pytest

from stack.app.gates.policy import DEFAULT_POLICY
from stack.app.gates.storage import ContentStore, Disk
from tests.unit.app.gates.gate_support import rejection

CONTENT = b"some content" * 1000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Killed(BaseException):
    """Stands for a process that ends here: nothing after it runs, no clean-up either."""


class FailingDisk(Disk):
    """Fails at the n-th call, with an error of the disk or as if the process were killed."""

    def __init__(self, at: int, fault: BaseException) -> None:
        super().__init__()
        self.left = at
        self.fault = fault

    def _count(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise self.fault

    def sync(self, file: BinaryIO) -> None:
        self._count()
        super().sync(file)

    def sync_folder(self, folder: Path) -> None:
        self._count()
        super().sync_folder(folder)

    def rename(self, source: Path, target: Path) -> None:
        self._count()
        super().rename(source, target)


STEPS = ["E_STORAGE_PUT"] + ["E_STORAGE_MOVE"] * 3 + ["E_STORAGE_MARKER"] * 4


def files(root: Path) -> list[str]:
    return sorted(path.relative_to(root).parts[0] for path in root.rglob("*") if path.is_file())


def test_put_and_find(tmp_path: Path) -> None:
    store = ContentStore(tmp_path, DEFAULT_POLICY.storage)
    stored = store.put(io.BytesIO(CONTENT)).value
    assert (stored.digest, stored.size, stored.path.read_bytes()) == (DIGEST, len(CONTENT), CONTENT)
    assert store.find(DIGEST) == stored
    assert list(store.digests()) == [DIGEST]
    assert files(tmp_path) == ["markers", "objects"]


def test_the_same_content_is_one_object(tmp_path: Path) -> None:
    store = ContentStore(tmp_path, DEFAULT_POLICY.storage)
    with ThreadPoolExecutor(8) as pool:
        stored = [each.value for each in pool.map(lambda _: store.put(io.BytesIO(CONTENT)), range(16))]
    assert {each.digest for each in stored} == {DIGEST}
    assert files(tmp_path) == ["markers", "objects"]


def test_a_removed_object_is_gone_and_can_be_put_again(tmp_path: Path) -> None:
    store = ContentStore(tmp_path, DEFAULT_POLICY.storage)
    for _ in range(2):
        store.put(io.BytesIO(CONTENT))
        store.remove(DIGEST)
        store.remove(DIGEST)
        assert (store.find(DIGEST), files(tmp_path)) == (None, [])


def test_a_removal_that_is_interrupted_is_finished_by_recovery(tmp_path: Path) -> None:
    ContentStore(tmp_path, DEFAULT_POLICY.storage).put(io.BytesIO(CONTENT))
    with pytest.raises(Killed):
        ContentStore(tmp_path, DEFAULT_POLICY.storage, FailingDisk(1, Killed())).remove(DIGEST)
    store = ContentStore(tmp_path, DEFAULT_POLICY.storage)
    assert (store.find(DIGEST), store.recover()) == (None, (0, 1))


@pytest.mark.parametrize("digest", ["0" * 64, "", "../../etc/passwd", DIGEST.upper()])
def test_what_is_not_there_is_not_found(tmp_path: Path, digest: str) -> None:
    store = ContentStore(tmp_path, DEFAULT_POLICY.storage)
    store.put(io.BytesIO(CONTENT))
    assert store.find(digest) is None


def test_an_object_has_a_largest_size(tmp_path: Path) -> None:
    store = ContentStore(tmp_path, replace(DEFAULT_POLICY.storage, max_object_bytes=100))
    assert store.put(io.BytesIO(b"x" * 100)).value.size == 100
    assert rejection(store.put, io.BytesIO(b"x" * 101)).error_code == "E_STORAGE_PUT"
    assert files(tmp_path) == ["markers", "objects"]


@pytest.mark.parametrize(("step", "code"), list(enumerate(STEPS, 1)))
def test_a_disk_that_fails_at_any_step(tmp_path: Path, step: int, code: str) -> None:
    store = ContentStore(
        tmp_path, DEFAULT_POLICY.storage, FailingDisk(step, OSError(28, "No space left on device"))
    )
    refused = rejection(store.put, io.BytesIO(CONTENT))
    assert (refused.gate, refused.error_code) == ("storage_gate", code)
    assert "No space left on device" in refused.hint
    assert store.find(DIGEST) is None
    assert store.put(io.BytesIO(CONTENT)).value.digest == DIGEST


@pytest.mark.parametrize("step", range(1, len(STEPS) + 1))
def test_a_process_killed_at_any_step_leaves_all_or_nothing(tmp_path: Path, step: int) -> None:
    with pytest.raises(Killed):
        ContentStore(tmp_path, DEFAULT_POLICY.storage, FailingDisk(step, Killed())).put(io.BytesIO(CONTENT))
    store = ContentStore(tmp_path, DEFAULT_POLICY.storage)
    store.recover()
    found = store.find(DIGEST)
    assert files(tmp_path) == (["markers", "objects"] if found else [])
    assert store.recover() == (0, 0)


def test_recovery_counts_and_keeps_what_has_its_marker(tmp_path: Path) -> None:
    store = ContentStore(tmp_path, DEFAULT_POLICY.storage)
    store.put(io.BytesIO(b"kept"))
    store.stage(io.BytesIO(b"staged"))
    store.move(store.stage(io.BytesIO(b"unmarked")))
    assert store.recover() == (1, 1)
    assert list(store.digests()) == [hashlib.sha256(b"kept").hexdigest()]


def test_a_failed_marker_does_not_take_an_existing_object_away(tmp_path: Path) -> None:
    stored = ContentStore(tmp_path, DEFAULT_POLICY.storage).put(io.BytesIO(CONTENT)).value
    failing = ContentStore(tmp_path, DEFAULT_POLICY.storage, FailingDisk(4, OSError(5, "I/O error")))
    assert rejection(failing.mark, stored).error_code == "E_STORAGE_MARKER"
    assert failing.find(DIGEST) is not None


@pytest.mark.parametrize(
    ("obstacle", "code"),
    [("staging", "E_STORAGE_PUT"), ("objects", "E_STORAGE_MOVE"), ("markers", "E_STORAGE_MARKER")],
)
def test_a_folder_that_is_no_folder(tmp_path: Path, obstacle: str, code: str) -> None:
    store = ContentStore(tmp_path, DEFAULT_POLICY.storage)
    (tmp_path / obstacle).rmdir()
    (tmp_path / obstacle).touch()
    assert rejection(store.put, io.BytesIO(CONTENT)).error_code == code


def test_a_source_that_breaks_off(tmp_path: Path) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(5, "Input/output error")

    store = ContentStore(tmp_path, DEFAULT_POLICY.storage)
    assert rejection(store.put, Broken()).error_code == "E_STORAGE_PUT"
    assert files(tmp_path) == []
