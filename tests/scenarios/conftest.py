"""One checkout and one engine in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scenarios.commands import Client, Products, machine


@pytest.fixture
def products(monkeypatch: pytest.MonkeyPatch) -> Products:
    """An engine in memory and what the products on it answer."""
    return machine(monkeypatch)


@pytest.fixture
def client(products: Products, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Client:
    """A checkout."""
    return Client(products.engine, tmp_path, monkeypatch, products)


@pytest.fixture
def out(client: Client, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for an export, which asks no engine."""

    def unasked(*words: object, **more: object) -> None:
        raise AssertionError("an export asks no engine")

    monkeypatch.setattr("stack.engine.docker.connect", unasked)
    return client.home / "out"
