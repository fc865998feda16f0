"""An append-only queue of lines on disk, bounded, in order, that a killed process finds again.

Lines live in numbered files; a file goes when all of its lines are acknowledged. What `append` took is in the
kernel's hands when it returns, so a killed process loses nothing; `sync` brings it to the disk, so a power cut
loses at most what came after the last `sync`. An acknowledgement may be lost, so a line can be read twice and its
reader must know it again. It must never know what a line means.
"""

from __future__ import annotations

import fcntl
import os
import threading
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

FILE_BYTES = 4 * 1024 * 1024
MAX_BYTES = 64 * 1024 * 1024
BATCH_BYTES = 1024 * 1024
_SUFFIX = ".journal"
_NOTE_BYTES = 128


class JournalError(Exception):
    """The journal's folder cannot be used; the message says why and how to fix it."""


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in the journal: a file's number and an offset in it."""

    number: int = 0
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines in order, the position behind them, and how many lines between them were damaged and left out."""

    lines: tuple[bytes, ...]
    end: Position
    damaged: int


class _Note:
    """One line in a file of its own, replaced in place: its room is taken at once, so that a full disk takes it too."""

    def __init__(self, path: Path) -> None:
        self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        if not os.fstat(self.descriptor).st_size:
            with suppress(OSError):  # full already
                os.pwrite(self.descriptor, b"\n" * _NOTE_BYTES, 0)

    def read(self) -> bytes | None:
        """The line; None when there is none, or a damaged one."""
        text, _, checksum = os.pread(self.descriptor, _NOTE_BYTES, 0).partition(b"\n")[0].rpartition(b" ")
        return text if text and checksum == b"%08x" % zlib.crc32(text) else None

    def write(self, text: bytes) -> None:
        """Replaces it. Raises OSError."""
        os.pwrite(self.descriptor, b"%s %08x\n" % (text, zlib.crc32(text)), 0)


class Journal:
    """The queue in `folder`, at most `max_bytes` long. One process at a time, any number of threads.

    Raises JournalError when the folder cannot be used or another process uses it.
    """

    def __init__(self, folder: Path, max_bytes: int = MAX_BYTES, file_bytes: int = FILE_BYTES) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._file_bytes = file_bytes
        self._lock = threading.Lock()
        self._closed = False
        try:
            self._guard = _own(folder)
            self._ack = _Note(folder / "acknowledged")
            self._gap = _Note(folder / "missing")
            self._sizes = _cut_torn_ends(folder)
            self._read = _position(self._ack.read())
            self._number = max(self._read.number, *self._sizes, 0) + 1
            self._synced = self._number
            self._file = self._create(self._number)
        except OSError as error:
            raise JournalError(f"audit queue {folder}: {error}: make the folder writable") from error
        self._skip_finished()

    @property
    def bytes_waiting(self) -> int:
        """Bytes not acknowledged yet."""
        with self._lock:
            return sum(self._sizes.values()) - self._read.offset

    @property
    def end(self) -> Position:
        """Where the next line will go."""
        with self._lock:
            return Position(self._number, self._sizes[self._number])

    @property
    def acknowledged(self) -> Position:
        """Everything before it is done."""
        with self._lock:
            return self._read

    @property
    def missing(self) -> tuple[int, str]:
        """How many lines could not be taken since the last that could, and a name for this gap; 0 without one."""
        count, _, name = (self._gap.read() or b"0 ").decode("ascii").partition(" ")
        return int(count), name

    def note_missing(self, count: int, name: str) -> None:
        """Remember it, also for the next process; 0 when the gap has been told of. Raises OSError."""
        with self._lock:
            self._check_open()
            self._gap.write(b"%020d %s" % (count, name.encode("ascii")))

    def append(self, line: bytes) -> bool:
        """Take one line, which holds no line feed; False if it does not fit. Raises OSError if the disk refuses."""
        record = b"%08x %s\n" % (zlib.crc32(line), line)
        with self._lock:
            self._check_open()
            if sum(self._sizes.values()) - self._read.offset + len(record) > self._max_bytes:
                return False
            if self._sizes[self._number] >= self._file_bytes:
                self._rotate()
            self._write(record)
        return True

    def read(self, most: int) -> Batch:
        """Up to `most` lines behind the last acknowledged one; the same again until they are acknowledged."""
        with self._lock:
            self._skip_finished()
            start, end = self._read, self._sizes[self._read.number]
        lines: list[bytes] = []
        damaged, offset = 0, start.offset
        with self._path(start.number).open("rb") as file:
            file.seek(offset)
            while offset < end and len(lines) < most and offset - start.offset < BATCH_BYTES:
                record = file.readline(end - offset)
                offset += len(record)
                line = _intact(record)
                if line is None:
                    damaged += 1
                else:
                    lines.append(line)
        return Batch(tuple(lines), Position(start.number, offset), damaged)

    def acknowledge(self, position: Position) -> None:
        """All lines before `position` are done and need not be read again. Raises OSError."""
        with self._lock:
            self._check_open()
            self._ack.write(b"%020d %020d" % (position.number, position.offset))
            self._read = max(self._read, position)
            self._skip_finished()

    def sync(self) -> None:
        """Bring everything appended so far to the disk. Raises OSError."""
        with self._lock:
            newest = self._number
            paths = [self._path(number) for number in self._sizes if number >= self._synced]
        for path in (*paths, self._folder):
            _sync(path)
        self._synced = newest

    def close(self) -> None:
        """Let another process have the folder; what is not acknowledged stays for it."""
        with self._lock:
            if not self._closed:
                self._closed = True
                for descriptor in (self._file, self._ack.descriptor, self._gap.descriptor, self._guard):
                    os.close(descriptor)

    def _check_open(self) -> None:
        if self._closed:
            raise OSError(f"audit queue {self._folder} is closed")

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:020d}{_SUFFIX}"

    def _create(self, number: int) -> int:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL
        descriptor = os.open(self._path(number), flags, 0o600)
        self._sizes[number] = 0
        return descriptor

    def _rotate(self) -> None:
        fresh = self._create(self._number + 1)
        os.close(self._file)
        self._file, self._number = fresh, self._number + 1

    def _write(self, record: bytes) -> None:
        size = self._sizes[self._number]
        try:
            rest = memoryview(record)
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError:
            os.ftruncate(self._file, size)
            raise
        self._sizes[self._number] = size + len(record)

    def _skip_finished(self) -> None:
        """Move the reading position past finished files and delete them; the file being written stays."""
        for number in sorted(self._sizes):
            self._read = max(self._read, Position(number))
            behind = self._read.number > number or self._read.offset >= self._sizes[number]
            if number == self._number or not behind:
                return
            self._path(number).unlink(missing_ok=True)
            del self._sizes[number]


def _own(folder: Path) -> int:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    guard = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(guard)
        raise JournalError(
            f"audit queue {folder}: another process uses it: stop that one or choose another folder"
        ) from None
    return guard


def _cut_torn_ends(folder: Path) -> dict[int, int]:
    """The sizes of the files; a line that a crash left unfinished is cut off: its `append` never returned."""
    sizes = {}
    for path in folder.glob(f"{'[0-9]' * 20}{_SUFFIX}"):
        content = path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            os.truncate(path, whole)
        sizes[int(path.stem)] = whole
    return sizes


def _position(acknowledged: bytes | None) -> Position:
    """The last acknowledgement; the very beginning if it is damaged, since reading twice does no harm."""
    return Position(*map(int, acknowledged.split())) if acknowledged else Position()


def _intact(record: bytes) -> bytes | None:
    checksum, _, line = record.rstrip(b"\n").partition(b" ")
    return line if checksum == b"%08x" % zlib.crc32(line) else None


def _sync(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return  # acknowledged and deleted meanwhile
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
