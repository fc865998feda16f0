"""fetch-check over real connections: the address that was checked, the name for Host and TLS, each redirect checked."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme

from stack.app.gatekeeper import Gatekeeper
from stack.app.gates.policy import DEFAULT_POLICY, ToolsPolicy
from stack.app.tools.builtin import shipped_tools
from stack.app.tools.registry import ToolRegistry, ToolResult

PUBLIC, OTHER = "93.184.216.34", "8.8.8.8"
ADDRESSES = {"www.example.org": [PUBLIC], "other.example.org": [OTHER], "inside.example.org": ["10.0.0.1"]}
REDIRECTS = {
    "/hop": "https://other.example.org/end",
    "/inside": "https://inside.example.org/",
    "/loopback": "http://127.0.0.1/",
    "/loop": "/loop",
}

GATES = Gatekeeper(resolve=ADDRESSES.__getitem__)


class Site:
    """A server with TLS for ``www`` and ``other.example.org`` that notes the names it is asked by."""

    def __init__(self, authority: trustme.CA) -> None:
        site = self
        self.server_names: list[str | None] = []
        self.hosts: list[str] = []
        self.dialled: list[tuple[str, int]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.hosts.append(self.headers["Host"])
                target = REDIRECTS.get(self.path)
                self.send_response(302 if target else 200)
                if target:
                    self.send_header("Location", target)
                self.end_headers()
                self.wfile.write(b"x" * (200_000 if self.path == "/big" else 5))

            def log_message(self, format: str, *args: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("www.example.org", "other.example.org").configure_cert(context)
        context.sni_callback = lambda _, name, __: self.server_names.append(name)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)

    def dial(self, address: tuple[str, int], timeout: float) -> socket.socket:
        self.dialled.append(address)
        return socket.create_connection(("127.0.0.1", self.server.server_port), timeout)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def site(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    trusted = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(trusted))
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    made = Site(authority)
    thread = threading.Thread(target=made.server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


def fetch(site: Site, address: str, gates: Gatekeeper = GATES, **more: object) -> ToolResult:
    tools = shipped_tools(gates, dial=site.dial)
    return ToolRegistry(tools, ToolsPolicy(), None).dispatch("fetch-check", {"url": address, **more})


def result(done: ToolResult) -> Mapping[str, Any]:
    assert done.status == "success", done.error
    assert done.result is not None
    return done.result


def test_it_fetches_from_the_checked_address_under_the_name(site: Site) -> None:
    looked_up: list[str] = []

    def resolve(host: str) -> Sequence[str]:
        looked_up.append(host)
        return ADDRESSES[host]

    found = result(fetch(site, "https://www.example.org/a", Gatekeeper(resolve=resolve)))
    assert found == {
        "allowed": True,
        "url": "https://www.example.org/a",
        "host": "www.example.org",
        "port": 443,
        "addresses": [PUBLIC],
        "address": PUBLIC,
        "status": 200,
        "bytes": 5,
        "truncated": False,
        "hops": ["https://www.example.org/a"],
    }
    assert (site.dialled, site.server_names, site.hosts) == (
        [(PUBLIC, 443)],
        ["www.example.org"],
        ["www.example.org"],
    )
    assert looked_up == ["www.example.org"]


def test_a_redirect_is_checked_and_fetched_from_its_own_address(site: Site) -> None:
    found = result(fetch(site, "https://www.example.org/hop"))
    assert (found["url"], found["address"]) == ("https://other.example.org/end", OTHER)
    assert found["hops"] == ["https://www.example.org/hop", "https://other.example.org/end"]
    assert site.dialled == [(PUBLIC, 443), (OTHER, 443)]


@pytest.mark.parametrize("path", ["/inside", "/loopback"])
def test_a_redirect_into_a_private_network_is_refused(site: Site, path: str) -> None:
    found = result(fetch(site, f"https://www.example.org{path}"))
    assert (found["allowed"], found["error_code"]) == (False, "E_PRIVATE_NET")
    assert site.dialled == [(PUBLIC, 443)]


def test_a_private_address_is_never_dialled(site: Site) -> None:
    for address in ("https://inside.example.org/", "https://127.0.0.1/", "https://[::1]/"):
        assert result(fetch(site, address))["error_code"] == "E_PRIVATE_NET"
    assert site.dialled == []


def test_a_certificate_for_another_name_fails(site: Site) -> None:
    done = fetch(site, f"https://{PUBLIC}/")
    assert done.status == "failure" and "CERTIFICATE_VERIFY_FAILED" in (done.error or "")
    assert site.hosts == []


def test_a_final_dot_is_not_part_of_the_certificate_s_name(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ADDRESSES, "www.example.org.", [PUBLIC])
    assert result(fetch(site, "https://www.example.org./"))["status"] == 200
    assert (site.server_names, site.hosts) == (["www.example.org"], ["www.example.org."])


def test_size_and_redirects_are_bounded(site: Site) -> None:
    policy = replace(DEFAULT_POLICY, url=replace(DEFAULT_POLICY.url, max_body_bytes=1000, max_redirects=2))
    gates = GATES.with_policy(policy)
    found = result(fetch(site, "https://www.example.org/big", gates))
    assert (found["bytes"], found["truncated"]) == (1000, True)
    done = fetch(site, "https://www.example.org/loop", gates)
    assert done.status == "failure" and "more than 2 redirects" in (done.error or "")


def test_only_the_decision(site: Site) -> None:
    found = result(fetch(site, "https://www.example.org/a", fetch=False))
    assert found["addresses"] == [PUBLIC] and "status" not in found
    assert site.dialled == []


def test_a_site_that_is_down_is_a_failure(site: Site) -> None:
    def dial(address: tuple[str, int], timeout: float) -> socket.socket:
        raise ConnectionRefusedError(111, "Connection refused")

    tools = shipped_tools(GATES, dial=dial)
    done = ToolRegistry(tools, ToolsPolicy(), None).dispatch(
        "fetch-check", {"url": "https://www.example.org/"}
    )
    assert done.status == "failure" and "cannot connect" in (done.error or "")
