"""The page about the interface: its files come from here alone, are held to digests, and work below any path."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterator
from urllib.parse import urljoin

import pytest
from fastapi.testclient import TestClient

from stack.app.assembly import open_context
from stack.app.http import docs
from stack.app.http.app import create_app
from stack.app.http.problems import MEDIA_TYPE
from stack.app.settings import AppSettings

BELOW = "https://ops.example.com/mon/app/docs"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    context = open_context(AppSettings(data=tmp_path_factory.mktemp("data")))
    with TestClient(create_app(context), base_url="http://app/") as client:
        yield client


def test_nothing_on_the_page_is_of_another_host(client: TestClient) -> None:
    page = client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(links) == 4
    for link in links:
        assert urljoin(BELOW, link).startswith("https://ops.example.com/mon/app/docs/"), link
    assert "<script>" not in page.text, "the policy lets none run"


def test_each_file_is_what_the_page_says(client: TestClient) -> None:
    found = re.findall(r'(?:src|href)="([^"]+)" integrity="sha384-([^"]+)"', client.get("/docs").text)
    assert {link.partition("?")[0] for link, _ in found} == {
        "docs/swagger-ui.css",
        "docs/swagger-ui-bundle.js",
        "docs/start.js",
    }
    for link, digest in found:
        answer = client.get(f"/{link}")
        assert answer.status_code == 200 and "immutable" in answer.headers["cache-control"]
        assert b64encode(hashlib.sha384(answer.content).digest()).decode() == digest
        assert "javascript" in answer.headers["content-type"] or "css" in answer.headers["content-type"]


def test_the_interface_is_asked_where_the_page_lies(client: TestClient) -> None:
    assert 'url: "openapi.json"' in client.get("/docs/start.js").text
    document = client.get(urljoin("/docs", "openapi.json")).json()
    (server,) = document["servers"]
    assert urljoin(urljoin(BELOW, "openapi.json"), server["url"]) == "https://ops.example.com/mon/app/"


def test_other_files_are_not_there(client: TestClient) -> None:
    for path in ("/docs/redoc.standalone.js", "/docs/..%2Fcore.py", "/docs/"):
        answer = client.get(path)
        assert answer.status_code == 404 and answer.headers["content-type"] == MEDIA_TYPE


def test_a_package_that_is_not_there_is_named(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docs, "PACKAGE", "no_such_package")
    docs._content.cache_clear()
    answer = client.get("/docs/swagger-ui.css")
    assert answer.status_code == 503 and "no_such_package" in answer.json()["detail"]


def test_the_files_are_those_of_the_installed_package() -> None:
    docs._content.cache_clear()
    for name in (docs.SCRIPT, docs.STYLE, docs.ICON):
        assert len(docs._content(name)) > 1000
