"""user add, list, remove and passwd: who may log in at the gateway; a running one takes it at once, and it is tried."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from stack.cli.own_change import OwnFile, make_change
from stack.cli.printer import Printer
from stack.cli.session import Session
from stack.common.errors import SmokeFailed, UsageError
from stack.components.gateway_users import (
    USERS,
    Account,
    hashed,
    judge_name,
    judge_password,
    read,
    removed,
    written,
)
from stack.components.own_toml import Wrong

if TYPE_CHECKING:
    from stack.deploy.describe import Description

MODE = 0o600
TRIED = 10.0
OFF = 'the gateway is off: [gateway] mode = "on" in stack.toml, then start'


def add(options: argparse.Namespace, printer: Printer) -> int:
    """One more user, who was seen to get in."""
    session, known = _opened(options, printer)
    if options.user in known:
        raise UsageError(f"user {options.user} is there already", hint="user passwd gives another password")
    return _set(session, options, printer)


def passwd(options: argparse.Namespace, printer: Printer) -> int:
    """Another password, with which the user was seen to get in."""
    session, known = _opened(options, printer)
    _must_be_known(options.user, known)
    return _set(session, options, printer)


def remove(options: argparse.Namespace, printer: Printer) -> int:
    """A user less."""
    session, known = _opened(options, printer)
    _must_be_known(options.user, known)
    content = removed(session.native.tree[USERS], options.user)
    told = _change(session, content, lambda description: None)
    if options.dry_run:
        return 0
    return _say(session, printer, options.user, "may not log in any more", done=told)


def show(options: argparse.Namespace, printer: Printer) -> int:
    """All users, without their hashes."""
    session, known = _opened(options, printer)
    on = bool(session.settings.front)
    for name in known:
        printer.text(name)
    if not known:
        printer.text("nobody may log in yet: monitoring-stack user add NAME")
    if not on:
        printer.warning(f"gateway   {OFF}")
    printer.document({"gateway": "on" if on else "off", "users": list(known)})
    return 0


def _opened(options: argparse.Namespace, printer: Printer) -> tuple[Session, tuple[str, ...]]:
    """The session and the names that are known; ``UsageError`` where the file, or the name, cannot be used."""
    session = Session.open(options, printer)
    accounts, faults = read(session.native.tree.get(USERS, b""))
    if faults:
        raise UsageError(f"{faults[0].path}: {faults[0].why}", hint=faults[0].hint)
    return session, tuple(one.name for one in accounts)


def _must_be_known(name: str, known: tuple[str, ...]) -> None:
    if name not in known:
        raise UsageError(f"there is no user {name}", hint=f"there are: {', '.join(known) or 'none'}")


def _set(session: Session, options: argparse.Namespace, printer: Printer) -> int:
    try:
        judge_name(options.user)
        password = _password(options.password_file, options.user)
        judge_password(password)
    except Wrong as wrong:
        raise UsageError(str(wrong), hint=wrong.hint) from None
    content = written(session.native.tree.get(USERS, b""), Account(options.user, hashed(password)))
    told = _change(
        session, content, lambda description: _proved(session, description, options.user, password)
    )
    if options.dry_run:
        return 0
    return _say(session, printer, options.user, "may log in", done=told)


def _change(session: Session, content: bytes, prove: Callable[[Description], None]) -> bool:
    return make_change(session, (OwnFile(USERS, content or None, MODE),), prove)


def _say(session: Session, printer: Printer, name: str, what: str, *, done: bool) -> int:
    on = bool(session.settings.front)
    when = "" if done and on else "; the gateway takes it from the next start on" if on else ""
    printer.line("user", f"{name} {what}{when}")
    if not on:
        printer.warning(f"gateway   {OFF}")
    printer.document({"ok": True, "user": name, "applied": done and on, "file": USERS})
    return 0


def _proved(session: Session, description: Description, name: str, password: str) -> None:
    """A running gateway lets the user in; where it cannot be asked from here it has said that it runs the new file."""
    from stack.checks.gateway_door import door_of, entered
    from stack.clients.http import HttpFailure
    from stack.common.wait import NotYet, TimedOut, until
    from stack.deploy.asking import context_of

    context = context_of(session.engine, description)
    if context.expected.door is None or door_of(context).forward or session.engine.info().remote:
        return
    try:
        until(lambda: entered(context, name, password), seconds=TRIED, retry=(NotYet, HttpFailure))
    except TimedOut as error:
        raise SmokeFailed(str(error), hint="monitoring-stack smoke shows more") from error


def _password(file: str | None, name: str) -> str:
    """From a file, standard input, or a prompt; never from the command line, which everybody can see."""
    if file is None and sys.stdin.isatty():
        return _prompted(name)
    try:
        text = sys.stdin.readline() if file in (None, "-") else _first_line(Path(str(file)).expanduser())
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not text"
        raise UsageError(f"{file}: {reason}", hint="a file whose first line is the password") from None
    return text.rstrip("\r\n")


def _first_line(path: Path) -> str:
    with path.open(encoding="utf-8") as opened:
        return opened.readline()


def _prompted(name: str) -> str:
    from getpass import getpass

    first = getpass(f"password of {name}: ")
    if first != getpass("the same again: "):
        raise UsageError("the two are not the same", hint="try again")
    return first
