"""Runs beside ``keeping_program`` in a container that has one volume: finds what is damaged in it, moves that aside.

It judges by form alone: ends of files, magic numbers, lengths that fit, SQLite's own check. It must import nothing of
this package but that one module: an engine gets these two files.
"""

from __future__ import annotations

import json
import mmap
import os
import sqlite3
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote

from stack.engine.keeping_program import BESIDE_SQLITE, LOGS, MOVED, OURS, WHOLE, is_sqlite, whole_records

BLOCK_NAME = 26
CHUNKS_MAGIC, INDEX_MAGIC = b"\x85\xbd\x40\xdd", b"\xba\xaa\xd7\x00"
CHUNKS_HEAD, TABLE, CHECKSUM = 8, 52, 4
"""Bytes of a chunk file's head, and of the table at an index' end with its checksum."""
AHEAD = 3600.0
"""Seconds that a block may end after now, by clocks that differ."""
CASTAGNOLI = 0x82F63B78
STREAMS = ("silences", "nflog")
"""Alertmanager's files: records, each after its length."""
DATABASES = (".db", ".sqlite", ".sqlite3")
Found = tuple[str, str, list[str]]
"""What is damaged, how, and the paths that are moved aside for it."""


def examine(root: Path, kind: str, now: float, deep: bool = True) -> Iterator[Found]:
    """All that is damaged in a volume of this kind; without ``deep`` no large file is read as a whole."""
    if kind == "tsdb":
        yield from _blocks(root, now, deep)
        for log in LOGS:
            yield from _log(root, log)
        return
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(n for n in folders if n not in OURS and not n.startswith(MOVED))
        for name in sorted(files):
            path = Path(folder) / name
            if why := _unwell(path, at_top=Path(folder) == root):
                beside = [Path(f"{path}{end}") for end in BESIDE_SQLITE]
                moved = [path, *(one for one in beside if one.exists())]
                yield str(path.relative_to(root)), why, [str(one.relative_to(root)) for one in moved]


def _unwell(path: Path, *, at_top: bool) -> str:
    if at_top and path.name in STREAMS:
        return "" if _records_fit(path.read_bytes()) else "its last record is cut, or it holds something else"
    if is_sqlite(path):
        return _checked(path)
    if path.suffix in DATABASES and path.is_file() and path.stat().st_size:
        return "it is no database of SQLite any more"
    return ""


def _checked(path: Path) -> str:
    """What SQLite finds, in its words."""
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=rw", uri=True, timeout=30)) as database:
            (first,) = database.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        return f"SQLite says: {error}"
    return "" if first == "ok" else f"SQLite says: {' '.join(str(first).split())[:120]}"


def _records_fit(data: bytes) -> bool:
    at = 0
    while at < len(data):
        length, at = _number(data, at)
        at += length
        if not length or at > len(data):
            return False
    return True


def _number(data: bytes | mmap.mmap, at: int) -> tuple[int, int]:
    """A number of variable length, and where it ends; beyond the end where it is cut."""
    value = shift = 0
    while at < len(data) and shift < 64:
        byte = data[at]
        value, shift, at = value | (byte & 0x7F) << shift, shift + 7, at + 1
        if byte < 0x80:
            return value, at
    return 0, len(data) + 1


def _blocks(root: Path, now: float, deep: bool) -> Iterator[Found]:
    for block in sorted(one for one in root.iterdir() if _is_block(one)):
        if why := _fault_of(block, now, deep):
            yield why[0], why[1], [block.name]


def _is_block(path: Path) -> bool:
    return path.is_dir() and len(path.name) == BLOCK_NAME and path.name.isalnum() and path.name.isupper()


def _fault_of(block: Path, now: float, deep: bool) -> tuple[str, str] | None:
    """The file at fault and why."""
    try:
        meta = json.loads((block / "meta.json").read_bytes())
        ends, same = meta["maxTime"] / 1000, meta["ulid"] == block.name
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"{block.name}/meta.json", f"it cannot be read: {type(error).__name__}"
    if not same:
        return f"{block.name}/meta.json", "it is of another block"
    if ends > now + AHEAD:
        when = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(ends))
        return block.name, f"it is of the future, until {when}: newer samples are refused until then"
    index = block / "index"
    if not index.is_file() or not _index_fits(index):
        return f"{block.name}/index", "it is cut or damaged"
    for chunks in sorted((block / "chunks").glob("*")):
        if not _chunks_fit(chunks, deep):
            return f"{block.name}/chunks/{chunks.name}", "it is cut or damaged"
    return None


def _index_fits(path: Path) -> bool:
    size = path.stat().st_size
    with path.open("rb") as file:
        if size < TABLE + len(INDEX_MAGIC) or file.read(4) != INDEX_MAGIC:
            return False
        file.seek(size - TABLE)
        table = file.read()
    (told,) = struct.unpack(">I", table[-CHECKSUM:])
    return bool(told == checksum(table[:-CHECKSUM]))


def _chunks_fit(path: Path, deep: bool) -> bool:
    """Whether its chunks, each with its length before it and a checksum after it, end where the file ends."""
    if path.stat().st_size < CHUNKS_HEAD:
        return False
    with path.open("rb") as file, closing(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)) as data:
        at = CHUNKS_HEAD if deep else len(data)
        while at < len(data):
            length, at = _number(data, at)
            at += 1 + length + CHECKSUM
        return data[:4] == CHUNKS_MAGIC and at == len(data)


def checksum(data: bytes) -> int:
    """CRC-32C, which is that of the database."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (CASTAGNOLI if value & 1 else 0)
    return value ^ 0xFFFFFFFF


def _log(root: Path, log: str) -> Iterator[Found]:
    """A segment that is missing or cut: those behind it cannot be read with it, and Prometheus would remove them."""
    names = sorted(one.name for one in (root / log).glob("*") if one.name.isdigit())
    for place, name in enumerate(names[:-1]):
        later = [f"{log}/{one}" for one in names[place + 1 :]]
        if int(names[place + 1]) != int(name) + 1:
            yield (
                f"{log}/{int(name) + 1:08}",
                "this segment is missing, so the later ones cannot be used",
                later,
            )
            return
        content = (root / log / name).read_bytes()
        if content[whole_records(content) :].strip(b"\0"):
            yield f"{log}/{name}", "it is cut, so the later segments cannot be used", later
            return


def set_aside(root: Path, folder: str, paths: list[str]) -> None:
    """Moves these into a folder of the volume. Those that are gone already were moved before."""
    for path in paths:
        target = root / folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            (root / path).rename(target)


def main(verb: str, root: str, *words: str) -> int:
    """``examine KIND NOW deep|quick`` writes what it finds, one a line; ``aside FOLDER PATH...`` moves."""
    try:
        if verb == "examine":
            for found in examine(Path(root), words[0], float(words[1]), words[2] == "deep"):
                sys.stdout.write(json.dumps(found) + "\n")
            sys.stdout.flush()
        else:
            set_aside(Path(root), words[0], list(words[1:]))
            os.sync()
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stderr.write(f"{WHOLE}\n")
    return 0
