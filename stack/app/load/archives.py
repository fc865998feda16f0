"""Archives that the load generator makes: ordinary ones, and one for each error code of extraction_gate.

All are small, because the generator judges them by ``TIGHT``, a policy whose budgets are small too: the same code
decides, at a cost that a demo can bear.
"""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from random import Random
from typing import Final

from stack.app.gates.policy import KIB, ArchivePolicy

TIGHT: Final = ArchivePolicy(
    max_entries=20,
    max_file_bytes=64 * KIB,
    max_total_bytes=256 * KIB,
    max_ratio=20,
    max_entry_ratio=20,
    ratio_floor_bytes=4 * KIB,
    max_nesting=1,
)
_WORDS: Final = (
    "report",
    "summary",
    "alert",
    "packet",
    "gate",
    "archive",
    "memory",
    "tool",
    "night",
    "budget",
)
_EPOCH: Final = (2026, 1, 1, 0, 0, 0)


def text(random: Random, words: int) -> bytes:
    """Some words of prose."""
    return " ".join(random.choices(_WORDS, k=words)).encode()


def zipped(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip archive; the same bytes for the same files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), content, method)
    return buffer.getvalue()


def tarred(members: Iterable[tuple[tarfile.TarInfo, bytes]], mode: str = "w:gz") -> bytes:
    """A tar archive of any compression."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for member, content in members:
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def ordinary(random: Random) -> bytes:
    """A few text files, as zip or as tar.gz."""
    files = {f"docs/part-{number}.txt": text(random, 40) for number in range(random.randint(1, 4))}
    if random.random() < 0.7:
        return zipped(files)
    return tarred((tarfile.TarInfo(name), content) for name, content in files.items())


def hostile() -> dict[str, bytes]:
    """For each error code of extraction_gate an archive that meets it under ``TIGHT``."""
    noise = Random(7).randbytes(48 * KIB)  # noqa: S311 - incompressible filler
    link = tarfile.TarInfo("docs/link")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    return {
        "E_SPECIAL_TYPE": tarred([(link, b"")]),
        "E_BOMB_RATIO": zipped({f"{number}.txt": b"0" * 4000 for number in range(16)}),
        "E_ENTRY_RATIO": zipped({"noise.bin": noise, "zeros.bin": b"0" * (32 * KIB)}),
        "E_FILE_SIZE": zipped({"large.bin": noise + noise}, zipfile.ZIP_STORED),
        "E_FILE_SIZE_STREAM": _understated(zipped({"large.bin": noise + noise}), len(noise) * 2, 1000),
        "E_ENTRY_BUDGET": zipped({f"file-{number}.txt": b"x" for number in range(30)}),
    }


def _understated(archive: bytes, size: int, claimed: int) -> bytes:
    """The same zip with every mention of an uncompressed size lowered (a header that lies)."""
    return archive.replace(struct.pack("<I", size), struct.pack("<I", claimed))
