"""The grammar of the command line: every command with its purpose, handler and options, as one table.

Handlers are named, not imported, so that each command pays only for what it uses.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from stack import __version__
from stack.cli.channel import Channel
from stack.cli.grammar_parts import CHOICE, COMPONENTS_HELP, Command, flag, value

YES = flag("-y", "--yes", help="do not ask")
START = (
    flag("--dry-run", help="print the plan and change nothing"),
    *CHOICE,
    flag("--quick", help="end once the stack is checked"),
    flag("--no-smoke", help="end once the stack is ready"),
    flag("--no-install", help="never install a Docker engine"),
)
RESTART = tuple(option for option in START if option not in (START[0], *CHOICE))
MONITOR = (
    value("action", choices=("start", "stop", "status", "grafana-config", "dashboard"), help="what to do"),
    value("--host", default="127.0.0.1", help="address that the server listens on (127.0.0.1)"),
    value("--port", type=int, default=9464, help="its port (9464)"),
    value("--tls-cert", metavar="FILE", help="certificate, with --tls-key"),
    value("--tls-key", metavar="FILE", help="private key of the certificate"),
    value("--token-file", metavar="FILE", help="file with the bearer token that all but /health asks for"),
    value("--basic-auth-file", metavar="FILE", help="file with user:password that all but /health asks for"),
    flag("--allow-open", help="serve other machines without TLS and credentials"),
    value("--output-dir", metavar="DIR", help="where grafana-config writes"),
    value(
        "--prometheus-url", metavar="URL", help="the data source of grafana-config (the stack's Prometheus)"
    ),
    value(
        "--url", help="metrics page that dashboard shows (that of monitor if it runs, else the application's)"
    ),
    flag("--watch", help="repeat every 2 s until Ctrl-C"),
)
REPORT = Command(
    "report",
    "dashboards, alerts, targets and versions over a time as one HTML file",
    "report:report",
    (
        value(
            "-o", "--output", metavar="FILE", help="file, or folder, to write (reports/ beside stack.toml)"
        ),
        value(
            "--range", metavar="SPAN", default="", help="how long before its end it begins, such as 24h (6h)"
        ),
        value(
            "--from",
            dest="from_",
            metavar="TIME",
            default="",
            help="when it begins: 2026-01-31T12:00 (UTC), or now-3h",
        ),
        value("--to", metavar="TIME", default="", help="when it ends (now)"),
        value(
            "--dashboard",
            metavar="UID",
            action="append",
            default=[],
            help="only this dashboard; may be repeated",
        ),
    ),
)
BASIC: tuple[Command, ...] = (
    Command("start", "bring the stack up and prove it", "lifecycle:start", START),
    Command("stop", "stop all containers and keep everything", "lifecycle:stop"),
    Command(
        "destroy",
        "remove containers, network and configuration; data only with --volumes",
        "lifecycle:destroy",
        (flag("--volumes", help="remove the data too"), YES),
    ),
    Command("restart", "stop what runs, start it again and prove it", "lifecycle:restart", RESTART),
    Command("plan", "what start would do, and why", "lifecycle:plan", CHOICE, only_shows=True),
    Command("reload", "apply changed files to what runs, verified", "lifecycle:reload"),
    Command("validate", "check all configuration files", "inspection:validate", CHOICE, only_shows=True),
    Command(
        "status",
        "component, state, image, address, uptime, memory, digest",
        "status:status",
        (flag("--watch", help="repeat every 2 s until Ctrl-C"),),
        only_shows=True,
    ),
    Command(
        "smoke",
        "run all checks",
        "smoke:smoke",
        (
            flag("--deep", help="also prove that data survives a restart"),
            flag("--quick", help="leave out what needs two scrapes"),
            value(
                "--url",
                action="append",
                default=[],
                metavar="C=URL",
                help="ask products that others run, at these addresses, and no engine",
            ),
            value(
                "--kubernetes",
                metavar="NAMESPACE",
                help="ask what was exported there, through kubectl port-forward, and no engine",
            ),
            value(
                "--login",
                action="append",
                default=[],
                metavar="C=FILE",
                help="with --url: file with USER:PASSWORD of a component behind a login of others",
            ),
        ),
    ),
    Command(
        "audit",
        "what runs against the CIS Docker Benchmark, with reasons",
        "audit:audit",
        (flag("--all", help="containers of others too"),),
        only_shows=True,
    ),
    REPORT,
    Command(
        "logs",
        "log lines of a component, or of all",
        "inspection:logs",
        (
            value("component", nargs="?", help=COMPONENTS_HELP),
            flag("-f", "--follow", help="go on as they come"),
            value("--tail", type=int, default=50, metavar="N", help="last N lines (50)"),
        ),
        only_shows=True,
    ),
    Command("credentials", "addresses, users and passwords", "inspection:credentials", only_shows=True),
    Command(
        "images",
        "list, check, pull, build, save, load or lock images",
        "images:images",
        (
            value(
                "action",
                choices=("list", "check", "pull", "build", "save", "load", "lock", "env"),
                nargs="?",
                default="list",
            ),
            value("-o", "--output", metavar="FILE", help="archive that save writes"),
            value("-i", "--input", metavar="FILE", help="archive that load reads"),
            flag("--write", help="set what env prints in .env, and keep the rest of it"),
        ),
    ),
    Command(
        "render",
        "write the generated files, or check them",
        "generated:render",
        (
            flag("--check", help="write nothing; fail where a file differs"),
            flag("--secrets", help="make the password file that docker-compose.yml names"),
            flag("--own", help="write docker-compose.override.yml with the files in own/"),
        ),
    ),
    Command(
        "monitor",
        "the application without Docker, provisioning files for Grafana, gates and tools in the terminal",
        "monitor:monitor",
        MONITOR,
        only_shows=True,
    ),
    Command(
        "completion",
        "print shell completion",
        "generated:completion",
        (value("shell", choices=("bash", "zsh", "tcsh")),),
        only_shows=True,
    ),
)


def commands() -> tuple[Command, ...]:
    """All commands; those that are none of the basic ones are read only where one of them is meant."""
    from stack.cli.grammar_alerting import ALERTING_COMMANDS
    from stack.cli.grammar_export import EXPORT
    from stack.cli.grammar_gateway import GATEWAY_COMMANDS
    from stack.cli.grammar_keep import KEEPING_COMMANDS
    from stack.cli.grammar_own import OWN_COMMANDS

    return (*BASIC, *KEEPING_COMMANDS, *GATEWAY_COMMANDS, *ALERTING_COMMANDS, *OWN_COMMANDS, EXPORT)


def command_names() -> tuple[str, ...]:
    """The name of each command."""
    return tuple(c.name for c in commands())


class Parser(argparse.ArgumentParser):
    """One that never guesses an option and fails where its help cannot be written, as do those of its commands."""

    def __init__(self, **told: Any) -> None:
        super().__init__(allow_abbrev=False, **told)

    def _print_message(self, message: str, file: Any = None) -> None:
        shown = Channel(file)
        shown.write(message)
        if shown.lost and file is sys.stdout:
            raise SystemExit(1)


def parser(word: str = "") -> argparse.ArgumentParser:
    """The grammar: of one command where ``word`` is its name, which takes a tenth of the time, else the whole."""
    common = Parser(add_help=False)
    common.add_argument("--json", action="store_true", help="one JSON document instead of text")
    common.add_argument("--name", help="name of the stack (monitoring)")
    common.add_argument("--port-base", metavar="PORT", help="publish on PORT and the three after it")
    common.add_argument("--bind", metavar="ADDRESS", help="address that ports are published on (127.0.0.1)")
    volume = common.add_mutually_exclusive_group()
    volume.add_argument("-v", "--verbose", action="store_true", help="each step, and tracebacks")
    volume.add_argument("-q", "--quiet", action="store_true", help="errors only")
    top = Parser(prog="monitoring-stack", description="A monitoring stack, brought up and proven.")
    top.add_argument("--version", action="version", version=f"monitoring-stack {__version__}")
    below = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in _named(BASIC, word) or _named(commands(), word) or commands():
        _grow(below, command, common)
    return top


def _named(among: tuple[Command, ...], word: str) -> list[Command]:
    return [command for command in among if command.name == word]


def _grow(commands: Any, command: Command, common: Parser) -> None:
    """One command below others, with its options or with the actions below it."""
    parents = [] if command.actions else [common]
    sub = commands.add_parser(
        command.name, help=command.purpose, description=command.purpose, parents=parents
    )
    if command.actions:
        below = sub.add_subparsers(dest="action", metavar="ACTION", required=True)
        for action in command.actions:
            _grow(below, action, common)
        return
    sub.set_defaults(handler=command.handler, carries_on=not command.only_shows)
    for option in command.options:
        sub.add_argument(*option.flags, **option.told)
