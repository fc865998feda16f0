"""The gateway's configuration as Caddy reads it: what stands behind it, who is let in, which certificate. Pure.

JSON, Caddy's own form, since names and texts of the user's need no quoting in it that could be got wrong.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Literal
from urllib.parse import urlsplit

from msgspec import Struct

from stack.components.addresses import Address
from stack.components.gateway_users import Account

PORT, INNER = 8443, 8081
"""The one that is published, and one inside the container alone: health, and which configuration runs."""
KEPT = "/var/tmp/caddy"  # noqa: S108 - a volume
SOCKET = "/tmp/admin.sock"  # noqa: S108 - the container's own
ROOT = f"{KEPT}/pki/authorities/local/root.crt"
SECOND = 1_000_000_000
"""Caddy takes times in nanoseconds."""
YEAR = 31536000
ACCESS = "http.log.access.access"
Authority = Literal["local", "files", "acme"]
Handler = dict[str, Any]


class Behind(Struct, frozen=True):
    """One product: its address for people, and ``dial``, HOST:PORT inside the stack's network.

    ``login``: the gateway lets nobody to it without one. ``token``: the file of the bearer token that it asks for.
    """

    component: str
    address: Address
    dial: str
    login: bool
    token: str = ""


class Certificates(Struct, frozen=True):
    """Where certificates come from. ``files``: paths of certificate and key. ``directory``: of another ACME server;
    ``root``: the path of what vouches for that server, empty where the world knows it.
    """

    authority: Authority
    names: tuple[str, ...]
    files: tuple[str, str] = ("", "")
    email: str = ""
    directory: str = ""
    root: str = ""


class Guard(Struct, frozen=True):
    """Who is let in: ``accounts``, or whom another login at ``forward`` knows; ``copied``: its headers, passed on."""

    accounts: tuple[Account, ...]
    forward: str = ""
    copied: tuple[str, ...] = ()


class Told(Struct, frozen=True):
    """All that the configuration follows from. ``most_bytes`` is the limit of a request's body."""

    stack: str
    behind: tuple[Behind, ...]
    certificates: Certificates
    guard: Guard
    most_bytes: int


def rendered(told: Told, beside: bytes = b"") -> tuple[str, str]:
    """The text and its digest, which the gateway tells inside; ``beside`` is what else it reads."""
    digest = hashlib.sha256(json.dumps(_document(told, "")).encode() + beside).hexdigest()[:16]
    return json.dumps(_document(told, digest), indent=1) + "\n", digest


def bare(host: str) -> str:
    """The host of an address as a certificate names it."""
    return host.strip("[]")


def _document(told: Told, digest: str) -> dict[str, Any]:
    apps: dict[str, Any] = {
        "http": {
            "https_port": PORT,
            "grace_period": 3 * SECOND,
            "servers": {"gateway": _gateway(told), "inner": _inner(digest)},
        },
        "tls": _tls(told.certificates),
    }
    if told.certificates.authority == "local":
        name = f"monitoring-stack {told.stack}"
        named = {"name": name, "root_common_name": f"{name} authority", "install_trust": False}
        apps["pki"] = {"certificate_authorities": {"local": named}}
    return {
        "admin": {"listen": f"unix/{SOCKET}", "config": {"persist": False}},
        "logging": {
            "logs": {
                "default": {"writer": {"output": "stderr"}, "exclude": [ACCESS]},
                "access": {
                    "writer": {"output": "stdout"},
                    "encoder": {"format": "json"},
                    "include": [ACCESS],
                },
            }
        },
        "storage": {"module": "file_system", "root": KEPT},
        "apps": apps,
    }


def _tls(told: Certificates) -> dict[str, Any]:
    if told.authority == "files":
        certificate, key = told.files
        return {"certificates": {"load_files": [{"certificate": certificate, "key": key}]}}
    issuer: dict[str, Any] = {"module": "internal"}
    if told.authority == "acme":
        issuer = {"module": "acme", "email": told.email, "challenges": {"http": {"disabled": True}}}
        issuer |= {"ca": told.directory} if told.directory else {}
        issuer |= {"trusted_roots_pem_files": [told.root]} if told.root else {}
    return {
        "certificates": {"automate": list(told.names)},
        "automation": {"policies": [{"subjects": list(told.names), "issuers": [issuer]}]},
    }


def _inner(digest: str) -> dict[str, Any]:
    return {
        "listen": [f"127.0.0.1:{INNER}"],
        "protocols": ["h1"],
        "automatic_https": {"disable": True},
        "routes": [
            {"match": [{"path": ["/ready"]}], "handle": [_said("ready\n")]},
            {"match": [{"path": ["/digest"]}], "handle": [_said(f"{digest}\n")]},
        ],
    }


def _gateway(told: Told) -> dict[str, Any]:
    name = told.certificates.names[0]
    return {
        "listen": [f":{PORT}"],
        # Who speaks plain HTTP to the port is sent to the same address with TLS.
        "listener_wrappers": [{"wrapper": "http_redirect"}, {"wrapper": "tls"}],
        "protocols": ["h1", "h2"],
        "read_header_timeout": 10 * SECOND,
        "automatic_https": {"disable": True},
        "tls_connection_policies": [{"default_sni": name, "fallback_sni": name}],
        "logs": {"default_logger_name": "access"},
        "routes": [_always(told), *_doors(told), *_first(told), {"handle": [_said("", 404)]}],
        "errors": {"routes": [{"handle": [_said("{http.error.status_code} {http.error.status_text}\n", 0)]}]},
    }


def _always(told: Told) -> dict[str, Any]:
    """No banner, not of what stands behind either; TLS from now on; bodies of a bounded size."""
    here = bare(told.behind[0].address.host) if told.behind else ""
    kept = (
        {}
        if here in ("127.0.0.1", "::1", "localhost")
        else {"Strict-Transport-Security": [f"max-age={YEAR}"]}
    )
    return {
        "handle": [
            {"handler": "headers", "response": {"set": kept, "delete": ["Server"]}},
            {"handler": "headers", "response": {"deferred": True, "delete": ["Server", "Via"]}},
            {"handler": "request_body", "max_size": told.most_bytes},
        ]
    }


def _doors(told: Told) -> list[dict[str, Any]]:
    by_name = len({one.address.host for one in told.behind}) > 1
    routes = []
    for one in told.behind:
        host = {"host": [bare(one.address.host)]} if by_name else {}
        prefix = one.address.prefix
        if prefix:
            moved = _moved(f"{prefix}/", 308)
            routes.append({"match": [{**host, "path": [prefix]}], "handle": [moved], "terminal": True})
        paths = {"path": [f"{prefix}/*"]} if prefix else {}
        handle = [{"handler": "subroute", "routes": _into(told, one)}]
        match = {"match": [{**host, **paths}]} if host or paths else {}
        routes.append({**match, "handle": handle, "terminal": True})
    return routes


def _first(told: Told) -> list[dict[str, Any]]:
    """The bare address leads to the first product, where they have paths below it."""
    if not told.behind or not told.behind[0].address.prefix:
        return []
    first = told.behind[0].address.prefix
    above = first.rpartition("/")[0]
    paths = ["/", *((above, f"{above}/") if above else ())]
    return [{"match": [{"path": paths}], "handle": [_moved(f"{first}/", 302)], "terminal": True}]


def _into(told: Told, one: Behind) -> list[dict[str, Any]]:
    """From the door to the product: login, prefix off, and then the product's own answer."""
    routes: list[dict[str, Any]] = []
    if one.login:
        own_token = [{"not": [{"header": {"Authorization": ["Bearer *"]}}]}]
        who_knows = {"match": own_token} if one.token else {}
        routes.append({**who_knows, "handle": [*_login(told), *_known(one)]})
    prefix = [{"handler": "rewrite", "strip_path_prefix": one.address.prefix}] if one.address.prefix else []
    routes.append({"handle": [*prefix, _proxy(one.dial)]})
    return routes


def _known(one: Behind) -> list[Handler]:
    """What the product is told of who was let in: its token, where it asks for one, and never a password."""
    own = {"set": {"Authorization": [f"Bearer {{file.{one.token}}}"]}}
    told: Handler = own if one.token else {"delete": ["Authorization"]}
    return [{"handler": "headers", "request": told}]


def _login(told: Told) -> list[Handler]:
    if told.guard.forward:
        return [_forwarded(told.guard)]
    accounts = [{"username": one.name, "password": one.hash} for one in told.guard.accounts]
    basic = {
        "accounts": accounts,
        "hash": {"algorithm": "bcrypt"},
        "hash_cache": {},
        "realm": f"monitoring-stack {told.stack}",
    }
    return [{"handler": "authentication", "providers": {"http_basic": basic}}]


def _forwarded(guard: Guard) -> Handler:
    """Another login is asked with each request's headers: 2xx lets it in, any other answer is the answer."""
    place = urlsplit(guard.forward)
    told = {"X-Forwarded-Method": ["{http.request.method}"], "X-Forwarded-Uri": ["{http.request.uri}"]}
    if place.scheme == "https":
        told["Host"] = ["{http.reverse_proxy.upstream.hostport}"]
    port = place.port or (443 if place.scheme == "https" else 80)
    return {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": f"{place.hostname}:{port}"}],
        "rewrite": {"method": "GET", "uri": (place.path or "/") + (f"?{place.query}" if place.query else "")},
        "headers": {"request": {"set": told}},
        "handle_response": [{"match": {"status_code": [2]}, "routes": _passed_on(guard.copied)}],
        **({"transport": {"protocol": "http", "tls": {}}} if place.scheme == "https" else {}),
    }


def _passed_on(names: tuple[str, ...]) -> list[dict[str, Any]]:
    """The login's own headers in place of any that the request came with; what it does not say stays unsaid."""
    routes: list[dict[str, Any]] = [{"handle": [{"handler": "headers", "request": {"delete": list(names)}}]}]
    for name in names:
        value = f"{{http.reverse_proxy.header.{name}}}"
        said = [{"not": [{"vars": {value: [""]}}]}]
        told = {"handler": "headers", "request": {"set": {name: [value]}}}
        routes.append({"match": said, "handle": [told]})
    return routes


def _proxy(dial: str) -> Handler:
    return {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": dial}],
        "stream_close_delay": 300 * SECOND,  # a new user must not cut what Grafana streams
    }


def _said(body: str, status: int = 200) -> Handler:
    code: int | str = status or "{http.error.status_code}"
    return {"handler": "static_response", "status_code": code, "body": body}


def _moved(path: str, status: int) -> Handler:
    return {"handler": "static_response", "status_code": status, "headers": {"Location": [path]}}
