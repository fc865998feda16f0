"""host add, remove: a node_exporter on a further Docker engine, closed to all but this stack's Prometheus."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from stack.cli.host_address import address_of
from stack.cli.hosts import Clearing, build_of, tell_open, ways
from stack.cli.own_change import OwnFile, make_change
from stack.cli.printer import Printer
from stack.cli.session import Session
from stack.cli.target import gone, proven
from stack.common.errors import SmokeFailed, StackError, StartFailed, UsageError
from stack.common.wait import TimedOut, until
from stack.components.exporters.on_hosts import serving
from stack.components.host_values import check_address, check_cert_path, check_engine, check_name, check_port
from stack.components.hosts import (
    SECRET_KINDS,
    FarHost,
    document,
    files,
    job_of,
    path_of,
    secret_of,
)
from stack.components.own_toml import Wrong
from stack.deploy.hosts import Place, Round, converge, place_of

if TYPE_CHECKING:
    from stack.checks.target_proof import Proof
    from stack.deploy.describe import Description
    from stack.engine.interface import Engine

PRIVATE = 0o600
SCRAPED_AGAIN = 10.0
"""Seconds for one more scrape, with its timeout: the first may have come before the exporter listened."""


def add(options: argparse.Namespace, printer: Printer) -> int:
    """A host whose exporter was scraped; else nothing was changed, here and there."""
    session = Session.open(options, printer)
    host = _asked(options)
    if host.origin in session.native.tree:
        hint = f"host remove {host.name}, or edit that file and reload"
        raise UsageError(f"{host.origin} is there already", hint=hint)
    _reached(session, host)
    tell_open(session, (place_of(host),))
    host, own = _files(host)
    proofs: list[Proof] = []
    applied = make_change(session, own, lambda later: proofs.append(_proven(session, later, host)))
    if options.dry_run:
        return 0
    for file in own:
        printer.line("written", file.path)
    later = f"{host.name}: start brings node_exporter there"
    kept = f"{host.name} is scraped at {host.at}, {proofs[0].kept} samples kept" if applied else later
    printer.line("host", f"{kept}   {session.seconds:.1f} s")
    told = {"ok": True, "name": host.name, "engine": host.engine, "address": host.at, "job": host.job}
    printer.document({**told, "proven": applied, "files": [file.path for file in own]})
    return 0


def _asked(options: argparse.Namespace) -> FarHost:
    """The host of the command line, without its password yet."""
    try:
        check_name(options.host)
        engine = check_engine(options.engine).rstrip("/")
        cert_path = check_cert_path(_folder(options.cert_path), engine)
        address = check_address(options.address or address_of(engine))
        port = check_port(options.port)
    except Wrong as wrong:
        raise UsageError(str(wrong), hint=wrong.hint) from None
    return FarHost(options.host, path_of(options.host), engine, address, port, "", cert_path)


def _folder(given: str | None) -> str:
    if given == "":
        raise Wrong("--cert-path is empty", "name the folder of ca.pem, cert.pem and key.pem")
    return str(Path(given).expanduser().absolute()) if given else ""


def _reached(session: Session, host: FarHost) -> None:
    """Before anything is written: its engine answers."""

    def asked(place: Place, far: Engine) -> str:
        return far.info().version

    (found,) = Round([place_of(host)], asked, ways(session), session.name).outcomes()
    if found.error is not None:
        raise _named(host, found.error)


def _named(host: FarHost, error: StackError) -> StackError:
    error.message = f"host {host.name}: {error.message}"
    return error


def _files(host: FarHost) -> tuple[FarHost, tuple[OwnFile, ...]]:
    """The host with what guards it, and all of that as files of the user's own."""
    from stack.cli.host_secrets import made

    guard = made(host.name)
    whole = replace(host, password_hash=guard.password_hash)
    texts = {"password": f"{guard.password}\n", "crt": guard.crt, "key": guard.key}
    secrets = (OwnFile(secret_of(host.name, kind), texts[kind].encode(), PRIVATE) for kind in SECRET_KINDS)
    return whole, (*secrets, OwnFile(host.origin, document(whole).encode(), PRIVATE))


def _proven(session: Session, description: Description, host: FarHost) -> Proof:
    """The exporter runs there, and this Prometheus keeps its samples."""
    build, way = build_of(session, description, provide=True), ways(session)

    def work(place: Place, far: Engine) -> object:
        return converge(build, host, far, way)

    (found,) = Round([place_of(host)], work, way, session.name).outcomes()
    if found.error is not None:
        raise _named(host, found.error)
    try:
        return until(
            lambda: proven(session, description, host.job), seconds=SCRAPED_AGAIN, retry=(SmokeFailed,)
        )
    except TimedOut as late:
        error = late.__cause__ if isinstance(late.__cause__, SmokeFailed) else SmokeFailed(late.last)
        error.hint = (
            f"it runs there: let this machine reach {host.at} (firewall, network), or name another of the host's "
            "addresses with --address"
        )
        raise error from None


def remove(options: argparse.Namespace, printer: Printer) -> int:
    """Scraped no more, and all of it gone there; of a host without an answer what is there stays remembered."""
    session = Session.open(options, printer)
    path, name = path_of(options.host), options.host
    remembered = tuple(pair for pair in session.state.now.hosts if pair[0] == name)
    if path not in session.native.tree and not remembered:
        known = ", ".join(files(session.native.tree).values()) or "none"
        raise UsageError(f"no host is called {name}", hint=f"there are: {known}")
    if aboard := list(serving(session.native.tree, name)):
        words = ", ".join(f"exporter remove {' '.join(one)}" for one in aboard)
        raise UsageError(f"exporters run on {name}", hint=f"first: {words}")
    own = [path, *(secret_of(name, kind) for kind in SECRET_KINDS)]
    there = [OwnFile(one, None) for one in own if one in session.native.tree]
    if there:
        make_change(session, there, lambda later: gone(session, later, job_of(name)))
    if options.dry_run:
        return 0
    with session.lock():
        left = [told for told in Clearing(session).settle() if not told["ok"]]
        if options.forget:
            session.state.change(hosts=tuple(pair for pair in session.state.now.hosts if pair[0] != name))
    for file in there:
        printer.line("removed", file.path)
    stays = any(pair[0] == name for pair in session.state.now.hosts)
    if stays:
        printer.line("later", f"the next start or reload removes what is on {name}; --forget gives it up")
    printer.document({"ok": not stays, "removed": [file.path for file in there], "left": left})
    return StartFailed.exit_code if stays else 0
