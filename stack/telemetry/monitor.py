"""Starts, finds and stops the stand-alone metrics server; returns values, prints nothing.

``start`` returns when the server answers, ``stop`` when its process is gone and its port free. A record
left behind by a crash or a reboot is recognised by the start time of the process and replaced. It must
never signal a process that is not the recorded one.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import stack
from stack.telemetry.daemon import command
from stack.telemetry.errors import MonitorError
from stack.telemetry.fetch import fetch
from stack.telemetry.server import ServerOptions
from stack.telemetry.state import exclusive, log_file, pid_file, read_record, remove_record

State = Literal["running", "stopped", "stale", "silent"]
_ROOT = Path(stack.__file__).parent.parent


@dataclass(frozen=True, slots=True)
class MonitorStatus:
    """``stale``: a record without its process; ``silent``: the process is there and does not answer."""

    state: State
    pid: int | None = None
    url: str = ""
    certificate: str = ""


@dataclass(frozen=True, slots=True)
class Started:
    """The server that answers now; ``already`` when it did so before."""

    pid: int
    url: str
    already: bool


def start(state_dir: Path, options: ServerOptions | None = None, ready_seconds: float = 15.0) -> Started:
    """Starts the server in the background, or finds the running one. Raises MonitorError with the reason."""
    wanted = options or ServerOptions()
    wanted.check()
    with exclusive(state_dir):
        file = pid_file(state_dir)
        record = read_record(file)
        if record and record.process.is_running():
            return Started(record.pid, record.url, already=True)
        file.unlink(missing_ok=True)
        url = _launch(state_dir, wanted, ready_seconds)
        record = read_record(file)
        if record is None:
            raise MonitorError(f"{file}: the server at {url} left no record there; is the folder writable?")
        return Started(record.pid, url, already=False)


def stop(state_dir: Path, grace_seconds: float = 5.0) -> bool:
    """Ends the server and waits until it is gone; false when none was running. Removes a stale record."""
    with exclusive(state_dir):
        file = pid_file(state_dir)
        record = read_record(file)
        if record is None:
            file.unlink(missing_ok=True)
            return False
        ended = record.process.terminate(grace_seconds)
        if record.process.is_running():
            raise MonitorError(f"process {record.pid}: does not end, not even when killed; look at its state")
        remove_record(file, record)
        return ended


def status(state_dir: Path) -> MonitorStatus:
    """What runs now, found out by asking it; changes nothing."""
    record = read_record(pid_file(state_dir))
    if record is None:
        return MonitorStatus("stopped")
    if not record.process.is_running():
        return MonitorStatus("stale", record.pid, record.url)
    try:
        fetch(f"{record.url}/health", certificate=record.certificate)
    except MonitorError:
        return MonitorStatus("silent", record.pid, record.url, record.certificate)
    return MonitorStatus("running", record.pid, record.url, record.certificate)


def _launch(state_dir: Path, options: ServerOptions, ready_seconds: float) -> str:
    read_end, write_end = os.pipe()
    log = os.open(log_file(state_dir), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        launcher = subprocess.Popen(
            command(options, pid_file(state_dir), write_end),
            cwd=_ROOT,  # so that -m finds this package when it is not installed
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=(write_end,),
        )
    finally:
        os.close(log)
        os.close(write_end)
    with os.fdopen(read_end, "rb") as pipe:
        message = _await_message(launcher, pipe.fileno(), ready_seconds)
    if "url" in message:
        return message["url"]
    reason = message.get("error") or _last_line(log_file(state_dir)) or "it ended without a word"
    raise MonitorError(f"the metrics server did not start: {reason}")


def _await_message(launcher: subprocess.Popen[bytes], pipe: int, seconds: float) -> dict[str, str]:
    readable, _, _ = select.select([pipe], [], [], seconds)
    if not readable:
        # Silent means alive, so the session that it leads can't be anybody else's by now.
        os.killpg(launcher.pid, signal.SIGKILL)
    launcher.wait()
    if not readable:
        return {"error": f"no answer within {seconds:g} s; see monitor.log in the state folder"}
    said = os.read(pipe, 4096)
    return dict(json.loads(said)) if said else {}


def _last_line(file: Path) -> str:
    lines = file.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else ""
