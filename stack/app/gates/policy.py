"""The policy of the six gates: frozen data with safe defaults; a number carries the range that may be set.

It must never read a file or the environment: ``config.check_config`` turns a document into a ``Policy``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

KIB: Final = 1024
MIB: Final = 1024 * KIB
GIB: Final = 1024 * MIB

DENIED_HOSTS: Final = (
    "localhost",
    "*.localhost",
    "localhost4",
    "localhost6",
    "ip6-localhost",
    "ip6-loopback",
    "localhost.localdomain",
    "*.localdomain",
    "*.localdomain4",
    "*.localdomain6",
    "*.local",
    "internal",
    "*.internal",
    "*.intranet",
    "*.lan",
    "*.corp",
    "*.home",
    "*.home.arpa",
    "*.svc",
    "metadata",
    "instance-data",
    "instance-data.ec2.internal",
    "metadata.google.internal",
    "metadata.azure.com",
    "metadata.packet.net",
    "metadata.platformequinix.com",
    "metadata.tencentyun.com",
)


def _limit(default: float, low: float, high: float) -> Any:
    """A number with the range that a document may set."""
    return field(default=default, metadata={"range": (low, high)})


def _list(default: tuple[Any, ...], low: float | None = None, high: float | None = None) -> Any:
    """A list; with a range when its items are numbers."""
    return field(default=default, metadata={} if low is None else {"range": (low, high)})


@dataclass(frozen=True, slots=True)
class UrlPolicy:
    """What may be fetched. A host pattern is a name (that host) or ``*.name`` (every host below it).

    Empty ``allowed_hosts`` allows every host that is not denied. Sizes in bytes, time in seconds.
    """

    allowed_hosts: tuple[str, ...] = _list(())
    denied_hosts: tuple[str, ...] = _list(DENIED_HOSTS)
    allowed_ports: tuple[int, ...] = _list((80, 443), 1, 65535)
    max_length: int = _limit(8192, 16, 65536)
    max_redirects: int = _limit(5, 0, 20)
    max_body_bytes: int = _limit(10 * MIB, 1, GIB)
    timeout_seconds: float = _limit(10.0, 0.05, 300)


@dataclass(frozen=True, slots=True)
class PathPolicy:
    """Limits of a relative path, counted in UTF-8 bytes after normalisation (255: POSIX NAME_MAX)."""

    max_depth: int = _limit(32, 1, 256)
    max_segment_bytes: int = _limit(255, 1, 255)
    max_path_bytes: int = _limit(1024, 1, 4096)


@dataclass(frozen=True, slots=True)
class ArchivePolicy:
    """Budgets of one extraction. Ratios are expanded size to compressed size.

    A ratio is judged only above ``ratio_floor_bytes``: a small file that compresses well does no harm.
    ``max_nesting`` counts archives inside archives; their expanded size counts as if they were extracted.
    """

    max_entries: int = _limit(10_000, 1, 1_000_000)
    max_file_bytes: int = _limit(100 * MIB, 1, 100 * GIB)
    max_total_bytes: int = _limit(1 * GIB, 1, 1000 * GIB)
    max_ratio: float = _limit(100.0, 1, 100_000)
    max_entry_ratio: float = _limit(100.0, 1, 100_000)
    ratio_floor_bytes: int = _limit(256 * KIB, 0, GIB)
    max_nesting: int = _limit(3, 0, 8)


@dataclass(frozen=True, slots=True)
class StoragePolicy:
    """Limits of the content store; ``durable`` off skips fsync and is for tests and benchmarks only."""

    max_object_bytes: int = _limit(1 * GIB, 1, 1000 * GIB)
    durable: bool = True


@dataclass(frozen=True, slots=True)
class DbPolicy:
    """What a write to the packet store must find. 0 means the newest migration that this release knows."""

    expected_migration: int = _limit(0, 0, 1_000_000)


@dataclass(frozen=True, slots=True)
class ToolsPolicy:
    """Tools that no agent may call."""

    denied: tuple[str, ...] = _list(())


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything that the gates and the tool registry decide by."""

    url: UrlPolicy = UrlPolicy()
    path: PathPolicy = PathPolicy()
    archive: ArchivePolicy = ArchivePolicy()
    storage: StoragePolicy = StoragePolicy()
    db: DbPolicy = DbPolicy()
    tools: ToolsPolicy = ToolsPolicy()


DEFAULT_POLICY: Final = Policy()
