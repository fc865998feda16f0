"""Starts, finds and stops the stand-alone metrics server; returns values, prints nothing.

``start`` returns when the server answers, ``stop`` when its process is gone and its port free. A record left behind by
a crash or a reboot is recognised and replaced. It must never signal a process that is not the recorded one. Linux only.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import IO, Literal, cast

import stack
from stack.telemetry.daemon import command
from stack.telemetry.fetch import fetch
from stack.telemetry.record import (
    ServerRecord,
    exclusive,
    is_held,
    log_file,
    processes_folder,
    read_record,
    record_file,
)
from stack.telemetry.settings import MonitorError, ServerOptions, environment_with

State = Literal["running", "stopped", "stale", "silent"]
PROGRAM = "stack.telemetry.daemon"
_ROOT = Path(stack.__file__).parent.parent
# A killed process goes as soon as the kernel lets it: the time is for a disk that hangs.
_KILL_SECONDS = 10.0


def start(
    state_dir: Path,
    options: ServerOptions | None = None,
    ready_seconds: float = 15.0,
    program: str = PROGRAM,
) -> tuple[ServerRecord, bool]:
    """Starts the server in the background, or finds the running one (true). Raises MonitorError with the reason."""
    wanted = (options or ServerOptions()).absolute()
    wanted.check()
    with exclusive(state_dir):
        file = record_file(state_dir)
        already = is_held(file)
        if not already:
            file.unlink(missing_ok=True)
            processes_folder(state_dir).mkdir(mode=0o700, exist_ok=True)
            _launch(state_dir, command(program, wanted, state_dir), ready_seconds)
        record = read_record(file)
        if record is None:
            raise MonitorError(f"{file}: the server left no record there; is the folder writable?")
        return record, already


def stop(state_dir: Path, grace_seconds: float = 5.0) -> bool:
    """Ends the server and waits until it is gone; false when none was running. Removes a stale record."""
    with exclusive(state_dir):
        file = record_file(state_dir)
        record = read_record(file)
        ended = record is not None and _end(file, record.pid, grace_seconds)
        file.unlink(missing_ok=True)
        return ended


def status(state_dir: Path) -> tuple[State, ServerRecord | None]:
    """What runs now, found out by asking it; changes nothing.

    ``stale``: a record without its process; ``silent``: the process is there and does not answer.
    """
    file = record_file(state_dir)
    record = read_record(file)
    if record is None:
        return "stopped", None
    if not is_held(file):
        return "stale", record
    try:
        fetch(f"{record.url}/health", certificate=record.certificate)
    except MonitorError:
        return "silent", record
    return "running", record


def _launch(state_dir: Path, line: list[str], ready_seconds: float) -> None:
    log = log_file(state_dir)
    log.unlink(missing_ok=True)
    log.touch(mode=0o600)
    with log.open("wb") as output:
        launcher = subprocess.Popen(
            line,
            cwd=_ROOT,  # so that -m finds this package when it is not installed
            env=environment_with(processes_folder(state_dir)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=output,
            start_new_session=True,
        )
    with launcher, cast("IO[bytes]", launcher.stdout) as pipe:
        if not select.select([pipe], [], [], ready_seconds)[0]:
            # Silent means alive, so the session that it leads can't be anybody else's by now.
            os.killpg(launcher.pid, signal.SIGKILL)
            raise MonitorError(f"no answer within {ready_seconds:g} s; see {log}")
        said = json.loads(os.read(pipe.fileno(), 4096) or b"{}")
    if "url" not in said:
        raise MonitorError(
            f"the metrics server did not start: {said.get('error') or _last_line(log) or 'it ended without a word'}"
        )


def _end(file: Path, pid: int, grace_seconds: float) -> bool:
    """Ends the process that holds the record: asks it, then kills it. False when nobody holds it."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    try:
        # While the record is held, the number is its holder's, and the descriptor can't change its mind.
        if not is_held(file):
            return False
        for number, seconds in ((signal.SIGTERM, grace_seconds), (signal.SIGKILL, _KILL_SECONDS)):
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(pidfd, number)
            if select.select([pidfd], [], [], seconds)[0]:
                return True
    finally:
        os.close(pidfd)
    raise MonitorError(f"process {pid}: does not end, not even when killed; look at its state")


def _last_line(file: Path) -> str:
    lines = file.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else ""
