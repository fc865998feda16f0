"""probe add, list and remove: what is watched from outside, through blackbox_exporter."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec.structs import replace

from stack.cli.printer import Printer
from stack.cli.probe_files import MODULES, Wish, aimed, checked, files_of
from stack.cli.probe_place import url_of
from stack.cli.session import Session
from stack.cli.target_secrets import Given, given_files
from stack.common.errors import UsageError
from stack.components.blackbox import modules_in
from stack.targets.files import owners

if TYPE_CHECKING:
    from stack.checks.probe_faults import Answer

DAY = 86400.0
HOW_ON = "start --with blackbox, or remove it from [components] in stack.toml"


def add(options: argparse.Namespace, printer: Printer) -> int:
    """A probe that was seen to succeed, unless it may be down; else nothing was changed."""
    from stack.cli.own_change import make_change
    from stack.cli.probe_proof import Proof

    session = Session.open(options, printer)
    wish = checked(_wish(session), _own_modules(session))
    files = files_of(wish)
    _refuse_known(session.native.tree, wish)
    if session.settings.switch("blackbox") == "off":
        raise UsageError("blackbox, which asks for probes, is left out", hint=HOW_ON)
    proof = Proof(session, wish, even_if_down=options.even_if_down)
    if not options.dry_run:
        proof.look_ahead()
    ran = make_change(session, files, proof)
    if options.dry_run:
        return 0
    _tell_added(session, wish, [file.path for file in files], proof.said[-1] if ran else None)
    return 0


def _wish(session: Session) -> Wish:
    options = session.options
    url, network = url_of(session)
    target, module, query_name = aimed(url, options.module)
    return Wish(
        name=options.probe,
        target=target,
        module=module,
        every=options.every,
        query_name=options.query_name or query_name,
        codes=tuple(options.expect_code),
        contains=options.contains,
        insecure=options.insecure_skip_verify,
        network=network,
        given=given_files(options, options.probe, session.native.tree),
    )


def _refuse_known(tree: Mapping[str, bytes], wish: Wish) -> None:
    """Nothing that is there already is replaced."""
    hint = f"choose another name, or probe remove {wish.name} first, if it is one"
    if known := owners(tree).get(wish.name):
        raise UsageError(f"{wish.name} is a job already: {known}", hint=hint)
    for file in files_of(replace(wish, given=Given())):
        if file.path in tree:
            raise UsageError(f"{file.path} is there already", hint=hint)


def _own_modules(session: Session) -> dict[str, str]:
    return {
        name: path
        for path, content in session.native.tree.items()
        if path.startswith(MODULES)
        for name in modules_in(content)
    }


def _tell_added(session: Session, wish: Wish, paths: list[str], seen: Answer | None) -> None:
    printer = session.printer
    for path in paths:
        printer.line("written", path)
    if seen is None:
        printer.line("probe", f"{wish.name} is watched from the next start on")
    elif seen.success:
        printer.line("probe", f"{wish.name} succeeds{_figures(seen)}; asked each {wish.every}")
    else:
        printer.line("probe", f"{wish.name} is watched each {wish.every}; it fails now")
    document = {"ok": True, "name": wish.name, "target": wish.target, "files": paths}
    printer.document({**document, "proven": seen is not None, "up": seen.success if seen else None})


def _figures(seen: Answer) -> str:
    from stack.common.moments import wall_clock

    said = []
    if code := seen.figures.get("probe_http_status_code"):
        said.append(f"HTTP {code:g}")
    if "probe_duration_seconds" in seen.figures:
        said.append(f"{seen.figures['probe_duration_seconds'] * 1000:.0f} ms")
    if until := seen.figures.get("probe_ssl_earliest_cert_expiry"):
        said.append(f"certificate for {(until - wall_clock()) / DAY:.0f} days")
    return f" ({', '.join(said)})" if said else ""


def remove(options: argparse.Namespace, printer: Printer) -> int:
    """The probe's files go; with the last one blackbox_exporter goes too."""
    from stack.cli.own_change import make_change
    from stack.cli.probe_removal import removal
    from stack.cli.target import gone

    session = Session.open(options, printer)
    files = removal(session.native.tree, options.probe)
    ran = make_change(session, files, lambda later: gone(session, later, options.probe))
    if options.dry_run:
        return 0
    for file in files:
        printer.line("removed" if file.content is None else "changed", file.path)
    paths = [file.path for file in files]
    printer.document({"ok": True, "name": options.probe, "files": paths, "proven": ran})
    return 0


def listed(options: argparse.Namespace, printer: Printer) -> int:
    """All probes of the user's files, and what Prometheus knows of each."""
    from stack.cli.probe_list import show

    return show(Session.open(options, printer))
