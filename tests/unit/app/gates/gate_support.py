"""What the gate tests share: how to expect a rejection, and archives made on the spot."""

from __future__ import annotations

import io
import random
import struct
import tarfile
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from stack.app.gates.extraction import extract, inspect
from stack.app.gates.policy import DEFAULT_POLICY, ArchivePolicy
from stack.app.gates.types import Rejected

PUBLIC = "93.184.216.34"
NOISE = random.Random(1).randbytes(300_000)
PLAIN = [("docs/a.txt", b"hello"), ("docs/ü/noise.bin", NOISE), ("empty", b"")]


def rejection(call: Callable[..., object], *args: Any, **kwargs: Any) -> Rejected:
    """The rejection that a call raises."""
    with pytest.raises(Rejected) as caught:
        call(*args, **kwargs)
    return caught.value


def code_of(call: Callable[..., object], *args: Any, **kwargs: Any) -> str:
    """ "ok", or the error code of a gate's rejection."""
    try:
        call(*args, **kwargs)
    except Rejected as refused:
        return refused.error_code
    return "ok"


def answers(**hosts: Sequence[str]) -> Callable[[str], Sequence[str]]:
    """A resolver: the given names (with _ for the dot), and one public address for every other."""
    table = {name.replace("_", "."): addresses for name, addresses in hosts.items()}
    return lambda host: table.get(host, [PUBLIC])


def make_zip(
    items: Iterable[tuple[str | zipfile.ZipInfo, bytes]], method: int = zipfile.ZIP_DEFLATED
) -> bytearray:
    """A zip of these members, in order."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", method) as archive:
        warnings.simplefilter("ignore")
        for name, content in items:
            archive.writestr(name, content)
    return bytearray(buffer.getvalue())


def make_tar(
    items: Iterable[tuple[str | tarfile.TarInfo, bytes]], mode: str = "w", form: int = tarfile.PAX_FORMAT
) -> bytearray:
    """A tar of these members; ``mode`` as for tarfile.open."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode, format=form) as archive:  # type: ignore[call-overload]
        for name, content in items:
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.size = info.size or len(content)
            archive.addfile(info, io.BytesIO(content))
    return bytearray(buffer.getvalue())


def tar_member(name: str, **fields: Any) -> tarfile.TarInfo:
    """A tar header with these fields."""
    info = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(info, field, value)
    return info


def zip_record(data: bytearray) -> int:
    """Where the last record of a zip's directory starts."""
    return data.rindex(b"PK\1\2")


def overlapping_zip(content: bytes, names: Sequence[str]) -> bytes:
    """Every name in the directory points to the same data, as in Fifield's bombs."""
    data = make_zip([(names[0], content)])
    record_at, end_at = zip_record(data), data.rindex(b"PK\5\6")
    record = bytes(data[record_at:end_at])
    end = bytearray(data[end_at:])
    struct.pack_into("<HHL", end, 8, len(names), len(names), len(record) * len(names))
    return bytes(data[:record_at]) + record * len(names) + bytes(end)


def save(folder: Path, data: bytes | bytearray, name: str = "archive") -> Path:
    """The archive as a file."""
    path = folder / name
    path.write_bytes(data)
    return path


def decide(folder: Path, data: bytes | bytearray, policy: ArchivePolicy = DEFAULT_POLICY.archive) -> str:
    """The decision, the same from both functions; a refused archive leaves nothing behind."""
    archive = save(folder, data)
    decisions = [
        code_of(inspect, archive, policy, DEFAULT_POLICY.path),
        code_of(extract, archive, folder / "out", policy, DEFAULT_POLICY.path),
    ]
    assert decisions[0] == decisions[1]
    left = {path.name for path in folder.iterdir()} - {archive.name}
    assert left == ({"out"} if decisions[0] == "ok" else set())
    return decisions[0]


def peak_memory(call: Callable[[], object]) -> int:
    """The most bytes that Python held at once during a call, beyond what it held before."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
