"""How a component's process comes to its end, or to a halt, and what that means: memory, a full disk, no answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from stack.common.errors import NotReady
from stack.components import TABLE
from stack.engine.interface import Engine
from stack.model.spec import LOG_LINES, ServiceSpec, StackSpec, container_name

MIB = 1024 * 1024
FULL = ("no space left on device", "disk quota exceeded", "database or disk is full")
"""What programs write of a disk that is full, in lower case."""
FREE = "free space on the engine's disk (docker system df -v shows who uses it), then start"


def died(
    engine: Engine, spec: StackSpec, service: ServiceSpec, restarts: int | None = None
) -> NotReady | None:
    """The error of a container whose process has ended; None while it runs.

    ``restarts`` that the engine had made before: with more of them it has ended meanwhile.
    """
    name = container_name(spec.name, service.component)
    told = engine.inspect(name)
    state = told.get("State")
    if not isinstance(state, dict):
        return None
    again = restarts is not None and restarts_of(told) > restarts
    if state.get("Running") and not state.get("Restarting") and not again:
        return None
    logs = engine.logs(name, LOG_LINES)
    if state.get("OOMKilled"):
        return NotReady(
            f"{name} was killed for memory: {memory_limit(service)}", hint=more_memory(service), logs=logs
        )
    code = "" if again and state.get("Running") else f" with exit code {state.get('ExitCode')}"
    found = NotReady(f"{name} ended{code}", hint="its last lines say why", logs=logs)
    return full_disk(spec, service, logs) or found


def restarts_of(inspect: Mapping[str, Any]) -> int:
    """How often the engine started the container again since somebody last did."""
    return int(inspect.get("RestartCount") or 0)


def unresponsive(inspect: Mapping[str, Any]) -> bool:
    """Whether a process that has answered its health check before gives no answer any more."""
    health = (inspect.get("State") or {}).get("Health") or {}
    return health.get("Status") == "healthy" and health.get("FailingStreak", 0) > 0


def full_disk(spec: StackSpec, service: ServiceSpec, logs: Iterable[str]) -> NotReady | None:
    """The error of a process that writes of a full disk, with one line of it; None where it does not."""
    line = next((line for line in logs if any(words in line.lower() for words in FULL)), "")
    if not line:
        return None
    volumes = [m.source for m in service.mounts if m.kind == "volume" and not m.read_only]
    where = f"of volume {' and '.join(volumes)}" if volumes else "of the engine"
    name = container_name(spec.name, service.component)
    return NotReady(f"{name}: the disk {where} is full", hint=FREE, logs=(line,))


def memory_limit(service: ServiceSpec) -> str:
    """What it may have, for a person."""
    return f"its limit is {service.limits.memory / MIB:g} MiB"


def more_memory(service: ServiceSpec) -> str:
    """The setting that gives it more."""
    path = f"{service.component}.limits.memory"
    setting = TABLE.by_path.get(path)
    return f"raise {path} ({setting.variable})" if setting else f"raise {path}"
