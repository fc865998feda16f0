"""Streaming decompression in bounded memory: no call hands out more than one chunk, however well data packs.

It knows deflate, gzip, bzip2, xz and zip's raw LZMA. It must never hold a whole stream.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Generator, Iterator
from typing import Final, Protocol

from stack.app.gates.archives.budget import reject, unsound

CHUNK: Final = 65536
_LZMA_MEMORY: Final = 68 * 1024 * 1024  # what ``xz -9`` asks for is 65 MiB
_OVER_LIMIT: Final = "Memory usage limit exceeded"  # lzma has no exception of its own for it
_MAX_STREAMS: Final = 65_536  # bgzip makes one for each 64 KiB
_FAULTS: Final = (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError)

Read = Callable[[int], bytes]


class Decompressor(Protocol):
    """The interface of bz2.BZ2Decompressor, which lzma's has too."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1, /) -> bytes: ...


class Deflate:
    """zlib behind the interface of bz2: what zlib hands back as unconsumed is kept here."""

    def __init__(self, wbits: int) -> None:
        self._zlib = zlib.decompressobj(wbits)
        self._kept = b""

    @property
    def eof(self) -> bool:
        """Whether the end of the stream was reached."""
        return self._zlib.eof

    @property
    def needs_input(self) -> bool:
        """Whether all input so far is used up."""
        return not self._kept

    @property
    def unused_data(self) -> bytes:
        """Input after the end of the stream."""
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int = -1, /) -> bytes:
        """At most ``max_length`` bytes."""
        out = self._zlib.decompress(self._kept + data, max(max_length, 0))
        self._kept = self._zlib.unconsumed_tail
        return out


def raw_deflate() -> Decompressor:
    """RFC 1951, as inside a zip."""
    return Deflate(-zlib.MAX_WBITS)


def gzip() -> Decompressor:
    """RFC 1952, checksum included."""
    return Deflate(zlib.MAX_WBITS | 16)


def xz() -> Decompressor:
    """An .xz stream, refused when its dictionary is out of proportion."""
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_LZMA_MEMORY)


def bzip2() -> Decompressor:
    """A .bz2 stream."""
    return bz2.BZ2Decompressor()


def zip_lzma(properties: bytes) -> Decompressor:
    """LZMA as zip carries it (APPNOTE 5.8.8): one byte of lc, lp and pb, four of dictionary size."""
    if len(properties) != 5 or properties[0] >= 9 * 5 * 5:
        raise ValueError("bad LZMA properties")
    rest, lc = divmod(properties[0], 9)
    pb, lp = divmod(rest, 5)
    size = int.from_bytes(properties[1:], "little")
    if size > _LZMA_MEMORY:
        raise ValueError(_OVER_LIMIT)
    filters = [{"id": lzma.FILTER_LZMA1, "lc": lc, "lp": lp, "pb": pb, "dict_size": max(size, 4096)}]
    return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters)


def inflate(name: str, read: Read, new: Callable[[], Decompressor], many: bool = False) -> Iterator[bytes]:
    """The decompressed chunks of ``read``; with ``many``, of streams that follow each other.

    Raises Rejected E_FILE_SIZE_STREAM when the data is damaged, cut off or followed by something else,
    E_BOMB_RATIO for streams without end, E_SPECIAL_TYPE for a dictionary that does not fit into memory.
    """
    try:
        rest = yield from _one(read, new(), b"")
        streams = 1
        while many and (rest := _after_padding(read, rest)):
            rest = yield from _one(read, new(), rest)
            streams += 1
            if streams > _MAX_STREAMS:
                reject("E_BOMB_RATIO", name, f"must have at most {_MAX_STREAMS} compressed streams")
        if not many and (rest or read(1)):
            raise EOFError("data after the end of the stream")
    except _FAULTS as fault:
        if str(fault) == _OVER_LIMIT:
            reject("E_SPECIAL_TYPE", name, "its dictionary is larger than 64 MiB; pack it with xz -9 or less")
        unsound("E_FILE_SIZE_STREAM", name, f"the compressed data is damaged ({fault}); pack it again")


def _after_padding(read: Read, data: bytes) -> bytes:
    """What follows a stream; nothing at the end, before which there may be zeros. Raises EOFError for other junk."""
    data = data or read(CHUNK)
    if data[:1] != b"\0":
        return data
    while data:
        if data.strip(b"\0"):
            raise EOFError("data after the padding of the stream")
        data = read(CHUNK)
    return b""


def _one(read: Read, stream: Decompressor, data: bytes) -> Generator[bytes, None, bytes]:
    """One stream's chunks; returns the input that follows it."""
    ended = False
    while not stream.eof:
        if not data and stream.needs_input and not ended:
            data = read(CHUNK)
            ended = not data
        out = stream.decompress(data, CHUNK)
        data = b""
        if out:
            yield out
        elif ended and stream.needs_input and not stream.eof:
            raise EOFError("the stream ends too early")
    return stream.unused_data
