"""The background process of the stand-alone metrics server: ``python -m stack.telemetry.daemon``, or a program that
adds routes of its own to it.

It listens, puts its record in place, says on its standard output that it is there (or in one line why not), serves
until SIGTERM and removes the record. ``monitor`` starts and stops it. It must never write to the terminal or take
secrets as arguments: those come as paths of files.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

from stack.telemetry.record import ServerRecord, held, processes_folder, record_file
from stack.telemetry.recorders import init_metrics
from stack.telemetry.settings import MonitorError, ServerOptions

if TYPE_CHECKING:
    from stack.telemetry.server import Route

_POLL_SECONDS = 0.1
_FOLD_SECONDS = 60.0


def command(program: str, options: ServerOptions, state_dir: Path) -> list[str]:
    """The command line that starts a program that calls ``main``."""
    return [sys.executable, "-m", program, json.dumps(asdict(options)), str(state_dir.absolute())]


def main(routes: Callable[[], Mapping[str, Route]] = dict) -> int:
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
    except (MonitorError, OSError, ImportError) as error:
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
        init_metrics()
        record = ServerRecord(
            os.getpid(), server.url, options.tls_cert, options.token_file, options.basic_auth_file
        )
        with held(record_file(state_dir), record):
            worker = Thread(target=server.serve_forever, args=(_POLL_SECONDS,), daemon=True)
            worker.start()
            _say({"url": server.url})
            while not stopping.wait(_FOLD_SECONDS):
                fold(processes)
            server.shutdown()
            worker.join()


def _say(message: dict[str, str]) -> None:
    # A starter that is gone by now is no reason to stop. What is printed after this goes to the log.
    with suppress(OSError):
        os.write(1, json.dumps(message).encode())
    os.dup2(2, 1)


if __name__ == "__main__":
    sys.exit(main())
