"""monitor: the stand-alone metrics server, provisioning files for a Grafana elsewhere, and a view for the terminal."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from stack.cli.main import usage
from stack.cli.printer import Printer
from stack.common.errors import StackError
from stack.common.wait import CLOCK
from stack.components import load
from stack.config.settings import Settings
from stack.telemetry import monitor as backend
from stack.telemetry.auth import authorization
from stack.telemetry.board import Board, board
from stack.telemetry.errors import MonitorError
from stack.telemetry.fetch import fetch
from stack.telemetry.grafana import grafana_config
from stack.telemetry.server import ServerOptions

GATE_HEADER = ("GATE", "ACCEPTED", "REJECTED", "PASS RATE", "P50", "P99", "TOP ERROR")
TOOL_HEADER = ("TOOL", "SUCCESS", "FAILURE", "DENIED", "TIMEOUT", "P50", "P99")
MEMORY_HEADER = ("SEGMENT", "WRITTEN", "FAILED", "SEARCHES", "PACKETS")
NOT_RUNNING = 5
Action = Callable[[argparse.Namespace, Settings, Printer], int]


def monitor(options: argparse.Namespace, printer: Printer) -> int:
    """One action; an error of the server is one line, as everywhere."""
    actions: dict[str, Action] = {
        "start": _start,
        "stop": _stop,
        "status": _status,
        "grafana-config": _grafana_config,
        "dashboard": _dashboard,
    }
    given = {key: getattr(options, key) for key in ("name", "port_base", "bind") if getattr(options, key)}
    try:
        return actions[options.action](options, load(given), printer)
    except MonitorError as error:
        raise StackError(str(error)) from error


def _folder(settings: Settings) -> Path:
    return settings.state / "monitor"


def _start(options: argparse.Namespace, settings: Settings, printer: Printer) -> int:
    server = ServerOptions(
        host=options.host,
        port=options.port,
        tls_cert=_path(options.tls_cert),
        tls_key=_path(options.tls_key),
        token_file=_path(options.token_file),
        basic_auth_file=_path(options.basic_auth_file),
        allow_open=options.allow_open,
    )
    started = backend.start(_folder(settings), server)
    printer.line(
        "monitor",
        f"{'already ' if started.already else ''}serving {started.url}/metrics, process {started.pid}",
    )
    printer.document(asdict(started))
    return 0


def _stop(options: argparse.Namespace, settings: Settings, printer: Printer) -> int:
    del options
    ended = backend.stop(_folder(settings))
    printer.line("monitor", "stopped" if ended else "was not running")
    printer.document({"stopped": ended})
    return 0


def _status(options: argparse.Namespace, settings: Settings, printer: Printer) -> int:
    del options
    found = backend.status(_folder(settings))
    where = f" at {found.url}, process {found.pid}" if found.pid else ""
    printer.line("monitor", found.state + where)
    printer.document(asdict(found))
    return 0 if found.state == "running" else NOT_RUNNING


def _grafana_config(options: argparse.Namespace, settings: Settings, printer: Printer) -> int:
    if not options.output_dir:
        raise usage("monitor grafana-config needs --output-dir DIR")
    url = options.prometheus_url or f"http://{settings.bind}:{settings.port('prometheus')}"
    boards = settings.config / "grafana" / "dashboards"
    written = grafana_config(Path(options.output_dir), prometheus_url=url, dashboards=boards)
    for path in written:
        printer.line("written", str(path))
    printer.document({"written": [str(path) for path in written]})
    return 0


def _dashboard(options: argparse.Namespace, settings: Settings, printer: Printer) -> int:
    url = options.url or f"http://{settings.bind}:{settings.port('app')}/metrics"
    # The application's token is for the application, not for whatever address was given.
    token = _path(options.token_file) or (None if options.url else settings.file("app.token_file"))
    headers = authorization(token, _path(options.basic_auth_file))

    def show() -> None:
        _show(board(fetch(url, headers, options.tls_cert or "")), printer)

    show()
    while options.watch:
        CLOCK.sleep(2.0)
        printer.text()
        show()
    return 0


def _show(found: Board, printer: Printer) -> None:
    printer.table(
        GATE_HEADER,
        [
            (
                g.gate,
                str(g.accepted),
                str(g.rejected),
                f"{g.pass_rate_percent:.1f} %",
                _ms(g.p50_ms),
                _ms(g.p99_ms),
                g.top_error,
            )
            for g in found.gates
        ],
    )
    printer.text()
    printer.table(
        TOOL_HEADER,
        [
            (
                t.tool_id,
                *(str(n) for n in (t.success, t.failure, t.denied, t.timeout)),
                _ms(t.p50_ms),
                _ms(t.p99_ms),
            )
            for t in found.tools
        ],
    )
    printer.text()
    printer.table(
        MEMORY_HEADER,
        [(m.segment, *(str(n) for n in (m.written, m.failed, m.searches, m.packets))) for m in found.memory],
    )
    printer.text(f"\nsubstrate {'healthy' if found.substrate_healthy else 'NOT healthy'}")
    printer.document(asdict(found))


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} ms"


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None
