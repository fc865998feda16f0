"""The ``grafana`` executable: ``server`` serves until SIGTERM, ``cli admin reset-admin-password`` sets a password."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Sequence

from .accounts import Accounts
from .database import Database
from .log import log
from .server import make_server
from .settings import StartupError, from_environment, version_of
from .site import open_site

POLICY = "the new password doesn't meet the password policy criteria"


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code of one call."""
    parser = argparse.ArgumentParser(prog="grafana")
    parser.add_argument("-v", "--version", action="version", version=f"grafana version {version_of()}")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("server").add_argument("rest", nargs="*")
    admin = commands.add_parser("cli").add_subparsers(dest="area", required=True).add_parser("admin")
    reset = admin.add_subparsers(dest="what", required=True).add_parser("reset-admin-password")
    reset.add_argument("password", nargs="?", default="")
    reset.add_argument("--password-from-stdin", action="store_true")
    options, _ = parser.parse_known_args(argv)
    try:
        return _serve() if options.command == "server" else _reset(options)
    except StartupError as error:
        sys.stdout.write(f"Error: ✗ {error}\n")
        return 1


def _serve() -> int:
    site = open_site(from_environment())
    try:
        server = make_server(site)
    except OSError as error:
        raise StartupError(f"failed to open listener on address :{site.settings.port}: {error}") from error
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown, daemon=True).start())
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    site.watch()
    log("backgroundsvcs.managerAdapter", "All modules healthy")
    server.serve_forever(0.02)
    log("server", "Shutdown started", reason="System signal: terminated")
    return 0


def _reset(options: argparse.Namespace) -> int:
    password = sys.stdin.readline().rstrip("\r\n") if options.password_from_stdin else options.password
    if not password or not Accounts(Database(from_environment().data)).reset(password):
        sys.stdout.write(f"Error: ✗ failed to update password: {POLICY}\n")
        return 1
    sys.stdout.write("\nAdmin password changed successfully ✔\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
