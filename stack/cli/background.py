"""Starts, finds and stops the application as one background process, without Docker; prints nothing. Linux only.

``start`` returns when it answers, ``stop`` when its process is gone and its port free. The record of it is a file that
is locked for as long as the process lives, by a descriptor that it inherits: so a number that was given out again to
another process is never taken for it, and a file without a lock is what a killed one left. Secrets reach the process as
paths of files; none stands in an argument or in the record.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from ipaddress import ip_address
from pathlib import Path
from time import monotonic
from typing import Literal

from msgspec import Struct
from msgspec.structs import asdict, astuple

import stack
from stack.cli.page import fetch
from stack.common.errors import StackError
from stack.common.files import exclusive, read_json

State = Literal["running", "stopped", "stale", "silent"]
PROGRAM = "stack.app"
"""Started as a process: the command line knows nothing else of the application."""
_ROOT = Path(stack.__file__).parent.parent
_READY_SECONDS = 15.0
# A killed process goes as soon as the kernel lets it: the time is for a disk that hangs.
_KILL_SECONDS = 10.0


class Options(Struct, frozen=True):
    """Where to listen and who may ask. Port 0 takes a free one. What is a file is its path or empty."""

    host: str = "127.0.0.1"
    port: int = 9464
    tls_cert: str = ""
    tls_key: str = ""
    token_file: str = ""
    basic_auth_file: str = ""
    allow_open: bool = False

    def check(self) -> None:
        """Raises StackError when the options contradict each other or would open the application to the network."""
        if bool(self.tls_cert) != bool(self.tls_key):
            raise StackError("TLS needs both a certificate and a key", hint="give the other one as well")
        if not 0 <= self.port <= 65535:
            raise StackError(f"port: must be 0-65535, got {self.port}")
        guarded = self.tls_cert and (self.token_file or self.basic_auth_file)
        if not (guarded or self.allow_open or self._is_loopback()):
            remedy = "add TLS and authentication, or --allow-open"
            raise StackError(f"host {self.host}: other machines could read the metrics", hint=remedy)

    def arguments(self) -> list[str]:
        """The application's own."""
        files = {
            name: getattr(self, name) for name in ("tls_cert", "tls_key", "token_file", "basic_auth_file")
        }
        flags = [(name.replace("_", "-"), str(Path(file).absolute())) for name, file in files.items() if file]
        if self.allow_open or not self._is_loopback():
            flags.append(("allowed-hosts", "*"))
        return [f"--{name}={value}" for name, value in flags]

    def _is_loopback(self) -> bool:
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


class Record(Struct, frozen=True):
    """What was started; ``certificate`` and the files of secrets are paths or empty."""

    pid: int
    url: str
    certificate: str = ""
    token_file: str = ""
    basic_auth_file: str = ""


def processes_folder(state_dir: Path) -> Path:
    """Where other processes may record into (PROMETHEUS_MULTIPROC_DIR)."""
    return state_dir.absolute() / "processes"


def _data_folder(state_dir: Path) -> Path:
    return state_dir.absolute() / "data"


def record_file(state_dir: Path) -> Path:
    """Where the record is."""
    return state_dir / "monitor.pid"


def start(state_dir: Path, options: Options, environment: Mapping[str, str]) -> tuple[Record, bool]:
    """Starts the application, or finds the running one (true). Raises StackError with the reason."""
    options.check()
    with _exclusive(state_dir):
        file = record_file(state_dir)
        already = is_held(file)
        if not already:
            for folder in (processes_folder(state_dir), _data_folder(state_dir)):
                folder.mkdir(mode=0o700, exist_ok=True)
            _launch(state_dir, options, environment)
        record = read_record(file)
        if record is None:
            raise StackError(f"{file}: no record is there", hint="monitor stop, then start again")
        return record, already


def stop(state_dir: Path, grace_seconds: float = 5.0) -> bool:
    """Ends the process and waits until it is gone; false when none was running. Removes a stale record."""
    with _exclusive(state_dir):
        file = record_file(state_dir)
        record = read_record(file)
        ended = record is not None and _end(file, record.pid, grace_seconds)
        file.unlink(missing_ok=True)
        return ended


def status(state_dir: Path) -> tuple[State, Record | None]:
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
    except StackError:
        return "silent", record
    return "running", record


def read_record(file: Path) -> Record | None:
    """The record, or None when there is no file or none that we wrote."""
    try:
        record = Record(**read_json(file))
    except TypeError:
        return None
    pid, *texts = astuple(record)
    return record if isinstance(pid, int) and pid > 0 and all(isinstance(t, str) for t in texts) else None


def is_held(file: Path) -> bool:
    """Whether the process that the file is of still runs."""
    try:
        with file.open("rb") as opened:
            fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def command(options: Options, state_dir: Path, descriptor: int) -> list[str]:
    """The command line of the application."""
    place = f"--fd={descriptor}", f"--data={_data_folder(state_dir)}"
    return [sys.executable, "-m", PROGRAM, *place, *options.arguments()]


def _launch(state_dir: Path, options: Options, environment: Mapping[str, str]) -> None:
    file = record_file(state_dir)
    log, aside = state_dir / "monitor.log", state_dir / "monitor.new"
    for path in (log, aside, file):
        path.unlink(missing_ok=True)
    for path in (log, aside):
        path.touch(mode=0o600)
    with _listening(options) as listening, log.open("wb") as output, aside.open("w") as record:
        fcntl.flock(record, fcntl.LOCK_EX)
        process = subprocess.Popen(
            command(options, state_dir, listening.fileno()),
            cwd=_ROOT,  # so that -m finds this package when it is not installed
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            pass_fds=(listening.fileno(), record.fileno()),
        )
        found = Record(process.pid, _url(options, listening), *_absolute(options))
        json.dump(asdict(found), record)
        record.flush()
        aside.replace(file)
    ends = monotonic() + _READY_SECONDS
    try:
        fetch(f"{found.url}/health", certificate=found.certificate, seconds=_READY_SECONDS)
    except StackError:
        died = _died(process, ends - monotonic())
        with suppress(ProcessLookupError):
            # The leader was not waited for until now, so the session can't be anybody else's.
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        file.unlink()
        reason = _last_words(log) if died else f"no answer within {_READY_SECONDS:g} s; see {log}"
        raise StackError(f"the application did not start: {reason}") from None


def _died(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Whether it ends by itself within this time; it stays to be waited for."""
    pidfd = os.pidfd_open(process.pid)
    try:
        return bool(select.select([pidfd], [], [], max(0.0, seconds))[0])
    finally:
        os.close(pidfd)


def _absolute(options: Options) -> Iterator[str]:
    for file in (options.tls_cert, options.token_file, options.basic_auth_file):
        yield str(Path(file).absolute()) if file else ""


def _listening(options: Options) -> socket.socket:
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    try:
        return socket.create_server((options.host, options.port), family=family, backlog=512)
    except OSError as error:
        raise StackError(
            f"cannot listen on {options.host}:{options.port} ({error.strerror})",
            hint="choose another address",
        ) from error


def _url(options: Options, listening: socket.socket) -> str:
    host = f"[{options.host}]" if ":" in options.host else options.host
    return f"{'https' if options.tls_cert else 'http'}://{host}:{listening.getsockname()[1]}"


def _last_words(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    last = lines[-1] if lines else "it ended without a word"
    try:
        return str(json.loads(last)["message"])  # a line of its log
    except (ValueError, TypeError, KeyError):
        return last


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
    raise StackError(f"process {pid}: does not end, not even when killed; look at its state")


def _exclusive(state_dir: Path) -> AbstractContextManager[None]:
    """Makes the folder and holds its lock. Raises StackError, also when another start or stop is under way."""
    lock = state_dir / "lock"
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock.touch(mode=0o600)
    except OSError as error:
        raise StackError(
            f"{state_dir}: cannot be used ({error.strerror})", hint="give another folder"
        ) from error

    def busy() -> None:
        raise StackError(f"{state_dir}: another monitor command is at work", hint="wait for it to end")

    return exclusive(lock, busy)
