"""monitor: the application without Docker, provisioning files for a Grafana elsewhere, and a view for the terminal."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from msgspec import to_builtins
from msgspec.structs import replace

from stack.cli import background
from stack.cli.board import Board, board
from stack.cli.grafana_config import grafana_config
from stack.cli.main import usage
from stack.cli.page import authorization, fetch
from stack.cli.printer import Printer
from stack.common.wait import CLOCK
from stack.components import load
from stack.config.settings import Settings
from stack.telemetry.exposition import read
from stack.telemetry.settings import environment_with

GATE_HEADER = ("GATE", "ACCEPTED", "REJECTED", "PASS RATE", "P50", "P99", "TOP ERROR")
TOOL_HEADER = ("TOOL", "SUCCESS", "FAILURE", "DENIED", "TIMEOUT", "P50", "P99")
MEMORY_HEADER = ("SEGMENT", "WRITTEN", "FAILED", "SEARCHES", "PACKETS")
NOT_RUNNING = 5
Action = Callable[[argparse.Namespace, Settings, Printer], int]


def monitor(options: argparse.Namespace, printer: Printer) -> int:
    """One action; its options say which."""
    actions: dict[str, Action] = {
        "start": _start,
        "stop": _stop,
        "status": _status,
        "grafana-config": _grafana_config,
        "dashboard": _dashboard,
    }
    given = {key: getattr(options, key) for key in ("name", "port_base", "bind") if getattr(options, key)}
    return actions[options.action](options, load(given), printer)


def _folder(settings: Settings) -> Path:
    return settings.state / "monitor"


def _start(options: argparse.Namespace, settings: Settings, printer: Printer) -> int:
    server = background.Options(
        host=options.host,
        port=options.port,
        tls_cert=options.tls_cert or "",
        tls_key=options.tls_key or "",
        token_file=options.token_file or "",
        basic_auth_file=options.basic_auth_file or "",
        allow_open=options.allow_open,
    )
    processes = background.processes_folder(_folder(settings))
    record, already = background.start(_folder(settings), server, environment_with(processes))
    printer.line(
        "monitor", f"{'already ' if already else ''}serving {record.url}/metrics, process {record.pid}"
    )
    printer.line(
        "gates", f"POST {record.url}/gates/url, /gates/path, /gates/config, /gates/archive; {record.url}/docs"
    )
    printer.line("programs", f"record into it with PROMETHEUS_MULTIPROC_DIR={processes}")
    printer.document({"pid": record.pid, "url": record.url, "already": already, "processes": str(processes)})
    return 0


def _stop(options: argparse.Namespace, settings: Settings, printer: Printer) -> int:
    del options
    ended = background.stop(_folder(settings))
    printer.line("monitor", "stopped" if ended else "was not running")
    printer.document({"stopped": ended})
    return 0


def _status(options: argparse.Namespace, settings: Settings, printer: Printer) -> int:
    del options
    state, record = background.status(_folder(settings))
    where = f" at {record.url}, process {record.pid}" if record else ""
    printer.line("monitor", state + where)
    told = to_builtins(record) if record else {"pid": None, "url": "", "certificate": ""}
    printer.document({"state": state, **told})
    return 0 if state == "running" else NOT_RUNNING


def _grafana_config(options: argparse.Namespace, settings: Settings, printer: Printer) -> int:
    if not options.output_dir:
        raise usage("monitor grafana-config needs --output-dir DIR")
    url = options.prometheus_url or f"http://{settings.bind}:{settings.port('prometheus')}"
    boards = settings.config / "grafana" / "dashboards"
    written = grafana_config(Path(options.output_dir), boards, url)
    for path in written:
        printer.line("written", str(path))
    printer.document({"written": [str(path) for path in written]})
    return 0


def _dashboard(options: argparse.Namespace, settings: Settings, printer: Printer) -> int:
    found = _page(options, settings)
    headers = authorization(
        options.token_file or found.token_file, options.basic_auth_file or found.basic_auth_file
    )

    def show() -> None:
        _show(board(read(fetch(found.url, headers, options.tls_cert or found.certificate))), printer)

    show()
    while options.watch:
        CLOCK.sleep(2.0)
        printer.text()
        show()
    return 0


def _page(options: argparse.Namespace, settings: Settings) -> background.Record:
    """What to show, and how it is asked: the address given, else our own server if it runs, else the application."""
    if options.url:
        # Secrets are for whom they were made, not for whatever address was given.
        return background.Record(0, options.url)
    state, own = background.status(_folder(settings))
    if own and state == "running":
        return replace(own, url=f"{own.url}/metrics")
    token = str(settings.file("app.token_file") or "")
    return background.Record(0, f"http://{settings.bind}:{settings.port('app')}/metrics", token_file=token)


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
    printer.document(to_builtins(found))


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} ms"
