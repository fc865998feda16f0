"""backup: a stack's data, settings and secrets in one file, while it runs; such files listed, verified, thinned out."""

from __future__ import annotations

import argparse
import time
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

from msgspec import Struct, to_builtins

from stack import __version__
from stack.archives.manifest import Kept, Manifest
from stack.archives.reading import SUFFIX, Archive, archives_in, open_archive
from stack.archives.seal import Key
from stack.archives.writing import Writer, writing
from stack.cli.amounts import MEGA
from stack.cli.backup_own import OwnFiles
from stack.cli.keeping import key_of, versions_that_run, volume_image
from stack.cli.main import usage
from stack.cli.printer import Printer
from stack.cli.session import Session
from stack.common.errors import StartFailed
from stack.components import BY_NAME
from stack.components.manifest import Data
from stack.deploy.asking import context_of
from stack.deploy.kept import kept_in
from stack.deploy.restoring import not_taken, volumes_of
from stack.model.events import Progress
from stack.model.observed import HELPER, Observed
from stack.model.spec import container_name
from stack.model.volumes import VolumeKind

FOLDER = "backups"
ROW = ("FILE", "STACK", "MADE", "SIZE", "UNPACKED", "SECRETS")


def backup(options: argparse.Namespace, printer: Printer) -> int:
    """Makes one, or lists or verifies what there is."""
    session = Session.open(options, printer)
    if options.action == "list":
        return _list(session)
    if options.action == "verify":
        return _verify(session)
    if options.file:
        raise usage(f"backup {options.file}: which file to write is said with -o")
    if options.keep is not None and options.keep < 1:
        raise usage(f"--keep {options.keep}: at least one must stay")
    key = key_of(options)
    if options.dry_run:
        return _plan(session)
    with session.lock():
        return _create(session, key)


def _list(session: Session) -> int:
    place = Path(session.options.file or session.plain.home / FOLDER)
    found = archives_in(place) if place.is_dir() else (open_archive(place),) if session.options.file else ()
    session.printer.table(ROW, [_cells(one) for one in found])
    session.printer.document({"backups": [_document(one) for one in found]})
    return 0


def _cells(one: Archive) -> tuple[str, ...]:
    told = one.manifest
    sizes = (f"{size / MEGA:.1f} MB" for size in (one.path.stat().st_size, told.content))
    return (one.path.name, told.stack, told.created, *sizes, told.sealed)


def _document(one: Archive) -> dict[str, object]:
    told = {"file": str(one.path), "size": one.path.stat().st_size, "content": one.manifest.content}
    return {**to_builtins(one.manifest), **told}


def _verify(session: Session) -> int:
    if not session.options.file:
        raise usage("backup verify needs a FILE")
    archive = open_archive(Path(session.options.file))
    total = archive.manifest.content
    archive.verify(lambda done: tell(session, "verify", done, total))
    session.printer.event(Progress.over("verify"))
    told = archive.manifest
    session.printer.line(
        "whole",
        f"{archive.path}: {len(told.members)} members, {total / MEGA:.1f} MB of {told.stack}, {told.created}",
    )
    for component, why in told.absent.items():
        session.printer.warning(f"without {component}: {why}")
    session.printer.document({"ok": True, **_document(archive)})
    return 0


def tell(session: Session, topic: str, done: int, total: int = 0) -> None:
    """Shows how much is done; of an unknown total without a bar."""
    of = f"{topic} Reading {done / MEGA:.1f}MB/{total / MEGA:.1f}MB" if total else f"{done / MEGA:.1f} MB"
    session.printer.event(Progress(topic, of, passing=True))


def _plan(session: Session) -> int:
    volumes = _volumes(session, session.engine.observe(session.name))
    target = target_of(session)
    for component, volume in volumes.items():
        session.printer.line("backup", f"{component}: volume {volume}")
    session.printer.line("write", str(target))
    session.printer.document({"file": str(target), "volumes": volumes})
    return 0


def _volumes(session: Session, observed: Observed) -> dict[str, str]:
    found = volumes_of(session.name, observed)
    if not found:
        raise StartFailed(
            f"stack {session.name} has no data to back up", hint="monitoring-stack start, or --name"
        )
    return found


def target_of(session: Session) -> Path:
    """Where the archive is written: as asked for, a folder gets a name with the moment."""
    asked = Path(session.options.output) if session.options.output else session.plain.home / FOLDER
    if asked.is_dir() or not session.options.output or str(session.options.output).endswith("/"):
        return asked / f"{session.name}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}{SUFFIX}"
    return asked


def _create(session: Session, key: Key) -> int:
    observed = session.engine.observe(session.name)
    volumes = _volumes(session, observed)
    path = target_of(session).absolute()
    absent = not_taken(session.name, observed)
    manifest = pack(session, observed, volumes, path, key=key, absent=absent)
    for component, why in absent.items():
        session.printer.warning(f"without {component}: {why}")
    _report(session, path, manifest, _thin_out(session, path.parent))
    return 0


def pack(
    session: Session,
    observed: Observed,
    volumes: Mapping[str, str],
    path: Path,
    *,
    key: Key | None,
    absent: Mapping[str, str],
) -> Manifest:
    """Writes the file with these volumes, and with the user's own files; without a ``key`` with data alone."""
    for left in observed.leftovers:
        if left.component == HELPER and not left.running:  # of a command that was killed
            session.engine.remove(left.id)
    own = OwnFiles.gathered(session, key) if key else None
    kept = _kept(session, observed, volumes)
    with writing(path) as writer:
        taking = Taking(session, writer, observed, volume_image(session, observed))
        with taking.begun(volumes) as contents:
            for component, content in contents:
                taking.take(component, content)
        manifest = Manifest(
            stack=session.name,
            created=f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S UTC}",
            product=__version__,
            sealed=own.write(writer) if own else "left out",
            members=writer.members,
            versions=versions_that_run(session, observed, volumes),
            kept=kept,
            absent=absent,
        )
        writer.finish(manifest)
    return manifest


def _kept(session: Session, observed: Observed, volumes: Mapping[str, str]) -> Kept:
    """What the products of these volumes show."""
    if not any(one.running for one in observed.containers):
        return Kept()
    context = context_of(session.engine, session.as_it_runs(observed))
    found = kept_in(context, session.printer.warning)
    return Kept(
        found.sample if "prometheus" in volumes else 0.0,
        found.silences if "alertmanager" in volumes else (),
        found.dashboards if "grafana" in volumes else (),
        found.packet if volumes.keys() & {"app", "postgres"} else 0.0,
    )


class Content(Struct, frozen=True):
    """A volume's content that has begun to come: its first piece, and the rest."""

    first: bytes
    rest: Generator[bytes]


class Taking(Struct, frozen=True):
    """Volumes into an archive: all are read at once, since each takes a while to begin, and written in turn."""

    session: Session
    writer: Writer
    observed: Observed
    image: str

    @contextmanager
    def begun(self, volumes: Mapping[str, str]) -> Iterator[Iterator[tuple[str, Content]]]:
        """Each component with the content of its volume, whole as of one moment; nobody reads any more at the end."""
        with ThreadPoolExecutor(max(1, len(volumes))) as pool:
            reading = {name: pool.submit(self._begin, name, volume) for name, volume in volumes.items()}
            try:
                yield ((name, one.result()) for name, one in reading.items())
            finally:
                for one in reading.values():
                    if one.exception() is None:
                        one.result().rest.close()

    def _begin(self, component: str, volume: str) -> Content:
        session = self.session
        session.still_ours()
        rest = session.engine.gather(session.name, self.image, volume, self._kind(component))
        return Content(next(rest, b""), rest)

    def take(self, component: str, content: Content) -> None:
        """One volume, to its end."""
        session, began = self.session, time.monotonic()
        self.writer.add(
            f"{component}.tar.zst",
            chain((content.first,), content.rest),
            component=component,
            told=lambda seen: tell(session, component, seen),
        )
        session.printer.event(Progress.over(component))
        done = self.writer.members[-1]
        sizes = f"{done.content / MEGA:.1f} MB, packed {done.size / MEGA:.1f} MB"
        session.printer.line("data", f"{component}: {sizes}, {time.monotonic() - began:.1f} s")

    def _kind(self, component: str) -> VolumeKind:
        """How it is taken. A running component is first made to write what it has not written yet."""
        data, found = BY_NAME[component].data or Data(), self.observed.container(component)
        container = container_name(self.session.name, component)
        if found is None or not found.running:
            return data.kind
        if data.at_end:
            self.session.engine.restart(container)
        if not data.dump:
            return data.kind
        ran = self.session.engine.execute(container, data.dump)
        if ran.code:
            said = ran.output.strip()[-300:]
            raise StartFailed(f"{component} cannot be written down: {said}", hint="monitoring-stack logs")
        return "dump"


def _thin_out(session: Session, folder: Path) -> list[str]:
    """Removes the oldest of this stack's backups in a folder that have names of ours, so that ``--keep`` stay."""
    if session.options.keep is None:
        return []
    mine = [one for one in archives_in(folder) if one.manifest.stack == session.name]
    old = [one.path for one in mine[: -session.options.keep]]
    for path in old:
        path.unlink(missing_ok=True)
    return [str(path) for path in old]


def _report(session: Session, path: Path, manifest: Manifest, removed: list[str]) -> None:
    size, content, printer = path.stat().st_size, manifest.content, session.printer
    share = f", {100 * size / content:.0f} % of {content / MEGA:.1f} MB" if content else ""
    printer.line("written", f"{path}: {size / MEGA:.1f} MB{share}, {session.seconds:.1f} s")
    for one in removed:
        printer.line("removed", one)
    printer.line("prove", f"monitoring-stack backup verify {path}")
    told = {"file": str(path), "size": size, "seconds": round(session.seconds, 3), "removed": removed}
    printer.document({"ok": True, **to_builtins(manifest), **told})
