"""Who holds a stack's lock: this process described, and whether a described process of this machine still lives.

Only Linux tells enough of a process to be sure; elsewhere nobody counts as dead before it has been silent.
"""

from __future__ import annotations

import getpass
import os
import socket
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from stack.engine.interface import Holder

_PROC = Path("/proc")


def this_process(command: str) -> Holder:
    """The running process as a holder; ``command`` is what the user asked for."""
    pid = os.getpid()
    return Holder(
        host=socket.gethostname(),
        user=_user(),
        command=command,
        pid=pid,
        since=datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
        machine=_machine(),
        born=_born(pid),
    )


def is_dead(holder: Holder) -> bool:
    """Whether the holder ran on this very machine, in the same process namespace, and is gone."""
    if not holder.machine or not holder.born or holder.machine != _machine():
        return False
    return _born(holder.pid) != holder.born


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return str(os.getuid())


def _machine() -> str:
    """Names this boot of this machine and the process namespace; empty where the system does not tell."""
    with suppress(OSError):
        boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {(_PROC / 'self/ns/pid').readlink()}"
    return ""


def _born(pid: int) -> str:
    """When the process began, in clock ticks since boot (proc(5), stat field 22); empty where it is gone."""
    with suppress(OSError):
        stat = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
        state, *fields = stat.rpartition(")")[2].split()
        return "" if state == "Z" else fields[18]
    return ""
