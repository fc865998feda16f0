"""What each kind of the mix does: real inputs through the application's own gates, stores and tools.

An operation is silent when it ended as its kind says, and raises otherwise: an acceptance that was refused, or a
rejection that came with another code or not at all. What it stores is small, limited in kinds, or expires. An obstacle
in the way of a store stands in a scratch folder. Names resolve through the generator's table, and a second registry
denies every tool, as a policy would.
"""

from __future__ import annotations

import base64
import io
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from random import Random
from tempfile import NamedTemporaryFile
from typing import Any, Final

from stack.app.cancel import ARCHIVES
from stack.app.faulty_store import Obstructed
from stack.app.gatekeeper import Gatekeeper, check_write
from stack.app.gates.policy import ToolsPolicy
from stack.app.gates.storage import ContentStore
from stack.app.gates.types import Rejected
from stack.app.ingest.objects import Objects
from stack.app.ingest.pipeline import Ingestor
from stack.app.load import archives, inputs
from stack.app.memory.packet import new_packet
from stack.app.memory.store import PacketStore
from stack.app.tools.builtin import shipped_tools
from stack.app.tools.registry import Audit, ToolRegistry
from stack.telemetry.catalogue import TOOLS, UNKNOWN_TOOL

TTL_SECONDS: Final = 3600.0
POOL: Final = 16
SEGMENTS: Final = ("project_history", "session_context")
AGENTS: Final = ("researcher", "librarian", "auditor")
SHORT_SECONDS: Final = 0.01
LONG_SECONDS: Final = 1.0
_CONTENT: Final = b"an object that meets an obstacle"


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


def all_operations(on: Targets, audit: Audit) -> dict[str, Callable[[], None]]:
    """Every kind of the mix."""
    return {
        **gate_operations(on),
        **memory_operations(on),
        **storage_operations(on),
        **tool_operations(on, audit),
    }


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


class BrokenSource(io.BytesIO):
    """Yields its content, and then what a failing medium says instead of the end."""

    def read(self, size: int | None = -1) -> bytes:
        """Some of the content. Raises OSError once there is no more."""
        content = super().read(size)
        if not content:
            raise OSError(5, "Input/output error")
        return content


def storage_operations(on: Targets) -> dict[str, Callable[[], None]]:
    """Operations of storage_gate and db_boundary_gate, by kind."""
    pool = [archives.text(on.random, 200) for _ in range(POOL)]
    return {
        "object": lambda: _put(on, on.random.choice(pool)),
        "E_STORAGE_PUT": partial(_broken_put, on),
        "E_STORAGE_MOVE": partial(_blocked_put, on, "objects", "E_STORAGE_MOVE"),
        "E_STORAGE_MARKER": partial(_blocked_put, on, "markers", "E_STORAGE_MARKER"),
        "E_DB_TX": partial(_refused_write, "E_DB_TX", begun=False, expected=1),
        "E_DB_MIGRATION": partial(_refused_write, "E_DB_MIGRATION", begun=True, expected=2),
    }


def _put(on: Targets, content: bytes) -> None:
    on.objects.put(io.BytesIO(content))


def _broken_put(on: Targets) -> None:
    with rejected("E_STORAGE_PUT"):
        on.objects.put(BrokenSource(_CONTENT))


def _blocked_put(on: Targets, folder: str, code: str) -> None:
    root = on.scratch / f"blocked-{folder}"
    try:
        store = ContentStore(root, on.gates.policy.storage)
        _block(root / folder)
        with rejected(code):
            on.gates.put(store, io.BytesIO(_CONTENT))
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _block(folder: Path) -> None:
    """Puts a file where the folder of the content's digest belongs."""
    (folder / sha256(_CONTENT).hexdigest()[:2]).touch()


def _refused_write(code: str, *, begun: bool, expected: int) -> None:
    with rejected(code):
        check_write(Obstructed(begun), "session_context", expected)


def tool_operations(on: Targets, audit: Audit) -> dict[str, Callable[[], None]]:
    """Operations of the tools, by kind."""
    tools = shipped_tools(on.gates.with_resolver(inputs.resolve), scratch=on.scratch)
    free = ToolRegistry(tools, ToolsPolicy(), audit)
    strict = ToolRegistry(tools, ToolsPolicy(denied=TOOLS), audit)
    call = partial(_call, on, free)
    encoded = [base64.b64encode(archives.ordinary(on.random)).decode() for _ in range(POOL)]
    return {
        "tool-hash": lambda: call("hash", {"data": archives.text(on.random, 100).decode()}),
        "tool-text-search": lambda: call(
            "text-search", {"text": archives.text(on.random, 200).decode(), "query": "gate"}
        ),
        "tool-archive-inspect": lambda: call("archive-inspect", {"data": on.random.choice(encoded)}),
        "tool-fetch-check": lambda: call(
            "fetch-check", {"url": on.random.choice(inputs.URLS["url"]), "fetch": False}
        ),
        "tool-wait": lambda: call("wait", {"seconds": on.random.choice((0.001, 0.005, 0.02))}),
        "tool-failure": lambda: call("hash", {"data": "no base64!", "encoding": "base64"}, "failure"),
        "tool-denied": lambda: _call(on, strict, "fetch-check", {"url": "https://example.com/"}, "denied"),
        "tool-timeout": lambda: call("wait", {"seconds": LONG_SECONDS}, "timeout"),
        "tool-unknown": lambda: call(UNKNOWN_TOOL, {}, "failure"),
    }


def _call(
    on: Targets, registry: ToolRegistry, tool_id: str, arguments: Mapping[str, Any], status: str = "success"
) -> None:
    agent, task = on.random.choice(AGENTS), f"task-{on.random.randrange(100)}"
    timeout = SHORT_SECONDS if status == "timeout" else None
    done = registry.dispatch(tool_id, arguments, agent, task, timeout)
    if done.status != status:
        raise Unexpected(f"{tool_id}: {status} was asked for, {done.status} came: {done.error}")
