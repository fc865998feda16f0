"""Output of a process without a terminal, as the engine sends it: frames of stdout and stderr, one after the other.

Each frame begins with eight bytes: the stream, three zeros, and the length, big-endian (Docker Engine API, "Attach to
a container", stream format).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

HEAD = 8


def demultiplexed(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The content of all frames in their order, as it comes; what follows the last whole frame is left out."""
    waiting, wanted = b"", 0
    for chunk in chunks:
        waiting += chunk
        while waiting if wanted else len(waiting) >= HEAD:
            if not wanted:
                wanted, waiting = int.from_bytes(waiting[4:HEAD], "big"), waiting[HEAD:]
                continue
            part, waiting = waiting[:wanted], waiting[wanted:]
            wanted -= len(part)
            yield part
