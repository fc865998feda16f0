"""Ingest: six gates, then all or nothing, also when a gate refuses, a store is away, or the process dies on the way."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from stack.app.cancel import CURRENT, Cancel, Cancelled
from stack.app.faults import Faults
from stack.app.faulty_store import obstacle
from stack.app.gatekeeper import Gatekeeper
from stack.app.gates.policy import DEFAULT_POLICY
from stack.app.gates.types import Rejected
from stack.app.ingest.objects import Objects
from stack.app.ingest.pipeline import PACKET_TYPE, SEGMENT, STEPS, Ingestor, KeyInUse, KeyReused
from stack.app.memory.answers import PacketRefused, StoreUnavailable
from stack.app.memory.opening import open_store
from stack.app.memory.packet import Packet
from stack.app.memory.store import PacketStore
from stack.app.memory.substrate import Substrate
from stack.telemetry.recorders import gate_meters

FILES = {"docs/one.txt": b"first", "docs/two.txt": b"second", "again.txt": b"first"}


@dataclass
class House:
    """Everything an ingest needs, under one folder."""

    root: Path
    faults: Faults
    objects: Objects
    store: PacketStore
    ingest: Ingestor

    def kept(self) -> tuple[int, int, list[str]]:
        """Objects, packets, and files that are left in the ingest's own folders."""
        packets = [p for p in self.store.recent(SEGMENT, 100) if p.packet_type == PACKET_TYPE]
        folders = (
            self.root / "ingest" / "work",
            self.root / "ingest" / "intents",
            self.root / "content" / "staging",
        )
        left = [str(path) for folder in folders if folder.exists() for path in folder.rglob("*")]
        return self.objects.count(), len(packets), left


def house(root: Path, step: Callable[[str], object] = str) -> House:
    faults = Faults(enabled=True)
    gates = Gatekeeper(DEFAULT_POLICY, faults)
    store = open_store(root / "packets.db", obstacle=obstacle(faults))
    objects = Objects(root / "content", DEFAULT_POLICY.storage, gates, faults)
    return House(
        root, faults, objects, store, Ingestor(root / "ingest", gates, objects, store, "{}", step=step)
    )


def archive(files: dict[str, bytes] | None = None) -> io.BytesIO:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for name, content in (FILES if files is None else files).items():
            made.writestr(name, content)
    buffer.seek(0)
    return buffer


def decisions() -> dict[str, int]:
    return {name: meter.accepted for name, meter in gate_meters().items()}


def test_an_archive_passes_six_gates_and_is_kept(tmp_path: Path) -> None:
    here, before = house(tmp_path), decisions()
    done = here.ingest.take(archive(), "set one.zip")
    assert all(after > before[gate] for gate, after in decisions().items())
    assert [(entry.path, entry.size) for entry in done.entries] == [
        ("docs/one.txt", 5),
        ("docs/two.txt", 6),
        ("again.txt", 5),
    ]
    assert done.source_url == "https://upload.example.com/set%20one.zip"
    assert all(here.objects.has(entry.digest) for entry in done.entries)
    assert here.kept() == (3, 1, [])  # two contents and the manifest
    (packet,) = here.store.recent(SEGMENT, 1)
    assert (packet.packet_id, packet.payload["manifest"]) == (done.ingest_id, done.digest)


def test_the_manifest_lists_every_entry(tmp_path: Path) -> None:
    here = house(tmp_path)
    done = here.ingest.take(archive(), "a.zip")
    manifest = json.loads((tmp_path / "content" / "objects" / done.digest[:2] / done.digest).read_text())
    assert [entry["path"] for entry in manifest["entries"]] == list(FILES)


def test_the_same_archive_twice_shares_its_objects(tmp_path: Path) -> None:
    here = house(tmp_path)
    first, second = (here.ingest.take(archive(), "a.zip") for _ in range(2))
    assert first.digest == second.digest
    assert here.kept() == (3, 2, [])


def link() -> io.BytesIO:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as made:
        member = tarfile.TarInfo("link")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        made.addfile(member)
    buffer.seek(0)
    return buffer


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"name": "../a.zip"}, "E_TRAVERSAL"),
    ({"source_url": "ftp://example.com/a.zip"}, "E_SCHEME"),
    ({"source_url": "http://127.0.0.1/a.zip"}, "E_PRIVATE_NET"),
    ({"source": link}, "E_SPECIAL_TYPE"),
    ({"source": lambda: archive({"../../etc/cron.d/x": b"x"})}, "E_TRAVERSAL"),
    ({"source": lambda: io.BytesIO(b"no archive")}, "E_SPECIAL_TYPE"),
]


@pytest.mark.parametrize(
    ("given", "code"), REFUSED, ids=[f"{code}-{number}" for number, (_, code) in enumerate(REFUSED)]
)
def test_what_a_gate_refuses_leaves_nothing(tmp_path: Path, given: dict[str, Any], code: str) -> None:
    here = house(tmp_path)
    source = given.get("source", archive)()
    with pytest.raises(Rejected) as caught:
        here.ingest.take(source, given.get("name", "a.zip"), given.get("source_url"))
    assert caught.value.error_code == code
    assert here.kept() == (0, 0, [])


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("storage-put", "E_STORAGE_PUT"),
        ("storage-move", "E_STORAGE_MOVE"),
        ("storage-marker", "E_STORAGE_MARKER"),
        ("no-transaction", "E_DB_TX"),
        ("reject-all", "E_CONFIG_VALIDATION"),
    ],
)
def test_a_fault_in_a_store_leaves_what_was_there(tmp_path: Path, fault: str, code: str) -> None:
    here = house(tmp_path)
    here.ingest.take(archive({"kept.txt": b"first"}), "a.zip")
    here.faults.switch(fault, True)
    with pytest.raises(Rejected) as caught:
        here.ingest.take(archive(), "b.zip")
    assert caught.value.error_code == code
    here.faults.switch(fault, False)
    assert here.kept() == (2, 1, [])
    here.ingest.take(archive(), "b.zip")
    assert here.kept() == (4, 2, [])


@pytest.fixture
def interrupted(tmp_path: Path) -> House:
    """A house whose packet store went away when the objects of an archive were stored, and is still away."""
    here: House
    here = house(
        tmp_path, lambda step: here.faults.switch("substrate-down", True) if step == "ready" else None
    )
    with pytest.raises(StoreUnavailable):
        here.ingest.take(archive(), "a.zip")
    assert here.ingest.waiting() == 1
    return here


def test_a_store_that_goes_away_late_gets_the_packet_when_it_is_back(interrupted: House) -> None:
    with pytest.raises(StoreUnavailable):
        interrupted.ingest.take(archive(), "b.zip")
    assert interrupted.ingest.waiting() == 1
    interrupted.faults.switch("substrate-down", False)
    interrupted.ingest.settle()
    assert interrupted.kept() == (3, 1, [])


def test_an_ingest_that_waits_is_finished_by_whoever_sees_the_store_again(interrupted: House) -> None:
    with pytest.raises(StoreUnavailable):
        interrupted.ingest.settle_waiting()
    interrupted.faults.switch("substrate-down", False)
    interrupted.faults.switch("no-transaction", True)
    interrupted.ingest.settle_waiting()
    assert interrupted.ingest.waiting() == 1
    interrupted.faults.switch("no-transaction", False)
    Substrate(interrupted.store, when_healthy=interrupted.ingest.settle_waiting).round()
    assert interrupted.kept() == (3, 1, [])


def test_a_packet_that_the_store_refuses_for_good_is_given_up(
    interrupted: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(packet: Packet) -> None:
        raise PacketRefused("never")

    interrupted.faults.switch("substrate-down", False)
    monkeypatch.setattr(interrupted.store, "write", refuse)
    interrupted.ingest.recover()
    assert interrupted.kept() == (0, 0, [])


@pytest.mark.parametrize("fault", ["no-transaction", "old-migration"])
def test_a_start_that_the_boundary_refuses_waits_too(interrupted: House, fault: str) -> None:
    again = house(interrupted.root)
    again.faults.switch(fault, True)
    again.ingest.recover()
    assert again.ingest.waiting() == 1


def test_a_start_while_the_store_is_away_waits_for_it(interrupted: House) -> None:
    again = house(interrupted.root)
    again.faults.switch("substrate-down", True)
    again.ingest.recover()
    assert again.ingest.waiting() == 1
    again.faults.switch("substrate-down", False)
    again.ingest.recover()
    assert again.kept() == (3, 1, [])


CHILD = f"""
import os, signal, sys
sys.path[:0] = [{str(Path(__file__).parent)!r}]
from pathlib import Path
from test_ingest_pipeline import archive, house

def die(step):
    if step == sys.argv[2]:
        os.kill(os.getpid(), signal.SIGKILL)

here = house(Path(sys.argv[1]), die)
put, count = here.objects.put, iter(range(1, 10))
remove, gone = here.objects.remove, iter(range(1, 10))

def counted(file):
    put(file)
    die(f"put {{next(count)}}")

def removed(digest):
    remove(digest)
    die(f"remove {{next(gone)}}")

here.objects.put, here.objects.remove = counted, removed
if sys.argv[2].startswith("remove"):
    here.faults.switch("no-transaction", True)
here.ingest.take(archive(), "a.zip")
"""
FINISHED = {"ready", "committed", "ended"}


@pytest.mark.parametrize("point", [*STEPS, "put 1", "put 2", "put 3", "remove 1", "remove 2"])
def test_a_process_killed_between_two_steps_leaves_all_or_nothing(tmp_path: Path, point: str) -> None:
    house(tmp_path).ingest.take(archive({"kept.txt": b"first"}), "before.zip")
    child = subprocess.run([sys.executable, "-c", CHILD, str(tmp_path), point], check=False)
    assert child.returncode == -signal.SIGKILL
    here = house(tmp_path)
    here.ingest.recover()
    assert here.kept() == ((4, 2, []) if point in FINISHED else (2, 1, []))
    here.ingest.recover()
    here.ingest.take(archive(), "a.zip")
    assert here.kept()[0] == 4


@pytest.mark.parametrize("suffix", [".json", ".undo"])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b"{}",
        b"[" * 100_000,
        b'{"ingest_id": "x", "new": [], "packet": ""}',
        b'{"ingest_id": "../../x", "new": [], "packet": ""}',
        b'{"ingest_id": "abc", "new": 5, "packet": ""}',
        b'{"ingest_id": "abc", "new": [5], "packet": ""}',
    ],
)
def test_an_intent_that_cannot_be_read_is_named_and_moved_aside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, suffix: str, content: bytes
) -> None:
    here = house(tmp_path)
    here.ingest.take(archive(), "a.zip")
    bad = tmp_path / "ingest" / "intents" / f"abc{suffix}"
    bad.write_bytes(content)
    again = house(tmp_path)
    again.ingest.recover()
    assert str(bad) in caplog.text
    aside = bad.with_name(bad.name + ".corrupt")
    assert (bad.exists(), aside.read_bytes(), again.ingest.corrupt()) == (False, content, 1)
    again.ingest.take(archive(), "a.zip")
    assert again.kept() == (3, 2, [str(aside)])


def test_an_intent_with_a_packet_that_is_none_is_moved_aside(tmp_path: Path) -> None:
    here = house(tmp_path)
    bad = tmp_path / "ingest" / "intents" / "abc.json"
    bad.write_text('{"ingest_id": "abc", "new": [], "packet": "no packet"}')
    here.ingest.recover()
    assert here.ingest.corrupt() == 1


def test_with_a_key_an_archive_is_ingested_once(tmp_path: Path) -> None:
    here = house(tmp_path)
    first = here.ingest.take(archive(), "a.zip", key="k1")
    assert here.ingest.take(archive(), "other name.zip", key="k1") == first
    assert here.kept() == (3, 1, [])
    assert here.ingest.take(archive(), "a.zip", key="k2").ingest_id != first.ingest_id
    with pytest.raises(KeyReused):
        here.ingest.take(archive({"x": b"y"}), "a.zip", key="k1")
    with pytest.raises(KeyReused):
        here.ingest.take(archive(), "a.zip", "https://93.184.215.14/a.zip", key="k1")


def test_with_a_key_what_waited_for_the_store_is_not_done_again(tmp_path: Path) -> None:
    here = house(tmp_path)
    here.faults.switch("substrate-down", True)
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            here.ingest.take(archive(), "a.zip", key="k1")
    here.faults.switch("substrate-down", False)
    here.ingest.take(archive(), "a.zip", key="k1")
    assert here.kept() == (3, 1, [])


def test_a_key_in_use_is_told_so(tmp_path: Path) -> None:
    def again(step: str) -> None:
        if step == "extracted":
            with pytest.raises(KeyInUse):
                here.ingest.take(archive(), "a.zip", key="k1")

    here = house(tmp_path, again)
    here.ingest.take(archive(), "a.zip", key="k1")
    assert here.kept() == (3, 1, [])


def test_an_ingest_that_nobody_waits_for_keeps_nothing(tmp_path: Path) -> None:
    cancel = Cancel()
    here = house(tmp_path, lambda step: cancel.request() if step == "extracted" else None)
    token = CURRENT.set(cancel)
    try:
        with pytest.raises(Cancelled):
            here.ingest.take(archive(), "a.zip")
    finally:
        CURRENT.reset(token)
    assert here.kept() == (0, 0, [])
