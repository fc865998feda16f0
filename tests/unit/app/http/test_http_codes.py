"""Every error code of every gate can be met through the HTTP interface, and comes from the gate it belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from stack.app.assembly import open_context
from stack.app.http.app import create_app
from stack.app.load import inputs
from stack.app.load.archives import TIGHT, hostile, zipped
from stack.app.settings import AppSettings
from stack.telemetry.catalogue import ERROR_CODES

POLICY = f"""archive:
  max_entries: {TIGHT.max_entries}
  max_file_bytes: {TIGHT.max_file_bytes}
  max_total_bytes: {TIGHT.max_total_bytes}
  max_ratio: {TIGHT.max_ratio:g}
  max_entry_ratio: {TIGHT.max_entry_ratio:g}
  ratio_floor_bytes: {TIGHT.ratio_floor_bytes}
"""
STORE_FAULTS = {
    "E_STORAGE_PUT": "storage-put",
    "E_STORAGE_MOVE": "storage-move",
    "E_STORAGE_MARKER": "storage-marker",
    "E_DB_TX": "no-transaction",
    "E_DB_MIGRATION": "old-migration",
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("codes")
    policy = folder / "policy.yaml"
    policy.write_text(POLICY)
    context = open_context(AppSettings(data=folder / "data", policy_file=policy, faults=True))
    context.gates = context.gates.with_resolver(inputs.resolve)
    with TestClient(create_app(context)) as client:
        yield client


def asked(client: TestClient, code: str) -> list[dict[str, Any]]:
    if code in inputs.URLS:
        return [client.post("/gates/url", json={"url": url}).json() for url in inputs.URLS[code]]
    if code in inputs.PATHS:
        bodies = [{"path": path, "siblings": siblings} for path, siblings in inputs.PATHS[code]]
        return [client.post("/gates/path", json=body).json() for body in bodies]
    if code in inputs.CONFIGS:
        return [client.post("/gates/config", json={"document": text}).json() for text in inputs.CONFIGS[code]]
    if code in STORE_FAULTS:
        client.post(f"/faults/{STORE_FAULTS[code]}", json={"state": "on"})
        answer = client.post("/ingest", files={"file": ("a.zip", zipped({"a.txt": b"a"}))}).json()
        client.post(f"/faults/{STORE_FAULTS[code]}", json={"state": "off"})
        return [answer]
    if code == "E_LATEST_MISMATCH":
        body = {"payload": {}, "expected_latest": "never-written"}
        return [client.post("/memory/session_context", json=body).json()]
    upload = {"file": ("a.bin", hostile()[code])}
    return [client.post("/gates/archive", files=upload).json(), client.post("/ingest", files=upload).json()]


@pytest.mark.parametrize(
    ("gate", "code"), [(gate, code) for gate, codes in ERROR_CODES.items() for code in codes]
)
def test_a_code_is_reachable(client: TestClient, gate: str, code: str) -> None:
    answers = asked(client, code)
    assert answers
    assert [(answer["gate"], answer["error_code"]) for answer in answers] == [(gate, code)] * len(answers)


def test_all_ordinary_inputs_are_accepted(client: TestClient) -> None:
    answers = [*asked(client, "url"), *asked(client, "path"), *asked(client, "config")]
    assert [answer["outcome"] for answer in answers] == ["ok"] * len(answers)
