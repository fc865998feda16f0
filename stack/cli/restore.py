"""restore: a stack out of a backup, under its own name or another, and the proof that its data is there."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path

from msgspec import Struct

from stack.archives.entries import unpacked_files
from stack.archives.manifest import Manifest
from stack.archives.reading import Archive, open_archive
from stack.archives.seal import NAME as SEALED
from stack.archives.seal import Key, open_sealed
from stack.checks.context import CheckContext
from stack.cli.backup import tell
from stack.cli.backup_own import SETTINGS, STATE
from stack.cli.home_files import File, allowed, differing
from stack.cli.keeping import key_of, versions_of, volume_image
from stack.cli.main import usage
from stack.cli.printer import Printer
from stack.cli.session import Session
from stack.common.errors import ArchiveRefused, SmokeFailed
from stack.common.wait import NotYet, TimedOut, until
from stack.deploy.asking import context_of
from stack.deploy.kept import Lost, compare
from stack.deploy.restoring import (
    decide,
    give_up,
    lay,
    lay_files,
    newer,
    refuse_running,
    volumes_of,
)
from stack.model.events import Progress
from stack.model.spec import data_volume

PROOF_SECONDS = 60.0


class Brought(Struct, frozen=True):
    """What an archive brings besides data: files of the user's own, and the state's secrets."""

    files: dict[str, File]
    secrets: dict[str, str]


def restore(options: argparse.Namespace, printer: Printer) -> int:
    """Puts the data in place, starts the stack and asks for what was there."""
    session = Session.open(options, printer)
    archive = open_archive(Path(options.file).absolute())
    refuse_running(session.engine.observe(session.name))
    brought = _brought(archive, options, key_of(options))
    files = _files(session, brought.files)
    if options.dry_run:
        return _plan(session, archive, files)
    with session.lock():
        _judge(session, archive)
        _replace(session, archive, brought, files)
        if options.no_start:
            return _done(session, archive, None)
        lost = _start(session, archive)
    return _done(session, archive, lost)


def _brought(archive: Archive, options: argparse.Namespace, key: Key) -> Brought:
    """Files and secrets; ArchiveRefused where they do not open."""
    place, manifest = str(archive.path), archive.manifest
    settings, closed = manifest.member(SETTINGS), manifest.member(SEALED)
    files = unpacked_files(archive.content(settings), place) if settings else {}
    secrets: dict[str, str] = {}
    if closed and not options.without_secrets:
        if key.kind == "left out":
            flag = "--passphrase-file" if manifest.sealed == "passphrase" else "--identity-file"
            raise ArchiveRefused(
                f"the secrets in {place} are closed with a {manifest.sealed}",
                hint=f"{flag} FILE opens them, --without-secrets leaves them out",
            )
        opened = unpacked_files([open_sealed(b"".join(archive.content(closed)), key, place)], place)
        secrets = _secrets(opened.pop(STATE, (b"{}", 0))[0], place)
        files |= opened
    return Brought(allowed(files, place), secrets)


def _secrets(document: bytes, place: str) -> dict[str, str]:
    try:
        return {str(name): str(text) for name, text in json.loads(document).items()}
    except (ValueError, AttributeError) as error:
        raise ArchiveRefused(f"the secrets in {place} are damaged: {error}") from error


def _files(session: Session, files: dict[str, File]) -> dict[str, File]:
    """Those that are to be written: what is missing here, and what differs where that is asked for."""
    home, how = session.plain.home, session.options.files
    differ = differing(home, files)
    if differ and not how:
        others = f", nor are {len(differ) - 1} more" if differ[1:] else ""
        raise usage(
            f"{home / differ[0]} is not as the backup has it{others}: --files keep, or --files replace"
        )
    return {p: f for p, f in files.items() if not (home / p).is_file() or (how == "replace" and p in differ)}


def _judge(session: Session, archive: Archive) -> None:
    """Refuses what does not fit before anything is changed; asks where data is replaced."""
    observed, manifest = session.engine.observe(session.name), archive.manifest
    refuse_running(observed)
    here = versions_of(session, [one.component for one in manifest.members if one.component])
    for component, theirs, ours in newer(manifest.versions, here):
        raise ArchiveRefused(
            f"{archive.path} has data of {component} {theirs}, and the image here is {ours}",
            hint=f"bring an image of {component} {theirs} or later",
        )
    there = volumes_of(session.name, observed)
    replaced = sorted(one.component for one in manifest.members if one.component in there)
    if replaced and not session.options.yes and not _confirmed(session, replaced):
        raise usage("nothing was changed")


def _confirmed(session: Session, replaced: list[str]) -> bool:
    if session.printer.json or not sys.stdin.isatty():
        raise usage(f"restore replaces the data of {', '.join(replaced)}: --yes, where nobody can be asked")
    session.printer.raw(
        f"The data of {', '.join(replaced)} in stack {session.name} is replaced. Type its name:"
    )
    return sys.stdin.readline().strip() == session.name


def _plan(session: Session, archive: Archive, files: dict[str, File]) -> int:
    there = volumes_of(session.name, session.engine.observe(session.name))
    parts = [one.component for one in archive.manifest.members if one.component]
    for component in parts:
        word = "replace" if component in there else "create"
        session.printer.line(word, f"volume {data_volume(session.name, component)}")
    for path in files:
        session.printer.line("write", str(session.plain.home / path))
    session.printer.document({"volumes": parts, "replaced": sorted(there), "files": sorted(files)})
    return 0


def _replace(session: Session, archive: Archive, brought: Brought, files: dict[str, File]) -> None:
    engine, state, settings = session.engine, session.state, session.plain
    image = volume_image(session)
    under = lay(engine, state, image, archive, lambda name, done, total: tell(session, name, done, total))
    try:
        for member in archive.manifest.members:
            session.printer.event(Progress.over(member.component))
        lay_files(settings, files)
        session.still_ours()
    except BaseException:
        give_up(engine, state, under, settings)
        raise
    told = {"secrets": brought.secrets} if brought.secrets else {}
    decide(engine, state, under, settings, **told)
    content = archive.manifest.content / 1e6
    session.printer.line(
        "restored", f"{len(under.volumes)} volumes, {content:.1f} MB, {session.seconds:.1f} s"
    )


def _start(session: Session, archive: Archive) -> Lost:
    from stack.cli.bring_up import bring_up

    again = dataclasses.replace(session, plain=Session.open(session.options, session.printer).plain)
    description = again.described(provide=True)
    bring_up(again, description)
    return _proved(context_of(again.engine, description), archive.manifest)


def _proved(context: CheckContext, manifest: Manifest) -> Lost:
    """What is there again, once all is, or the time is up: Prometheus and Grafana take a moment to open their data."""

    def ask() -> Lost:
        found = compare(context, manifest.kept)
        if found.lost or found.unasked:
            raise _Missing(found)
        return found

    try:
        return until(ask, seconds=PROOF_SECONDS)
    except TimedOut as error:
        cause = error.__cause__
        return cause.lost if isinstance(cause, _Missing) else Lost((), (str(error),))


class _Missing(NotYet):
    def __init__(self, lost: Lost) -> None:
        super().__init__("; ".join((*lost.lost, *lost.unasked)))
        self.lost = lost


def _done(session: Session, archive: Archive, lost: Lost | None) -> int:
    printer = session.printer
    document = {"ok": True, "file": str(archive.path), "seconds": round(session.seconds, 3)}
    if lost is None:
        printer.line("next", "monitoring-stack start")
        printer.document(document)
        return 0
    for sentence in lost.found:
        printer.line("there", sentence)
    for sentence in (*lost.unasked, *lost.absent):
        printer.warning(sentence)
    document |= {"there": list(lost.found), "lost": list(lost.lost), "unasked": [*lost.unasked, *lost.absent]}
    if lost.lost:
        error = SmokeFailed(
            f"restored, but not there: {'; '.join(lost.lost)}", hint="monitoring-stack logs, smoke"
        )
        error.details = document | {"ok": False}
        raise error
    printer.document(document)
    return 0
