"""Archives as real writers make them of ordinary files are accepted, and unpack to the same files."""

from __future__ import annotations

import subprocess
import zipfile
from io import RawIOBase
from pathlib import Path

import pytest

from stack.app.gates.extraction import extract
from stack.app.gates.policy import DEFAULT_POLICY
from tests.differential.readers import require_programs

FILES = {
    "readme.txt": b"hello",
    "empty": b"",
    "d/e/noise": bytes(range(256)) * 300,
    "d/ü ñ/日本.txt": b"x",
    f"d/{'n' * 60}/{'o' * 60}": b"a long name",
}
TAR, BSDTAR, ZIP = ("tar", "-cf"), ("bsdtar", "-cf"), ("7z", "a", "-bb0")
WRITERS = {
    **{
        f"GNU tar, {form}": (*TAR, "{}.tar", f"--format={form}", ".")
        for form in ("gnu", "oldgnu", "pax", "ustar")
    },
    **{f"GNU tar, {packer}": (*TAR, "{}.tar", f"--{packer}", ".") for packer in ("gzip", "bzip2", "xz")},
    **{
        f"bsdtar, {form}": (*BSDTAR, "{}.tar", f"--format={form}", ".")
        for form in ("pax", "ustar", "gnutar", "zip")
    },
    "bsdtar, zip64": (*BSDTAR, "{}.zip", "--format=zip", "--options=zip:zip64", "."),
    **{
        f"7z, {method}": (*ZIP, "-tzip", f"-mm={method}", "{}.zip", ".")
        for method in ("Copy", "Deflate", "BZip2", "LZMA")
    },
    "7z, tar": (*ZIP, "-ttar", "{}.tar", "."),
}


class Pipe(RawIOBase):
    """A file that cannot seek."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        return self._file.write(data)

    def close(self) -> None:
        self._file.close()
        super().close()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    require_programs()
    for name, content in FILES.items():
        path = tmp_path / "source" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "source"


def unpacked(archive: Path) -> dict[str, bytes]:
    target = archive.parent / "unpacked"
    extract(archive, target, DEFAULT_POLICY.archive, DEFAULT_POLICY.path)
    return {str(path.relative_to(target)): path.read_bytes() for path in target.rglob("*") if path.is_file()}


@pytest.mark.parametrize("command", WRITERS.values(), ids=WRITERS.keys())
def test_a_real_writer_s_archive(source: Path, tmp_path: Path, command: tuple[str, ...]) -> None:
    parts = [part.format(tmp_path / "archive") for part in command]
    subprocess.run(parts, cwd=source, check=True, capture_output=True, timeout=60)
    assert unpacked(next(tmp_path.glob("archive.*"))) == FILES


def test_a_v7_tar_of_short_names(source: Path, tmp_path: Path) -> None:
    archive = tmp_path / "archive.tar"
    subprocess.run(
        ["tar", "--format=v7", "-cf", archive, "readme.txt", "d/e"], cwd=source, check=True, timeout=60
    )
    assert unpacked(archive) == {name: FILES[name] for name in ("readme.txt", "d/e/noise")}


@pytest.mark.parametrize("zip64", [False, True])
@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_python_writing_to_a_pipe(tmp_path: Path, method: int, zip64: bool) -> None:
    path = tmp_path / "archive.zip"
    with Pipe(path) as pipe, zipfile.ZipFile(pipe, "w", method) as archive:
        for name, content in FILES.items():
            with archive.open(name, "w", force_zip64=zip64) as file:
                file.write(content)
    assert unpacked(path) == FILES
