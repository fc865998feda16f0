"""Uploads: one file each, within a budget, outside the folder of journal and database, and gone afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

import pytest
from fastapi.testclient import TestClient

from stack.app.assembly import open_context
from stack.app.context import AppContext
from stack.app.http import uploads
from stack.app.http.app import create_app
from stack.app.settings import AppSettings, CannotStart
from tests.unit.app.http.test_http_routes import zipped

KIND = {"Content-Type": "multipart/form-data; boundary=x"}
ROOM = 100_000
ARCHIVE = zipped({"a.txt": b"hello"})


def part(name: str, content: bytes, filename: str | None = None) -> bytes:
    shown = "" if filename is None else f'; filename="{filename}"'
    return f'--x\r\nContent-Disposition: form-data; name="{name}"{shown}\r\n\r\n'.encode() + content + b"\r\n"


def chunks(content: bytes) -> Iterator[bytes]:
    """Sent without a declared length."""
    for start in range(0, len(content), 10_000):
        yield content[start : start + 10_000]


@pytest.fixture
def context(tmp_path: Path) -> AppContext:
    settings = AppSettings(data=tmp_path / "data", spool=tmp_path / "spool", max_spool=ROOM, max_upload=ROOM)
    return open_context(settings)


@pytest.fixture
def client(context: AppContext) -> Iterator[TestClient]:
    with TestClient(create_app(context)) as client:
        yield client


@pytest.fixture
def spooled(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes the spool's files were given, file by file."""
    found: list[int] = []

    class Counting:
        def __init__(self, **options: object) -> None:
            self._file: IO[bytes] = NamedTemporaryFile(**options)  # type: ignore[call-overload]  # noqa: SIM115
            found.append(0)

        def write(self, data: bytes) -> int:
            found[-1] += len(data)
            return int(self._file.write(data))

        def __getattr__(self, name: str) -> object:
            return getattr(self._file, name)

    monkeypatch.setattr(uploads, "NamedTemporaryFile", Counting)
    return found


def test_an_upload_is_spooled_outside_the_data_and_leaves_nothing(
    client: TestClient, context: AppContext, spooled: list[int]
) -> None:
    assert context.settings.data not in context.spool.parents
    for content in (part("file", ARCHIVE, "a.zip") + b"--x--\r\n",):
        for body in (content, chunks(content)):
            answer = client.post("/gates/archive", content=body, headers=KIND)
            assert answer.json()["outcome"] == "ok"
    assert spooled == [len(ARCHIVE)] * 2
    assert list(context.spool.iterdir()) == list(context.scratch.iterdir()) == []


def test_what_is_declared_too_large_is_refused_unread(client: TestClient, spooled: list[int]) -> None:
    body = part("file", b"x" * ROOM, "a.zip") + b"--x--\r\n"
    assert client.post("/gates/archive", content=body, headers=KIND).status_code == 413
    assert spooled == []


def test_what_grows_too_large_ends_at_the_limit(
    client: TestClient, context: AppContext, spooled: list[int]
) -> None:
    body = part("file", b"x" * 10 * ROOM, "a.zip") + b"--x--\r\n"
    assert client.post("/gates/archive", content=chunks(body), headers=KIND).status_code == 413
    assert sum(spooled) <= ROOM
    assert list(context.spool.iterdir()) == []


def test_uploads_share_their_room_and_give_it_back(client: TestClient) -> None:
    spool = client.app.state.spool  # type: ignore[attr-defined]  # TestClient calls it any ASGI application
    spool.take(ROOM - 100)
    body = part("file", zipped({"a.txt": b"x" * 1000}), "a.zip") + b"--x--\r\n"
    for sent in (body, chunks(body)):
        refused = client.post("/gates/archive", content=sent, headers=KIND)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    spool.take(-(ROOM - 100))
    for path in ("/gates/archive", "/ingest"):
        for _ in range(ROOM // len(body) + 2):
            assert client.post(path, content=body, headers=KIND).status_code in (200, 201)


@pytest.mark.parametrize("path", ["/gates/archive", "/ingest"])
@pytest.mark.parametrize(
    "kind", [{}, {"Content-Type": "text/plain"}, {"Content-Type": "multipart/mixed; boundary=x"}]
)
def test_what_is_not_spooled_has_the_limit_of_what_is_kept_in_memory(
    tmp_path: Path, path: str, kind: dict[str, str]
) -> None:
    settings = AppSettings(data=tmp_path / "data", max_body=1024, max_upload=ROOM)
    with TestClient(create_app(open_context(settings))) as client:
        for sent in (b"x" * 1025, chunks(b"x" * 20_000)):
            assert client.post(path, content=sent, headers=kind).status_code == 413
        assert client.post(path, content=b"x" * 1024, headers=kind).status_code == 422


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (part("file", b"a", "a") + part("file", b"b", "b"), "more than one file"),
        (part("source_url", b"x" * 70_000) + part("file", b"a", "a"), "field of the form is larger"),
        (b"".join(part(f"f{number}", b"") for number in range(9)), "more than 8 parts"),
        (b"--x\r\nContent-Type: a/b\r\n\r\nx\r\n", "has no name"),
        (b"--y\r\n\r\n", "no multipart form"),
    ],
)
def test_what_is_no_form_of_ours_is_refused(
    client: TestClient, context: AppContext, body: bytes, told: str
) -> None:
    answer = client.post("/ingest", content=body + b"--x--\r\n", headers=KIND)
    assert answer.status_code == 400
    assert told in answer.json()["detail"]
    assert list(context.spool.iterdir()) == []


def test_a_form_of_another_kind_has_no_file(client: TestClient) -> None:
    answer = client.post("/ingest", data={"file": "x", "source_url": "y"})
    assert answer.status_code == 422


def test_what_an_earlier_process_left_is_removed(tmp_path: Path) -> None:
    settings = AppSettings(data=tmp_path / "data", spool=tmp_path / "spool")
    first = open_context(settings)
    (first.spool / "upload-left").touch()
    first.audit.close(0)
    first.notices.close(0)
    second = open_context(settings)
    assert second.spool == first.spool
    assert list(second.spool.iterdir()) == []
    second.close()
    assert not second.spool.exists()


def test_a_spool_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotStart, match="file"):
        open_context(AppSettings(data=tmp_path / "data", spool=tmp_path / "file"))


def test_a_body_that_cannot_be_begun_keeps_no_place(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "PLACE_SECONDS", 0.0)
    body = part("file", ARCHIVE, "a.zip") + b"--x--\r\n"
    long = {"Content-Type": f"multipart/form-data; boundary={'x' * 300}"}
    for _ in range(uploads.AT_ONCE + 1):
        refused = client.post("/gates/archive", content=body, headers=long)
        assert (refused.status_code, "boundary" in refused.json()["detail"].lower()) == (400, True)
    assert client.post("/gates/archive", content=body, headers=KIND).status_code == 200


def test_a_field_that_stands_twice_is_refused(client: TestClient) -> None:
    """One reader takes the first, another the last."""
    urls = part("source_url", b"http://127.0.0.1/") + part("source_url", b"https://93.184.215.14/")
    for body in (urls + part("file", ARCHIVE, "a.zip"), part("file", b"x") + part("file", ARCHIVE, "a.zip")):
        refused = client.post("/ingest", content=body + b"--x--\r\n", headers=KIND)
        assert (refused.status_code, "twice" in refused.json()["detail"]) == (400, True)
