"""How a component's process comes to its end, or to a halt, and what that means: memory, its disk, no answer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from stack.common.errors import NotReady
from stack.common.moments import instant, moment
from stack.common.printable import printable
from stack.components import TABLE
from stack.engine.interface import Engine
from stack.model.observed import Observed, ObservedContainer
from stack.model.spec import LOG_LINES, ServiceSpec, StackSpec, container_name

MIB = 1024 * 1024
FULL = ("no space left on device", "disk quota exceeded", "database or disk is full")
"""What programs write of a disk that is full, in lower case."""
FREE = "free space on the engine's disk (docker system df -v shows who uses it), then start"
CLOSED = ("permission denied", "readonly database", "read-only database", "operation not permitted")
"""What programs write of files that they may not use, in lower case."""
MAPPED = "signal SIGBUS"
"""What Go's runtime writes when a file that is mapped into memory ends too soon."""
KILLED = 137
"""The exit code of a process that SIGKILL ended; one that runs again has 0 meanwhile."""
NEVER = "0001-01-01T00:00:00Z"
"""What an engine writes where something has not happened."""
LIFE = 60.0
"""Seconds before its end in which the words of a process are looked for that runs again."""
READ_BACK = 2000
"""Log lines among which the one is looked for that says why a process ended: a trace of all its threads may follow."""
LOUD = re.compile(
    r'^(panic|fatal error)|level=(error|fatal|panic)|"level": ?"(error|fatal|critical)"|\berr=', re.I
)
TELLING = re.compile(r"error|fatal|panic|denied|cannot|failed|no such|refused|invalid|unable", re.I)
"""What marks such a line, the surer mark first."""
SHOWN = 240
"""Letters of such a line."""


class Life(Struct, frozen=True):
    """The process of a container at some moment: how often the engine had restarted it, its start as Unix time."""

    restarts: int
    began: float


ANY_LIFE = Life(0, 0.0)


def died(
    engine: Engine, spec: StackSpec, service: ServiceSpec, before: Life | None = None
) -> NotReady | None:
    """The error of a container whose process has ended; None while it runs.

    ``before``: the process that is waited for; where the engine has restarted it since, it has ended meanwhile.
    """
    name = container_name(spec.name, service.component)
    told = engine.inspect(name)
    state = told.get("State")
    if not isinstance(state, dict):
        return None
    now = life_of(told)
    again = before is not None and now.restarts > before.restarts
    if state.get("Running") and not state.get("Restarting") and not again:
        return None
    written = engine.logs(name, READ_BACK, (before or now).began)
    logs = written[-LOG_LINES:]
    if _for_memory(engine, name, state.get("ExitCode"), marked=bool(state.get("OOMKilled"))):
        return NotReady(
            f"{name} was killed for memory: {memory_limit(service)}", hint=more_memory(service), logs=logs
        )
    code = "" if again and state.get("Running") else f" with exit code {state.get('ExitCode')}"
    said = f"{name} ended{code}{why(written)}"
    found = NotReady(said, hint=f"monitoring-stack logs {service.component} shows more", logs=logs)
    return disk_fault(spec, service, written) or found


def with_last_words(engine: Engine, observed: Observed) -> Observed:
    """The same, with what is known of the last end of each container whose process ended by itself: words, memory."""

    def heard(found: ObservedContainer) -> ObservedContainer:
        ended = (found.state in ("restarting", "exited") and found.exit_code) or found.restarts > 1
        if not ended:
            return found
        memory = _for_memory(engine, found.name, found.exit_code, marked=found.oom_killed)
        words = engine.logs(found.name, READ_BACK, _heard_from(found))
        return replace(found, oom_killed=memory, last_words=words)

    return replace(observed, containers=tuple(heard(found) for found in observed.containers))


def _heard_from(found: ObservedContainer) -> float:
    """When the process began that ended last; of one that runs again the engine tells only its end."""
    if found.running:
        return max(0.0, moment(found.finished_at) - LIFE)
    return instant(found.started_at or NEVER)


def _for_memory(engine: Engine, container: str, code: object, *, marked: bool) -> bool:
    """Whether a process that has ended was killed for memory: an engine may lack the mark of it."""
    return marked or (code in (KILLED, 0) and engine.killed_for_memory(container))


def why(lines: Sequence[str]) -> str:
    """The last line that speaks of a fault, else the last one, behind a colon; empty where nothing was written."""
    words = [line for line in lines if line.strip() and not line[0].isspace()]
    loud = [line for line in words if LOUD.search(line)]
    telling = [line for line in words if TELLING.search(line)]
    chosen = (loud or telling or words)[-1:]
    return f": {printable(_message(chosen[0].strip()))[:SHOWN]}" if chosen else ""


def _message(line: str) -> str:
    """Of a line in JSON what it says."""
    try:
        told = json.loads(line)
    except ValueError:
        return line
    return str(told.get("message") or told.get("msg") or line) if isinstance(told, dict) else line


def life_of(inspect: Mapping[str, Any]) -> Life:
    """The process that the engine speaks of; its restarts count from the last start by somebody."""
    began = (inspect.get("State") or {}).get("StartedAt") or NEVER
    return Life(int(inspect.get("RestartCount") or 0), instant(began))


def unresponsive(inspect: Mapping[str, Any]) -> bool:
    """Whether a process that has answered its health check before gives no answer any more."""
    health = (inspect.get("State") or {}).get("Health") or {}
    return health_of(inspect) == "healthy" and health.get("FailingStreak", 0) > 0


def health_of(inspect: Mapping[str, Any]) -> str:
    """What the engine says of its health; empty where it has no check."""
    return str(((inspect.get("State") or {}).get("Health") or {}).get("Status", ""))


def disk_fault(spec: StackSpec, service: ServiceSpec, logs: Sequence[str]) -> NotReady | None:
    """The error of a process that writes of a disk that is full or closed to it; None where it does not."""
    name = container_name(spec.name, service.component)
    data = [m for m in service.mounts if m.kind == "volume" and not m.read_only]
    if line := _spoken(logs, FULL):
        where = f"of volume {' and '.join(m.source for m in data)}" if data else "of the engine"
        return NotReady(f"{name}: the disk {where} is full", hint=FREE, logs=(line,))
    for mount in data:
        place = re.compile(rf"(?<![\w./-]){re.escape(mount.target)}(?![\w.-])")
        about = [line for line in logs if place.search(line)]
        if line := _spoken(about, CLOSED):
            said = f"{name}: its user {service.user} may not use the files of volume {mount.source}"
            return NotReady(said, hint=_opened(service, mount.source), logs=(line,))
    if data and (line := next((line for line in logs if MAPPED in line), "")):
        where = " and ".join(m.source for m in data)
        return NotReady(
            f"{name}: the disk of volume {where} is full, or a file in it was cut",
            hint=FREE,
            logs=(line,),
        )
    return None


def _spoken(lines: Iterable[str], words: tuple[str, ...]) -> str:
    return next((line for line in lines if any(word in line.lower() for word in words)), "")


def _opened(service: ServiceSpec, volume: str) -> str:
    """The command that gives a volume's files back to the component's user."""
    mend = f"chown -R {service.user} /v && chmod -R u+rwX /v"
    command = f"docker run --rm --user 0 --entrypoint sh -v {volume}:/v {service.image} -c '{mend}'"
    return f"{command}, then monitoring-stack start"


def memory_limit(service: ServiceSpec) -> str:
    """What it may have, for a person."""
    return f"its limit is {service.limits.memory / MIB:g} MiB"


def more_memory(service: ServiceSpec) -> str:
    """The setting that gives it more."""
    path = f"{service.kind}.limits.memory"
    setting = TABLE.by_path.get(path)
    return f"raise {path} ({setting.variable})" if setting else f"raise {path}"
