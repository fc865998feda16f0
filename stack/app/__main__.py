"""Entry point: ``python -m stack.app``. Reads settings, opens everything, serves until SIGTERM or SIGINT.

Heavy imports happen here, after the settings were found to be right. It must never write outside ``--data``.
"""

from __future__ import annotations

import gc
import logging
import signal
import sys
import tempfile
from types import FrameType

from stack.app import logs
from stack.app.settings import AppSettings, InvalidSetting, read_settings

USAGE = 2
DRAIN_SECONDS = 1


def main() -> int:
    """Exit code: 0 after a requested end, 1 when it cannot serve, 2 for settings that cannot be used."""
    gc.disable()  # nearly all that a start-up makes stays: looking through it again and again costs a tenth of it
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    try:
        settings = read_settings()
        logs.configure(settings.log_level)
        return _serve(settings)
    except InvalidSetting as problem:
        sys.stderr.write(f"{problem}\n")
        return USAGE


def _leave(number: int, frame: FrameType | None) -> None:
    """Ends a start-up in progress; while it serves, the server has handlers of its own and ends gracefully."""
    del number, frame
    raise SystemExit(0)


def _serve(settings: AppSettings) -> int:
    from stack.app.assembly import CannotStart, open_context

    try:
        context = open_context(settings)
    except CannotStart as problem:
        logging.getLogger("stack.app").error(str(problem))
        return 1
    tempfile.tempdir = str(
        context.scratch
    )  # uploads are spooled there: the rest of the disk may be read-only
    import uvicorn

    from stack.app.http.app import create_app

    server = uvicorn.Server(
        uvicorn.Config(
            create_app(context),
            host=settings.host,
            port=settings.port,
            loop="asyncio",
            http="h11",
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=DRAIN_SECONDS,
        )
    )
    gc.freeze()
    gc.enable()
    server.run()
    return 0 if server.started else 1


if __name__ == "__main__":
    sys.exit(main())
