"""The steps of an ingest, in their order, and what makes them all or nothing.

Gates first, in a work folder that no one else sees. Then, one ingest at a time: intent, objects, intent with the
packet, packet, end. A store that goes away after the objects are stored leaves the intent; it is finished as soon as
the store is back, before any other ingest. One process only: the folder belongs to it.
"""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock
from typing import BinaryIO, Final
from urllib.parse import quote
from uuid import uuid4

from stack.app.cancel import ARCHIVES, check_cancelled
from stack.app.gatekeeper import Gatekeeper
from stack.app.gates.extraction import Extraction
from stack.app.gates.types import Rejected
from stack.app.gates.url import Resolver
from stack.app.ingest.intents import Intent, IntentLog
from stack.app.ingest.objects import Objects
from stack.app.memory.answers import PacketRefused, StoreUnavailable
from stack.app.memory.packet import Packet, new_packet
from stack.app.memory.store import PacketStore

SEGMENT: Final = "project_history"
PACKET_TYPE: Final = "document_ingest"
DIRECT_HOST: Final = "upload.example.com"
"""Provenance of what was uploaded rather than fetched; nobody connects to it, so its address is a constant."""
DIRECT_ADDRESS: Final = "93.184.215.14"
RESERVE_BYTES: Final = 64 << 20
"""What must be free before an archive is taken: audits and packets go on when archives no longer do."""
STEPS: Final = ("received", "accepted", "extracted", "intended", "stored", "ready", "committed", "ended")
_LOG = logging.getLogger("stack.app.ingest")


class KeyInUse(Exception):
    """An ingest with the same key is under way."""


class KeyReused(Exception):
    """The key belongs to an ingest of something else."""


@dataclass(frozen=True, slots=True)
class IngestedEntry:
    """One file: its path in the archive, its digest in the content store, its size in bytes."""

    path: str
    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class Ingested:
    """A finished ingest. ``digest`` is that of the manifest, an object that lists all entries."""

    ingest_id: str
    source_url: str
    digest: str
    entries: tuple[IngestedEntry, ...]
    total_bytes: int


class Ingestor:
    """Takes archives. ``step`` is told of each of ``STEPS`` once it is behind (tests end the process there)."""

    def __init__(
        self,
        root: Path,
        gates: Gatekeeper,
        objects: Objects,
        store: PacketStore,
        document: str,
        *,
        step: Callable[[str], object] = str,
    ) -> None:
        self._work = root / "work"
        self._intents = IntentLog(root / "intents")
        self._gates = gates
        self._objects = objects
        self._store = store
        self._document = document
        self._step = step
        self._one_at_a_time = Lock()

    def take(
        self,
        source: BinaryIO,
        name: str,
        source_url: str | None = None,
        *,
        resolve: Resolver | None = None,
        ttl: float | None = None,
        key: str | None = None,
    ) -> Ingested:
        """Ingests one archive; ``ttl`` seconds limit the life of its packet. ``resolve`` looks up the
        source's name. With a ``key`` it is done once.

        Raises Rejected by any gate, with nothing kept; StoreUnavailable, when it may be finished later; KeyInUse,
        KeyReused; Cancelled, when nobody waits for it any more, with nothing kept.
        """
        ingest_id = uuid4().hex if key is None else hashlib.sha256(key.encode()).hexdigest()[:32]
        with self._workspace(ingest_id) as folder:
            if shutil.disk_usage(folder).free < RESERVE_BYTES:
                raise OSError(errno.ENOSPC, "the rest of the disk is kept for journal and packet store")
            archive = folder / "archive"
            with archive.open("wb") as copy:
                shutil.copyfileobj(source, copy, 1 << 20)
            self._step("received")
            fingerprint = "" if key is None else f"{_digest(archive)} {source_url or ''}".rstrip()
            known = None if key is None else self._done(ingest_id, fingerprint)
            if known is not None:
                return known
            url = self._accepted_source(name, source_url, resolve)
            self._step("accepted")
            tree = folder / "tree"
            with ARCHIVES.held():
                extraction = self._gates.extract(archive, tree).value
            self._step("extracted")
            done = _manifest(ingest_id, url, tree, extraction, folder / "manifest")
            check_cancelled()
            self._commit(done, tree, folder / "manifest", _packet(done, ttl, fingerprint))
        self._step("ended")
        return done

    def _done(self, ingest_id: str, fingerprint: str) -> Ingested | None:
        """What an earlier request with the same key has done, also one whose answer was never heard."""
        self.settle()
        packet = self._store.find(ingest_id)
        if packet is None:
            return None
        if packet.payload.get("archive") != fingerprint:
            raise KeyReused("this Idempotency-Key belongs to another archive or source: use a new one")
        manifest = json.loads(self._objects.read(packet.payload["manifest"]))
        return Ingested(
            ingest_id,
            manifest["source_url"],
            packet.payload["manifest"],
            tuple(IngestedEntry(**entry) for entry in manifest["entries"]),
            packet.payload["total_bytes"],
        )

    def settle(self) -> None:
        """Finishes or undoes what an earlier process, or an absent store, left. Raises StoreUnavailable, Rejected."""
        with self._one_at_a_time:
            self._settle()

    def settle_waiting(self) -> None:
        """For whoever sees that the store is back: settles if an ingest waits for it. Raises StoreUnavailable."""
        if self.waiting():
            self._settle_or_tell(Rejected)

    def recover(self) -> None:
        """To be called once at the start, before anything is taken: like ``settle``, but a store may still be down."""
        shutil.rmtree(self._work, ignore_errors=True)
        self._intents.sweep()
        self._settle_or_tell(StoreUnavailable, Rejected)

    def waiting(self) -> int:
        """Ingests whose packet waits for the packet store."""
        return sum(intent.ready for intent in self._intents.all())

    def corrupt(self) -> int:
        """Intents that could not be read and were moved aside."""
        return self._intents.corrupt()

    @contextmanager
    def _workspace(self, ingest_id: str) -> Iterator[Path]:
        folder = self._work / ingest_id
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            raise KeyInUse("a request with this Idempotency-Key is under way: wait for it") from None
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _accepted_source(self, name: str, source_url: str | None, resolve: Resolver | None) -> str:
        self._gates.check_config(self._document)
        path = self._gates.check_path(name).value
        if source_url is not None:
            return self._gates.check_url(source_url, resolve).value.url
        direct = f"https://{DIRECT_HOST}/{quote(path)}"
        return self._gates.check_url(direct, lambda _: (DIRECT_ADDRESS,)).value.url

    def _commit(self, done: Ingested, tree: Path, manifest: Path, packet: Packet) -> None:
        files = {entry.digest: tree / entry.path for entry in done.entries} | {done.digest: manifest}
        with self._one_at_a_time:
            self._settle()
            intent = Intent(
                done.ingest_id, tuple(digest for digest in files if not self._objects.has(digest))
            )
            try:
                intent = self._stored(intent, files, packet)
                self._store.write(packet)
            except StoreUnavailable:
                raise
            except BaseException:
                self._undo(intent)
                raise
            self._step("committed")
            self._intents.remove(intent)

    def _stored(self, intent: Intent, files: dict[str, Path], packet: Packet) -> Intent:
        self._intents.write(intent)
        self._step("intended")
        self._objects.put_all(files.values())
        self._step("stored")
        ready = intent.with_packet(packet)
        self._intents.write(ready)
        self._step("ready")
        return ready

    def _settle_or_tell(self, *of: type[Exception]) -> None:
        try:
            self.settle()
        except of as problem:
            _LOG.warning("ingest: an archive waits for the packet store: %s", problem)

    def _settle(self) -> None:
        for intent in self._intents.all():
            if not intent.ready:
                self._undo(intent)
                continue
            try:
                self._store.write(Packet.from_json(intent.packet))
                self._intents.remove(intent)
            except PacketRefused as problem:
                _LOG.error("ingest: an archive that waited is given up: %s", problem)
                self._undo(intent)

    def _undo(self, intent: Intent) -> None:
        self._intents.revoke(intent)
        for digest in intent.new:
            self._objects.remove(digest)
        self._intents.remove(intent)


def _manifest(ingest_id: str, url: str, tree: Path, extraction: Extraction, into: Path) -> Ingested:
    entries = tuple(
        IngestedEntry(entry.path, _digest(tree / entry.path), entry.size) for entry in extraction.entries
    )
    content = {"source_url": url, "entries": [asdict(entry) for entry in entries]}
    into.write_text(json.dumps(content), encoding="utf-8")
    return Ingested(ingest_id, url, _digest(into), entries, extraction.total_bytes)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _packet(done: Ingested, ttl: float | None, fingerprint: str) -> Packet:
    payload = {
        "ingest_id": done.ingest_id,
        "source_url": done.source_url[:2000],
        "manifest": done.digest,
        "entries": len(done.entries),
        "total_bytes": done.total_bytes,
    }
    if fingerprint:
        payload["archive"] = fingerprint
    return new_packet(SEGMENT, PACKET_TYPE, payload, tags=("ingest",), ttl=ttl, packet_id=done.ingest_id)
