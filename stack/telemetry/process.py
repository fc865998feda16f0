"""A process by its number and its start time, so that a number that was given out again is never taken for
ours.

Linux only (/proc and pidfd). Signals go through a pidfd: between look and signal nobody can slip in. It
must never signal a process whose start time it has not compared.
"""

from __future__ import annotations

import os
import select
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
# A killed process goes as soon as the kernel lets it: the time is for a disk that hangs.
_KILL_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Process:
    """``started`` is the boot's id and the start in clock ticks after it; together with ``pid`` it is
    unique.
    """

    pid: int
    started: str

    def is_running(self) -> bool:
        """Whether exactly this process still runs; one that has ended but was not waited for does not."""
        return find(self.pid) == self

    def terminate(self, grace_seconds: float) -> bool:
        """Asks it to end, kills it after the grace; true when this ended it, false when there was nothing
        to end.
        """
        try:
            pidfd = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return False
        try:
            return self.is_running() and _end(pidfd, grace_seconds)
        finally:
            os.close(pidfd)


def find(pid: int, proc: Path = _PROC) -> Process | None:
    """The process that has this number now, or None."""
    try:
        stat = (proc / str(pid) / "stat").read_text()
        boot = (proc / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
    # proc_pid_stat(5): the name in brackets may hold anything, so count from the last bracket.
    fields = stat.rpartition(")")[2].split()
    state, started = fields[0], fields[19]
    return None if state in "ZX" else Process(pid, f"{boot}/{started}")


def _end(pidfd: int, grace_seconds: float) -> bool:
    for signal_number, seconds in ((signal.SIGTERM, grace_seconds), (signal.SIGKILL, _KILL_SECONDS)):
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(pidfd, signal_number)
        if _ends_within(pidfd, seconds):
            return True
    return False


def _ends_within(pidfd: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(seconds * 1000))
