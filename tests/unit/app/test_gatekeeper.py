"""The gatekeeper: the gates' own decisions, each counted once under its own gate and code; all 26 codes reached."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import pytest

from stack.app.faults import Faults
from stack.app.gatekeeper import Gatekeeper, check_write
from stack.app.gates.policy import DEFAULT_POLICY
from stack.app.gates.storage import ContentStore, Disk
from stack.telemetry import registry
from stack.telemetry.catalogue import ERROR_CODES
from tests.unit.app.gates.gate_support import NOISE, answers, code_of, make_zip, save, zip_record

P = DEFAULT_POLICY
GATES = Gatekeeper(P, Faults(), answers(void_com=[]))


@dataclass
class Connection:
    """A packet store's connection in a given state."""

    open_transaction: bool = True
    schema: int = 1

    def in_transaction(self) -> bool:
        return self.open_transaction

    def migration(self) -> int:
        return self.schema

    def latest(self, segment: str) -> str | None:
        return "p1"


class FullDisk(Disk):
    """Refuses the n-th rename, or every sync when n is 0."""

    def __init__(self, at: int) -> None:
        super().__init__(durable=False)
        self.at = at

    def sync(self, file: BinaryIO) -> None:
        if self.at == 0:
            raise OSError(28, "No space left on device")

    def rename(self, source: Path, target: Path) -> None:
        self.at -= 1
        if self.at == 0:
            raise OSError(28, "No space left on device")
        super().rename(source, target)


def url(text: str) -> str:
    return code_of(GATES.check_url, text)


def path(text: str, *siblings: str) -> str:
    return code_of(GATES.check_path, text, None, siblings)


def archive(folder: Path, data: bytes | bytearray, **limits: int) -> str:
    gates = GATES.with_policy(replace(P, archive=replace(P.archive, **limits)))
    return code_of(gates.extract, save(folder, data), folder / "out")


def put(folder: Path, at: int) -> str:
    return code_of(GATES.put, ContentStore(folder, P.storage, FullDisk(at)), io.BytesIO(b"x"))


def write(connection: Connection, latest: str) -> str:
    return code_of(check_write, connection, "tool_audit", 1, latest)


def link() -> bytearray:
    info = zipfile.ZipInfo("link")
    info.external_attr = 0o120777 << 16
    return make_zip([(info, b"/etc/passwd")])


def lying() -> bytearray:
    data = make_zip([("a", b"hello")])
    struct.pack_into("<L", data, zip_record(data) + 24, 3)
    return data


CASES: dict[str, Callable[[Path], str]] = {
    "E_CONFIG_INVALID": lambda _: code_of(GATES.check_config, "["),
    "E_CONFIG_VALIDATION": lambda _: code_of(GATES.check_config, "urls: {}"),
    "E_SCHEME": lambda _: url("ftp://example.com/"),
    "E_USERINFO": lambda _: url("http://u:p@example.com/"),
    "E_HOST_DENY": lambda _: url("http://localhost/"),
    "E_PORT_DENY": lambda _: url("http://example.com:22/"),
    "E_DNS_FAIL": lambda _: url("http://void.com/"),
    "E_PRIVATE_NET": lambda _: url("http://10.0.0.1/"),
    "E_TRAVERSAL": lambda _: path("../x"),
    "E_CASEFOLD_COLLISION": lambda _: path("a", "A"),
    "E_DEPTH": lambda _: path("/".join("a" * 40)),
    "E_SEGMENT_LEN": lambda _: path("x" * 256),
    "E_PATH_LEN": lambda _: path("/".join(["y" * 200] * 6)),
    "E_PORTABILITY": lambda _: path("NUL"),
    "E_SPECIAL_TYPE": lambda folder: archive(folder, link()),
    "E_BOMB_RATIO": lambda folder: archive(folder, make_zip([("z", bytes(1_000_000))])),
    "E_ENTRY_RATIO": lambda folder: archive(folder, make_zip([("z", bytes(1_000_000)), ("n", NOISE)])),
    "E_FILE_SIZE": lambda folder: archive(folder, make_zip([("n", NOISE)]), max_file_bytes=1000),
    "E_FILE_SIZE_STREAM": lambda folder: archive(folder, lying()),
    "E_ENTRY_BUDGET": lambda folder: archive(folder, make_zip([("a", b""), ("b", b"")]), max_entries=1),
    "E_STORAGE_PUT": lambda folder: put(folder, 0),
    "E_STORAGE_MOVE": lambda folder: put(folder, 1),
    "E_STORAGE_MARKER": lambda folder: put(folder, 2),
    "E_DB_TX": lambda _: write(Connection(open_transaction=False), "p1"),
    "E_DB_MIGRATION": lambda _: write(Connection(schema=2), "p1"),
    "E_LATEST_MISMATCH": lambda _: write(Connection(), "p0"),
}


def count(**labels: str) -> float:
    name = "gate_errors_total" if "error_code" in labels else "gate_invocations_total"
    metrics = registry()
    assert metrics is not None
    return metrics.get_sample_value(name, labels) or 0.0


def test_the_cases_are_the_catalogue() -> None:
    assert set(CASES) == {code for codes in ERROR_CODES.values() for code in codes}


@pytest.mark.parametrize(
    ("gate", "code"), [(gate, code) for gate, codes in ERROR_CODES.items() for code in codes]
)
def test_each_code_is_reached_and_counted_once(gate: str, code: str, tmp_path: Path) -> None:
    before = count(gate=gate, error_code=code), count(gate=gate, outcome="reject")
    assert CASES[code](tmp_path) == code
    assert (count(gate=gate, error_code=code), count(gate=gate, outcome="reject")) == (
        before[0] + 1,
        before[1] + 1,
    )


def test_acceptances_are_counted(tmp_path: Path) -> None:
    before = {gate: count(gate=gate, outcome="ok") for gate in ERROR_CODES}
    assert code_of(GATES.check_config, "{}") == "ok"
    assert (url("http://example.com/"), path("a/b")) == ("ok", "ok")
    assert archive(tmp_path, make_zip([("a", b"1")])) == "ok"
    assert code_of(GATES.put, ContentStore(tmp_path, P.storage), io.BytesIO(b"x")) == "ok"
    assert write(Connection(), "p1") == "ok"
    after = {gate: count(gate=gate, outcome="ok") - before[gate] for gate in ERROR_CODES}
    assert after == dict.fromkeys(ERROR_CODES, 1.0) | {"filesystem_gate": 2.0}


def test_a_bad_name_in_an_archive_counts_for_filesystem_gate(tmp_path: Path) -> None:
    before = (
        count(gate="filesystem_gate", error_code="E_TRAVERSAL"),
        count(gate="extraction_gate", outcome="reject"),
    )
    assert archive(tmp_path, make_zip([("../x", b"1")])) == "E_TRAVERSAL"
    assert count(gate="filesystem_gate", error_code="E_TRAVERSAL") == before[0] + 1
    assert count(gate="extraction_gate", outcome="reject") == before[1]


def test_a_fault_acts_inside_the_measurement() -> None:
    faults = Faults(enabled=True)
    faults.switch("reject-all", True)
    faults.switch("slow-gate", True)
    gates = Gatekeeper(P, faults)
    before = count(gate="url_gate", error_code="E_HOST_DENY")
    assert code_of(gates.check_url, "https://example.com/") == "E_HOST_DENY"
    assert count(gate="url_gate", error_code="E_HOST_DENY") == before + 1
    metrics = registry()
    assert metrics is not None
    assert (metrics.get_sample_value("gate_current_latency_ms", {"gate": "url_gate"}) or 0) >= 30
