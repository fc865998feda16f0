"""public_url with a path: who gets a new container, who is asked about it, and what commands say."""

from __future__ import annotations

import pytest

from stack.common.errors import SettingsError
from tests.scenarios.commands import Client

ABOUT_IT = {"prometheus.address", "prometheus.public", "alertmanager.address", "app.address"}


def test_it_is_told_asked_and_shown(client: Client) -> None:
    assert client("start") == 0
    assert client.products.asked[-1].public == ()
    before = client.ids()
    client.settings('public_url = "https://ops.example.com/mon"\n')
    code, said = client.run("start")
    (document,) = said.documents
    assert code == 0
    changed = {component for component, made in client.ids().items() if before[component] != made}
    assert changed == {"prometheus", "alertmanager", "app"}
    expected = {c: f"https://ops.example.com/mon/{c}" for c in ("prometheus", "alertmanager", "app")}
    assert document["public_addresses"] == expected
    assert document["addresses"]["prometheus"] == "http://127.0.0.1:9090", "where it is asked"
    assert dict(client.products.asked[-1].public) == expected
    found = {one["check"] for one in document["report"]["findings"]}
    assert found >= ABOUT_IT
    assert client.plan() == []


def test_without_it_nobody_is_asked_about_it(client: Client) -> None:
    (document,) = client.run("start")[1].documents
    assert document["public_addresses"] == {}
    assert not {one["check"] for one in document["report"]["findings"]} & ABOUT_IT


def test_what_cannot_work_is_refused_before_anything(client: Client) -> None:
    client.settings('public_url = "https://ops.example.com:8443"\n')
    with pytest.raises(SettingsError, match="each product has a port of its own") as error:
        client("start")
    assert "https://ops.example.com:8443/{component}" in error.value.hint
    assert not client.observed.containers
