"""Starts, finds and stops the stand-alone metrics server; returns values, prints nothing. Linux only.

``start`` returns when the server answers, ``stop`` when its process is gone and its port free. A record left behind by
a crash or a reboot is recognised and replaced. It must never signal a process that is not the recorded one. What runs
in that process calls ``main``; secrets reach it as paths of files, never as arguments.
"""

from __future__ import annotations

import json
import logging
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from threading import Event, Thread
from typing import IO, TYPE_CHECKING, Literal, cast

import stack
from stack.telemetry.fetch import fetch
from stack.telemetry.record import ServerRecord, exclusive, held, is_held, read_record, record_file
from stack.telemetry.settings import MonitorError, ServerOptions, environment_with

if TYPE_CHECKING:
    from stack.telemetry.server import Route

State = Literal["running", "stopped", "stale", "silent"]
_ROOT = Path(stack.__file__).parent.parent
_READY_SECONDS = 15.0
# A killed process goes as soon as the kernel lets it: the time is for a disk that hangs.
_KILL_SECONDS = 10.0
_FOLD_SECONDS = 60.0


def processes_folder(state_dir: Path) -> Path:
    """Where other processes may record into (PROMETHEUS_MULTIPROC_DIR)."""
    return state_dir.absolute() / "processes"


def start(state_dir: Path, program: str, options: ServerOptions) -> tuple[ServerRecord, bool]:
    """Starts a program (a module that calls ``main``) in the background, or finds the running one (true).

    Raises MonitorError with the reason.
    """
    options.check()
    with exclusive(state_dir):
        file = record_file(state_dir)
        already = is_held(file)
        if not already:
            file.unlink(missing_ok=True)
            processes_folder(state_dir).mkdir(mode=0o700, exist_ok=True)
            _launch(state_dir, command(program, options, state_dir))
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


def command(program: str, options: ServerOptions, state_dir: Path) -> list[str]:
    """The command line of the program."""
    return [
        sys.executable, "-m", program, json.dumps(asdict(options.absolute())), str(state_dir.absolute())
    ]  # fmt: skip


def main(routes: Callable[[], Mapping[str, Route]]) -> int:
    """Leaves a server behind that runs until SIGTERM, and returns in it: 1 when it could not start.

    ``routes`` are further answers of the server; it is called when it is this process that serves.
    """
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    options, state_dir = ServerOptions(**json.loads(sys.argv[1])), Path(sys.argv[2])
    if os.fork():
        # The starter waits for this process and so owes nothing to the one that stays.
        os._exit(0)
    stopping = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    try:
        _serve(options, state_dir, routes, stopping)
    except ImportError as error:
        _say({"error": f"{error}; install the package again"})
        return 1
    except (MonitorError, OSError) as error:
        _say({"error": str(error)})
        return 1
    return 0


def _serve(
    options: ServerOptions, state_dir: Path, routes: Callable[[], Mapping[str, Route]], stopping: Event
) -> None:
    from stack.telemetry.multiprocess import fold, forget
    from stack.telemetry.server import MetricsServer

    processes = processes_folder(state_dir)
    forget(processes)
    with MetricsServer(options, routes()) as server:
        secrets = options.token_file, options.basic_auth_file
        record = ServerRecord(os.getpid(), server.url, options.tls_cert, *secrets)
        with held(record_file(state_dir), record):
            Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
            _say({"url": server.url})
            while not stopping.wait(_FOLD_SECONDS):
                fold(processes)
            server.shutdown()


def _say(message: dict[str, str]) -> None:
    # A starter that is gone by now is no reason to stop. What is printed after this goes to the log.
    with suppress(OSError):
        os.write(1, json.dumps(message).encode())
    os.dup2(2, 1)


def _launch(state_dir: Path, line: list[str]) -> None:
    log = state_dir / "monitor.log"
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
        if not select.select([pipe], [], [], _READY_SECONDS)[0]:
            # Silent means alive, so the session that it leads can't be anybody else's by now.
            os.killpg(launcher.pid, signal.SIGKILL)
            raise MonitorError(f"no answer within {_READY_SECONDS:g} s; see {log}")
        said = json.loads(os.read(pipe.fileno(), 4096) or b"{}")
    if "url" not in said:
        words = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        reason = said.get("error") or (words[-1] if words else "it ended without a word")
        raise MonitorError(f"the metrics server did not start: {reason}")


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
