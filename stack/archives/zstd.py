"""Zstandard (RFC 8878), of the standard library where it has it (Python 3.14), else of its backport."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

if sys.version_info >= (3, 14):
    from compression.zstd import ZstdCompressor, ZstdDecompressor, ZstdError
else:
    from backports.zstd import ZstdCompressor, ZstdDecompressor, ZstdError

LEVEL = 3
PIECE = 1 << 20
"""Most bytes that are unpacked at once, however small their packed form is."""


class Truncated(Exception):
    """The stream ends before its end, is none, or goes on behind it."""


def packed(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The chunks as one frame."""
    compressor = ZstdCompressor(level=LEVEL)
    for chunk in chunks:
        if piece := compressor.compress(chunk):
            yield piece
    yield compressor.flush()


def unpacked(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """What one frame holds, in pieces of bounded size; ``Truncated`` where it is not whole."""
    decompressor = ZstdDecompressor()
    try:
        for chunk in chunks:
            if decompressor.eof:
                raise Truncated("something follows its end")
            yield from _pieces(decompressor, chunk)
    except ZstdError as error:
        raise Truncated(str(error)) from error
    if not decompressor.eof or decompressor.unused_data:
        raise Truncated("it is cut off, or something follows its end")


def _pieces(decompressor: ZstdDecompressor, chunk: bytes) -> Iterator[bytes]:
    piece = decompressor.decompress(chunk, PIECE)
    while piece:
        yield piece
        piece = b"" if decompressor.eof or decompressor.needs_input else decompressor.decompress(b"", PIECE)
