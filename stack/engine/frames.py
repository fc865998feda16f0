"""Output of a process without a terminal, as the engine sends it: frames of stdout and stderr, one after the other.

Each frame begins with eight bytes: the stream, three zeros, and the length, big-endian (Docker Engine API, "Attach to
a container", stream format).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

HEAD = 8


def demultiplexed(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The content of all frames in their order, as it comes; what follows the last whole frame is left out."""
    return (part for _, part in framed(chunks))


def framed(chunks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """The same with the stream of each part: 1 is stdout, 2 stderr."""
    waiting, wanted, stream = b"", 0, 0
    for chunk in chunks:
        waiting += chunk
        while waiting if wanted else len(waiting) >= HEAD:
            if not wanted:
                stream, wanted = waiting[0], int.from_bytes(waiting[4:HEAD], "big")
                waiting = waiting[HEAD:]
                continue
            part, waiting = waiting[:wanted], waiting[wanted:]
            wanted -= len(part)
            yield stream, part
