"""The background process of the stand-alone metrics server: ``python -m stack.telemetry.daemon``.

It listens, writes its record, says over the ready pipe that it is there (or in one line why not), serves
until SIGTERM and removes the record. ``monitor`` starts and stops it. It must never write to the terminal
or take secrets as arguments: those come as paths of files.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from threading import Event, Thread

from stack.telemetry.errors import MonitorError
from stack.telemetry.process import find
from stack.telemetry.recorders import init_metrics
from stack.telemetry.server import MetricsServer, ServerOptions
from stack.telemetry.state import ServerRecord, remove_record, write_record

_POLL_SECONDS = 0.1


def command(options: ServerOptions, pid_file: Path, ready_fd: int) -> list[str]:
    """The command line that starts this module with these options."""
    document = json.dumps(asdict(options), default=lambda path: str(Path(path).absolute()))
    arguments = ["--options", document, "--pid-file", str(pid_file.absolute()), "--ready-fd", str(ready_fd)]
    return [sys.executable, "-m", "stack.telemetry.daemon", *arguments]


def main(arguments: Sequence[str] | None = None) -> int:
    """Leaves a server behind that runs until SIGTERM, and returns in it: 1 when it could not start."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    parser = argparse.ArgumentParser(prog="python -m stack.telemetry.daemon", allow_abbrev=False)
    parser.add_argument("--options", required=True, type=_options)
    parser.add_argument("--pid-file", required=True, type=Path)
    parser.add_argument("--ready-fd", required=True, type=int)
    given = parser.parse_args(arguments)
    if os.fork():
        # The starter waits for this process and so owes nothing to the one that stays.
        os._exit(0)
    stopping = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    try:
        _serve(given.options, given.pid_file, given.ready_fd, stopping)
    except (MonitorError, OSError) as error:
        _tell(given.ready_fd, {"error": str(error)})
        return 1
    return 0


def _serve(options: ServerOptions, pid_file: Path, ready_fd: int, stopping: Event) -> None:
    init_metrics()
    with MetricsServer(options) as server:
        record = _own_record(server.url, str(options.tls_cert or ""))
        write_record(pid_file, record)
        try:
            worker = Thread(target=server.serve_forever, args=(_POLL_SECONDS,), daemon=True)
            worker.start()
            _tell(ready_fd, {"url": server.url})
            stopping.wait()
            server.shutdown()
            worker.join()
        finally:
            remove_record(pid_file, record)


def _own_record(url: str, certificate: str) -> ServerRecord:
    process = find(os.getpid())
    if process is None:
        raise MonitorError(
            "/proc: the server cannot find its own process there; monitor needs Linux with /proc"
        )
    return ServerRecord(process.pid, process.started, url, certificate)


def _tell(ready_fd: int, message: dict[str, str]) -> None:
    # A starter that is gone by now is no reason to stop.
    with suppress(OSError), os.fdopen(ready_fd, "w", encoding="utf-8") as pipe:
        json.dump(message, pipe)


def _options(document: str) -> ServerOptions:
    values = json.loads(document)

    def path(name: str) -> Path | None:
        return Path(values[name]) if values[name] else None

    return ServerOptions(
        host=str(values["host"]),
        port=int(values["port"]),
        tls_cert=path("tls_cert"),
        tls_key=path("tls_key"),
        token_file=path("token_file"),
        basic_auth_file=path("basic_auth_file"),
        allow_open=bool(values["allow_open"]),
    )


if __name__ == "__main__":
    sys.exit(main())
