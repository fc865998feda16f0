"""receiver add and remove: who hears of alerts. One that does not take its test alert is not kept."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from stack.checks.receiver_trial import document
from stack.cli.given_secret import given_secret
from stack.cli.own_change import OwnFile, make_change
from stack.cli.printer import Printer
from stack.cli.receiver_files import Wish, files_of, kept_secret, path_of, words_of
from stack.cli.receiver_test import remember, tell, tell_routes, tried
from stack.cli.session import Session
from stack.common.errors import StackError, UsageError
from stack.components.own_paths import OWN_SECRETS, closing_line_cut
from stack.components.receiver_options import option_of_secret
from stack.components.receivers import SETTINGS, files
from stack.deploy.receivers import receivers_in
from stack.validation.secrets import secret_fault

if TYPE_CHECKING:
    from stack.checks.receiver_trial import Outcome
    from stack.deploy.describe import Description


def add(options: argparse.Namespace, printer: Printer) -> int:
    """A receiver that was seen to take a test alert; else nothing was changed."""
    session = Session.open(options, printer)
    wish = _wish(session, options)
    written = files_of(wish)
    proven: list[tuple[Description, tuple[Outcome, ...]]] = []

    def prove(later: Description) -> None:
        outcomes = () if options.no_test else tried(session, later, wish.name, ends=False)
        proven.append((later, outcomes))

    if options.dry_run:
        printer.text(f"{written[-1].path}:\n{(written[-1].content or b'').decode()}")
    applied = make_change(session, written, prove)
    if options.dry_run:
        return 0
    for file in written:
        printer.line("written", file.path)
    found = _told(session, wish.name, proven)
    described = proven[0][0] if proven else session.described(provide=False)
    hears = tell_routes(session, described, wish.name, runs=bool(proven))
    printer.document(
        {
            "ok": True,
            "receiver": wish.name,
            "files": [file.path for file in written],
            "applied": applied,
            "outcomes": [document(one) for one in found],
            **hears,
        }
    )
    return 0


def _told(
    session: Session, name: str, proven: list[tuple[Description, tuple[Outcome, ...]]]
) -> tuple[Outcome, ...]:
    """Says what holds now, and has the stack remember it."""
    description, outcomes = proven[0] if proven else (None, ())
    tell(session.printer, name, outcomes)
    if description and outcomes:
        remember(session, description, name)
    else:
        session.printer.line(
            "untested", f"{name}: monitoring-stack receiver test {name}, once the stack runs"
        )
    return outcomes


def _wish(session: Session, options: argparse.Namespace) -> Wish:
    name = options.receiver
    if name in session.plain.words("receivers"):
        raise UsageError(
            f"{SETTINGS} has [receivers.{name}] already", hint="choose another name, or change it there"
        )
    if path_of(name) in session.native.tree:
        hint = f"receiver remove {name}, or edit that file and reload"
        raise UsageError(f"{path_of(name)} is there already", hint=hint)
    lists = {
        "severities": options.severity,
        "components": options.component,
        "jobs": options.job,
        "matchers": options.matcher,
        "quiet_hours": options.quiet_hours,
    }
    secret, secret_file = given_secret(session, options.secret_file)
    _refuse_unusable(options, secret)
    texts = {"timezone": options.timezone or "", "repeat": options.repeat or ""}
    return Wish(name, options.type, lists, texts, words_of(options.set), secret, secret_file)


def _refuse_unusable(options: argparse.Namespace, secret: bytes) -> None:
    """A secret that could not be used is told by the name of the file that was given."""
    if secret and (fault := secret_fault(closing_line_cut(secret), [option_of_secret(options.type)])):
        raise UsageError(f"{options.secret_file}: {fault[0]}", hint=fault[1])


def remove(options: argparse.Namespace, printer: Printer) -> int:
    """The receiver is told no more; a secret that ``add`` has kept goes with it."""
    session, name = Session.open(options, printer), options.receiver
    path, tree = path_of(name), session.native.tree
    if path not in tree:
        if name in session.plain.words("receivers"):
            hint = f"take the table [receivers.{name}] out of {SETTINGS}, then monitoring-stack reload"
            raise UsageError(f"receiver {name} stands in {SETTINGS}", hint=hint)
        known = ", ".join(files(tree).values()) or "none"
        raise UsageError(f"there is no receiver {name} in own/receivers/", hint=f"there are: {known}")
    secret = kept_secret(name)
    others = (
        content for other, content in tree.items() if other != path and not other.startswith(OWN_SECRETS)
    )
    alone = secret in tree and not any(secret.encode() in content for content in others)
    gone = (OwnFile(path, None), *((OwnFile(secret, None),) if alone else ()))

    def prove(later: Description) -> None:
        if name in receivers_in(later.spec):
            raise StackError(f"receiver {name} is still described", hint="monitoring-stack plan")

    applied = make_change(session, gone, prove)
    if not options.dry_run:
        for file in gone:
            printer.line("removed", file.path)
        printer.document({"ok": True, "removed": [file.path for file in gone], "applied": applied})
    return 0
