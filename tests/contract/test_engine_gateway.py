"""The gateway's configuration in a real Caddy: names, another login, and requests that try to get around it."""

from __future__ import annotations

import socket
import ssl
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from typing import Any

import bcrypt
import docker
import pytest

from stack.clients.doorway import Doorway
from stack.clients.http import HttpFailure
from stack.common.wait import until
from stack.components.addresses import Address
from stack.components.gateway_config import PORT, Behind, Certificates, Guard, Told, rendered
from stack.components.gateway_users import Account
from tests.bridge import gateway
from tests.loopback import Asked, Reply, Said, handler_of, listening
from tests.unit.archives.archive_samples import file, tar_of

pytestmark = pytest.mark.engine
MOST = 2000
TOKEN = "the application's own"
USER = Account("ada", bcrypt.hashpw(b"correct horse", bcrypt.gensalt(4)).decode())
LOGIN = {"Authorization": f"Basic {b64encode(b'ada:correct horse').decode()}"}
COMPONENTS = ("grafana", "prometheus", "app")


@dataclass
class Products:
    """What stands behind: each keeps what it was asked. ``login``: what the other login answers."""

    host: str
    asked: dict[str, list[Asked]] = field(
        default_factory=lambda: {name: [] for name in (*COMPONENTS, "login")}
    )
    dials: dict[str, str] = field(default_factory=dict)
    login: Callable[[Asked], Reply] = lambda asked: (401, "")

    @contextmanager
    def running(self) -> Iterator[Products]:
        with ExitStack() as stack:
            for name in self.asked:
                server = ThreadingHTTPServer((self.host, 0), handler_of(self._found(name)))
                stack.enter_context(listening(server))
                self.dials[name] = f"{self.host}:{server.server_address[1]}"
            yield self

    def _found(self, name: str) -> Callable[[str], Callable[[Asked], Reply]]:
        answer = self._answer(name)
        return lambda _: answer

    def _answer(self, name: str) -> Callable[[Asked], Reply]:
        def answer(asked: Asked) -> Reply:
            self.asked[name].append(asked)
            if name == "login":
                return self.login(asked)
            return 200, Said(f"{name} {asked.path}", {"Via": "1.1 inside"})

        return answer


@pytest.fixture(scope="module")
def products() -> Iterator[Products]:
    with Products(gateway()).running() as made:
        yield made


@pytest.fixture(autouse=True)
def _forgotten(products: Products) -> None:
    for asked in products.asked.values():
        asked.clear()


@contextmanager
def caddy(image: str, told: Told) -> Iterator[str]:
    """HOST:PORT of the gateway while it runs."""
    told_files = tar_of(file("caddy.json", rendered(told)[0].encode()), file("token", TOKEN.encode()))
    container = docker.from_env().containers.create(
        image, ["run", "--config", "/tmp/caddy.json"], entrypoint=["/usr/bin/caddy"], user="0"
    )
    try:
        container.put_archive("/tmp", told_files)
        container.start()
        container.reload()
        (network,) = container.attrs["NetworkSettings"]["Networks"].values()
        place = f"{network['IPAddress']}:{PORT}"
        for name in told.certificates.names:
            until(lambda: ask(place, f"https://{name}/"), seconds=20, retry=(HttpFailure,))  # noqa: B023
        yield place
    except BaseException:
        print(container.logs().decode()[-3000:])
        raise
    finally:
        container.remove(force=True)


def told(products: Products, addresses: dict[str, Address], guard: Guard) -> Told:
    behind = tuple(
        Behind(
            name,
            address,
            products.dials[name],
            login=name != "grafana",
            token="/tmp/token" if name == "app" else "",
        )
        for name, address in addresses.items()
    )
    names = tuple(dict.fromkeys(address.host for address in addresses.values()))
    return Told("contract", behind, Certificates("local", names), guard, MOST)


def by_path(name: str) -> Address:
    return Address("https", "mon.test", prefix=f"/ops/{name}")


def by_name(name: str) -> Address:
    return Address("https", f"{name}.mon.test")


@pytest.fixture(scope="module")
def paths(products: Products, image_of: Callable[[str], str]) -> Iterator[str]:
    addresses = {name: by_path(name) for name in COMPONENTS}
    with caddy(image_of("gateway"), told(products, addresses, Guard((USER,)))) as place:
        yield place


@pytest.fixture(scope="module")
def names(products: Products, image_of: Callable[[str], str]) -> Iterator[str]:
    """A name for each, behind another login."""
    guard = Guard((), f"http://{products.dials['login']}/verify?rd=1", ("Remote-User", "Remote-Groups"))
    addresses = {name: by_name(name) for name in COMPONENTS}
    with caddy(image_of("gateway"), told(products, addresses, guard)) as place:
        yield place


def ask(place: str, url: str, **headers: str) -> tuple[int, str, dict[str, str]]:
    met = Doorway(place, timeout=10.0).ask(url, verified=False, headers=headers)
    return met.status, met.text, dict(met.headers)


def raw(place: str, request: bytes) -> bytes:
    """The first line of what is answered to bytes as they are."""
    host, port = place.split(":")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection((host, int(port)), 10) as plain,
        context.wrap_socket(plain, server_hostname="mon.test") as spoken,
    ):
        spoken.sendall(request)
        said = b""
        while b"\r\n" not in said and (more := spoken.recv(4096)):
            said += more
    return said.partition(b"\r\n")[0]


AROUND = (
    "GET /ops/prometheus/api/v1/query HTTP/1.1",
    "GET /ops/grafana/../prometheus/api HTTP/1.1",
    "GET /ops/grafana/%2e%2e/prometheus/api HTTP/1.1",
    "GET /ops/grafana/..%2fprometheus/api HTTP/1.1",
    "GET /ops/grafana/..;/prometheus/api HTTP/1.1",
    "GET /ops/grafana//../../prometheus/api HTTP/1.1",
    "GET //ops//prometheus//api HTTP/1.1",
    "GET /OPS/PROMETHEUS/api HTTP/1.1",
    "GET /ops/%70rometheus/api HTTP/1.1",
    "GET /ops\\prometheus\\api HTTP/1.1",
    "GET https://mon.test/ops/prometheus/api HTTP/1.1",
    "GET http://prometheus:9090/api HTTP/1.1",
    "OPTIONS /ops/prometheus/api HTTP/1.1",
    "TRACE /ops/prometheus/api HTTP/1.1",
    "CONNECT prometheus:9090 HTTP/1.1",
    "GET /ops/app/docs HTTP/1.1",
    "POST /ops/app/ingest HTTP/1.1",
)


@pytest.mark.parametrize("line", AROUND)
@pytest.mark.parametrize(
    "more",
    [
        "",
        "Authorization: Basic\r\n",
        "Authorization: Basic YWRhOg==\r\n",
        "X-Forwarded-User: ada\r\nRemote-User: ada\r\nX-Original-URL: /ops/grafana/\r\nX-HTTP-Method-Override: GET\r\n",
        "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
    ],
)
def test_nobody_gets_around_the_login(paths: str, products: Products, line: str, more: str) -> None:
    request = f"{line}\r\nHost: mon.test\r\nConnection: close\r\n{more}\r\n"
    said = raw(paths, request.encode())
    assert said.startswith(b"HTTP/1."), said
    assert products.asked["prometheus"] == products.asked["app"] == []
    if "grafana" not in line:
        assert b" 200 " not in said


def test_who_logs_in_is_let_in_and_the_password_goes_no_further(paths: str, products: Products) -> None:
    assert ask(paths, "https://mon.test/ops/prometheus/api?q=1", **LOGIN)[:2] == (200, "prometheus /api")
    (asked,) = products.asked["prometheus"]
    assert "authorization" not in asked.headers
    assert ask(paths, "https://mon.test/ops/app/alerts", **LOGIN)[:2] == (200, "app /alerts")
    assert products.asked["app"][0].headers["authorization"] == f"Bearer {TOKEN}"
    assert ask(paths, "https://mon.test/ops/app/alerts", Authorization="Bearer mine")[0] == 200
    assert products.asked["app"][1].headers["authorization"] == "Bearer mine"
    assert ask(paths, "https://mon.test/ops/prometheus/api", Authorization="Bearer mine")[0] == 401


def test_what_a_client_says_of_where_it_comes_from_is_not_believed(paths: str, products: Products) -> None:
    claimed = {
        "X-Forwarded-For": "203.0.113.9",
        "X-Forwarded-Host": "evil.test",
        "X-Forwarded-Proto": "http",
    }
    status, _, headers = ask(paths, "https://mon.test/ops/grafana/login", **claimed)
    (asked,) = products.asked["grafana"]
    assert status == 200
    assert asked.headers["x-forwarded-for"] == products.host
    assert (asked.headers["x-forwarded-host"], asked.headers["x-forwarded-proto"]) == ("mon.test", "https")
    assert not {"server", "via"} & headers.keys()
    assert headers["strict-transport-security"] == "max-age=31536000"


def test_a_large_body_is_refused(paths: str) -> None:
    head = f"POST /ops/grafana/api HTTP/1.1\r\nHost: mon.test\r\nContent-Length: {MOST + 1}\r\n\r\n"
    assert raw(paths, head.encode() + b"x" * (MOST + 1)).split()[1] == b"413"
    fits = f"POST /ops/grafana/api HTTP/1.1\r\nHost: mon.test\r\nContent-Length: {MOST}\r\n\r\n"
    assert raw(paths, fits.encode() + b"x" * MOST).split()[1] == b"200"


def test_a_name_for_each_and_none_for_others(names: str, products: Products) -> None:
    assert ask(names, "https://grafana.mon.test/d/x")[:2] == (200, "grafana /d/x")
    assert ask(names, "https://other.test/")[0] == 404
    assert ask(names, "https://prometheus.mon.test/")[0] == 401
    assert products.asked["prometheus"] == []


def test_another_login_lets_in_and_tells_who_came(names: str, products: Products) -> None:
    products.login = lambda asked: (200, Said("", {"Remote-User": "ada"}))
    claimed = {"Remote-User": "root", "Remote-Groups": "admins", "Cookie": "session=1"}
    url = "https://prometheus.mon.test/api/v1/query?query=up"
    assert ask(names, url, **claimed)[:2] == (200, "prometheus /api/v1/query")
    (asked,) = products.asked["prometheus"]
    assert asked.headers["remote-user"] == "ada"
    assert "remote-groups" not in asked.headers
    (login,) = products.asked["login"]
    assert (login.path, login.params, login.method) == ("/verify", {"rd": "1"}, "GET")
    told = [login.headers[f"x-forwarded-{name}"] for name in ("method", "proto", "host", "uri")]
    assert told == ["GET", "https", "prometheus.mon.test", "/api/v1/query?query=up"]
    assert login.headers["cookie"] == "session=1"


def test_a_redirect_to_its_page_is_what_the_browser_gets(names: str, products: Products) -> None:
    there = {"Location": "https://login.test/?rd=x", "Set-Cookie": "a=b"}
    products.login = lambda asked: (302, Said("", there))
    status, _, headers = ask(names, "https://app.mon.test/alerts")
    assert (status, headers["location"], headers["set-cookie"]) == (302, "https://login.test/?rd=x", "a=b")
    assert products.asked["app"] == []


def test_a_login_that_answers_nothing_lets_nobody_in(names: str, products: Products) -> None:
    def gone(asked: Asked) -> Any:
        raise OSError("gone")

    products.login = gone
    assert ask(names, "https://prometheus.mon.test/")[0] == 502
    assert products.asked["prometheus"] == []
