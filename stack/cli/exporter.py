"""exporter add and remove: servers that are watched by exporters of their own."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from stack.cli.exporter_files import Wish, checked, files_of, kept_secret, options_of, path_of
from stack.cli.given_secret import given_secret
from stack.cli.own_change import OwnFile, make_change
from stack.cli.printer import Printer
from stack.cli.session import Session
from stack.common.errors import StackError, UsageError
from stack.components.exporters.kinds import BY_WORD
from stack.components.own_paths import OWN_SECRETS
from stack.targets.addresses import machine, port
from stack.targets.containers import THIS_ENGINE, Around, find, place, split

if TYPE_CHECKING:
    from stack.components.exporters.kind import Kind
    from stack.deploy.describe import Description
    from stack.model.neighbours import Neighbour

TARGET = re.compile(r"target add (?:\S+ )?--(container|host)")
"""A remedy for a target; an exporter takes the same options."""


def add(options: argparse.Namespace, printer: Printer) -> int:
    """A server that was seen to answer its exporter; else nothing was changed."""
    from stack.cli.exporter_proof import Proof

    session = Session.open(options, printer)
    wish = checked(_wish(session, options), session.native.tree)
    if wish.on:
        from stack.cli.exporter_far import check_free

        check_free(session, wish)
    files = files_of(wish)
    proven = make_change(session, files, Proof(session, wish.kind, wish.name, options.secret_file or ""))
    if options.dry_run:
        return 0
    for file in files:
        printer.line("written", file.path)
    name = f"{wish.kind.title} {wish.name}"
    there = f" on {wish.on}" if wish.on else ""
    later = f"{name} is watched from the next start on"
    printer.line("exporter", f"{name} answers {wish.kind.name}{there}" if proven else later)
    document = {"ok": True, "kind": wish.kind.form.word, "name": wish.name, "proven": proven}
    printer.document({**document, "files": [file.path for file in files]})
    return 0


def _wish(session: Session, options: argparse.Namespace) -> Wish:
    kind = BY_WORD[options.kind]
    address, networks = _place(session, options, kind)
    secret, secret_file = given_secret(session, options.secret_file)
    return Wish(
        kind=kind,
        name=options.server,
        address=address,
        networks=networks,
        user=options.user or "",
        secret=secret,
        secret_file=secret_file,
        options=options_of(options.option),
        on=options.on or "",
        on_port=options.port,
    )


def _place(session: Session, options: argparse.Namespace, kind: Kind) -> tuple[str, tuple[str, ...]]:
    """Address, and the networks of others that lead there."""
    given = [one for one in (options.address, options.container, options.host) if one]
    if len(given) > 1:
        raise UsageError("one place, not several", hint="an address, --container or --host")
    if options.host:
        return machine(options.host), ()
    if not options.container:
        return options.address or "", tuple(options.network)
    wanted, asked = split(options.container)
    everyone = _neighbours(session, options.on or "")
    around = Around(everyone, session.name, frozenset())  # an exporter asks nobody else
    chosen = next(iter(options.network), "")
    try:
        found = place(
            find(wanted, everyone), around, port=port(asked) if asked else kind.form.port, network=chosen
        )
    except UsageError as error:
        error.hint = TARGET.sub(rf"exporter add {kind.form.word} {options.server} --\1", error.hint)
        if options.on:
            error.hint = error.hint.replace(THIS_ENGINE, f"the engine is that of {options.on}")
        raise
    return found.address, (found.network,) if found.network else ()


def _neighbours(session: Session, on: str) -> tuple[Neighbour, ...]:
    """The containers among which the exporter will run."""
    if not on:
        return session.engine.neighbours()
    from stack.cli.exporter_far import there

    return there(session, on, lambda far: far.neighbours())


def remove(options: argparse.Namespace, printer: Printer) -> int:
    """The server is watched no more; a password that ``add`` has kept goes with it."""
    session, kind = Session.open(options, printer), BY_WORD[options.kind]
    path, tree = path_of(kind, options.server), session.native.tree
    if path not in tree:
        known = ", ".join(kind.form.files(tree).values()) or "none"
        raise UsageError(f"no {kind.title} server is called {options.server}", hint=f"there are: {known}")
    secret = kept_secret(kind, options.server)
    others = (
        content for other, content in tree.items() if other != path and not other.startswith(OWN_SECRETS)
    )
    alone = secret in tree and not any(secret.encode() in content for content in others)
    files = (OwnFile(path, None), *((OwnFile(secret, None),) if alone else ()))
    make_change(session, files, _gone(kind, options.server))
    if options.dry_run:
        return 0
    for file in files:
        printer.line("removed", file.path)
    printer.document({"ok": True, "removed": [file.path for file in files]})
    return 0


def _gone(kind: Kind, name: str) -> Callable[[Description], None]:
    """Its container is described no more, and what is not described has been removed."""

    def prove(description: Description) -> None:
        if any(s.component == f"{kind.name}-{name}" for s in description.spec.services):
            raise StackError(f"{kind.name}-{name} is still described", hint="monitoring-stack plan")

    return prove
