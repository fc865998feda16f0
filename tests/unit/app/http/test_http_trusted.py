"""Who may ask: local names and addresses, what the setting allows, and no page of another site."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from starlette.responses import Response

from stack.app.http.middleware.trusted import Trusted


def ask(method: str, allowed: tuple[str, ...] = (), /, **headers: str) -> int:
    app = Trusted(Response("ok"), allowed)
    sent = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]

    async def asked() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
            return await client.request(method, "/", headers=sent)

    return asyncio.run(asked()).status_code


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1:8000",
        "[::1]:8000",
        "10.1.2.3:30080",
        "localhost:8000",
        "LOCALHOST",
        "localhost.",
        "app:8000",
        "monitoring-app",
        "app.localhost",
        "app.monitoring.svc:8000",
        "app.monitoring.svc.cluster.local",
        "host.docker.internal:8000",
    ],
)
def test_local_names_and_addresses_are_ours(host: str) -> None:
    assert ask("POST", Host=host) == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example:8000",
        "app.evil.example",
        "127.0.0.1@evil.example",
        "evil.example#.localhost",
        "",
        ":8000",
        "[::1",
        "evil.example@localhost",
        "localhost:evil",
        "localhost/evil",
        "caf\xe9",
    ],
)
def test_other_names_are_not(host: str) -> None:
    assert ask("GET", Host=host) == 400


def test_names_can_be_allowed() -> None:
    allowed = ("App.Example.com", "*.internal.example.org")
    for host in (
        "app.example.com",
        "APP.example.com:443",
        "a.internal.example.org",
        "b.a.internal.example.org",
    ):
        assert ask("GET", allowed, Host=host) == 200
    for host in ("x.app.example.com", "internal.example.org", "xinternal.example.org"):
        assert ask("GET", allowed, Host=host) == 400
    assert ask("GET", ("*",), Host="anything.example") == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Sec_Fetch_Site": "same-origin"}, 200),
        ({"Sec_Fetch_Site": "none"}, 200),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "same-site"}, 403),
        ({"Origin": "http://localhost:8000"}, 200),
        ({"Origin": "http://localhost:9090"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://evil.example", "Sec_Fetch_Site": "same-origin"}, 200),
    ],
)
def test_what_changes_something_comes_from_our_own_pages(headers: dict[str, str], status: int) -> None:
    for method in ("POST", "PUT", "DELETE"):
        assert ask(method, (), Host="localhost:8000", **headers) == status
    for method in ("GET", "HEAD"):
        assert ask(method, (), Host="localhost:8000", **headers) == 200
