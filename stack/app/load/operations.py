"""What each kind of the mix does: real inputs through the application's own gates, stores and tools.

An operation is silent when it ended as its kind says, and raises otherwise: an acceptance that was refused, or a
rejection that came with another code or not at all. What it stores is small, limited in kinds, or expires.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from random import Random
from tempfile import NamedTemporaryFile
from typing import Final

from stack.app.cancel import ARCHIVES
from stack.app.gatekeeper import Gatekeeper
from stack.app.gates.types import Rejected
from stack.app.ingest.objects import Objects
from stack.app.ingest.pipeline import Ingestor
from stack.app.load import archives, inputs
from stack.app.memory.packet import new_packet
from stack.app.memory.store import PacketStore

TTL_SECONDS: Final = 3600.0
POOL: Final = 16
SEGMENTS: Final = ("project_history", "session_context")


class Unexpected(Exception):
    """An operation ended otherwise than its kind says."""


@contextmanager
def rejected(code: str) -> Iterator[None]:
    """The block must be rejected with this code. Raises Unexpected."""
    try:
        yield
    except Rejected as rejection:
        if rejection.error_code != code:
            raise Unexpected(f"{code} was asked for, {rejection} came") from rejection
        return
    raise Unexpected(f"{code} was asked for, but the input was accepted")


@dataclass(frozen=True, slots=True)
class Targets:
    """What the operations act on."""

    gates: Gatekeeper
    store: PacketStore
    objects: Objects
    ingest: Ingestor
    scratch: Path
    random: Random


def gate_operations(on: Targets) -> dict[str, Callable[[], None]]:
    """Operations of the url, filesystem, config and extraction gates, by kind."""
    tight = on.gates.with_policy(replace(on.gates.policy, archive=archives.TIGHT))
    pool = [archives.ordinary(on.random) for _ in range(POOL)]
    made: dict[str, Callable[[], None]] = {
        "archive": lambda: _inspect(tight, on.scratch, on.random.choice(pool))
    }
    for kind in inputs.URLS:
        made[kind] = _expecting(kind, partial(_url, on, kind))
    for kind in inputs.PATHS:
        made[kind] = _expecting(kind, partial(_path, on, kind))
    for kind in inputs.CONFIGS:
        made[kind] = _expecting(kind, partial(_config, on, kind))
    for code, content in archives.hostile().items():
        made[code] = _expecting(code, partial(_inspect, tight, on.scratch, content))
    return made


def memory_operations(on: Targets) -> dict[str, Callable[[], None]]:
    """Writes and searches of the packet store, and ingests, by kind."""
    pool = [archives.ordinary(on.random) for _ in range(POOL)]
    return {
        "memory-write": partial(_write, on),
        "memory-search": lambda: _search(on),
        "memory-recent": lambda: _recent(on),
        "E_LATEST_MISMATCH": _expecting("E_LATEST_MISMATCH", partial(_write, on, "never-written")),
        "ingest": lambda: _ingest(on, on.random.choice(pool)),
    }


def _expecting(kind: str, operation: Callable[[], None]) -> Callable[[], None]:
    if not kind.startswith("E_"):
        return operation

    def refused() -> None:
        with rejected(kind):
            operation()

    return refused


def _url(on: Targets, kind: str) -> None:
    on.gates.check_url(on.random.choice(inputs.URLS[kind]), inputs.resolve)


def _path(on: Targets, kind: str) -> None:
    path, siblings = on.random.choice(inputs.PATHS[kind])
    on.gates.check_path(path, siblings=siblings)


def _config(on: Targets, kind: str) -> None:
    on.gates.check_config(on.random.choice(inputs.CONFIGS[kind]))


def _inspect(gates: Gatekeeper, scratch: Path, content: bytes) -> None:
    with NamedTemporaryFile(dir=scratch, prefix="load-") as file:
        file.write(content)
        file.flush()
        with ARCHIVES.held():
            gates.inspect(Path(file.name))


def _write(on: Targets, *expected_latest: str) -> None:
    segment = on.random.choice(SEGMENTS)
    payload = {"text": archives.text(on.random, 12).decode(), "step": on.random.randrange(1000)}
    on.store.write(new_packet(segment, "note", payload, tags=("load",), ttl=TTL_SECONDS), *expected_latest)


def _search(on: Targets) -> None:
    on.store.search(on.random.choice(SEGMENTS), archives.text(on.random, 2).decode(), 20)


def _recent(on: Targets) -> None:
    on.store.recent(on.random.choice(SEGMENTS), 20)


def _ingest(on: Targets, content: bytes) -> None:
    on.ingest.take(io.BytesIO(content), "load.archive", ttl=TTL_SECONDS)
